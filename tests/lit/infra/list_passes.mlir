// RUN: neuralc-opt --list-passes | filecheck %s

// Each pass with the first line of its file, in the order of their names.
// CHECK: graph-canonicalize
// CHECK: graph-cse
// CHECK: graph-to-tensor
// CHECK: kernel-plan-memory
// CHECK: tensor-fuse-elementwise
// CHECK: tensor-to-kernel
