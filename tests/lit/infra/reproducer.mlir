// neuralc reproducer, run it with: neuralc-opt --run-reproducer <this file>
// pipeline: graph-dce
// target: cpu
// mcpu: x86-64-v3
// RUN: neuralc-opt --run-reproducer %s | filecheck %s
// RUN: not neuralc-opt --run-reproducer %S/verify.mlir 2>&1 | filecheck %s --check-prefix=NONE

// Pipeline and settings come from the head of the file.
// CHECK: graph.model @m
// CHECK-NOT: graph.exp
// CHECK: graph.return
// NONE: error[E0190]: {{.*}}verify.mlir is not a reproducer

builtin.module {
  graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] {
    %unused = graph.exp %x -> tensor<4xf32>
    graph.return %x
  }
}
