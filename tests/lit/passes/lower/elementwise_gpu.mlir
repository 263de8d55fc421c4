// tensor-to-kernel: maps for a GPU, in blocks of one long row.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel,kernel-canonicalize,kernel-verify-target --target cuda | filecheck %s

// What lies like the output is read at the same offsets, the bias at the remainder; the batch needs no loop of its own.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: grid (ceildiv(batch * 140, 1024))
// CHECK: %start = arith.muli %pid, %c1024
// CHECK-NEXT: %offs = kernel.iota %start -> !kernel.tile<1024xi32>
// CHECK: %c = kernel.map rem %offs
// CHECK-NEXT: %x_tile = kernel.load %x[%start over 0 masked]
// CHECK-NEXT: %b_tile = kernel.load %b[%c over 0] -> !kernel.tile<1024xf32>
// CHECK: kernel.store {{.*}}, %out[%start over 0 masked]
// CHECK-LABEL: kernel.host @flat(
// CHECK: kernel.view %x offset 0 -> !kernel.ref<[batch * 140], f32, [1]>
graph.model @flat(%x: tensor<?x7x20xf32, #graph.dims<batch>>, %b: tensor<20xf32>) -> (tensor<?x7x20xf32, #graph.dims<batch>>)
    inputs ["x", "b"] outputs ["y"] {
  %y = tensor.map "abc,c->abc" %x, %b -> tensor<?x7x20xf32, #graph.dims<batch>> {
  ^bb0(%v: f32, %c: f32):
    %s = tensor.scalar add %v, %c -> f32
    tensor.yield %s
  }
  graph.return %y
}

// -----

// A transposition: blocks over both contiguous loops, so that reads and writes are lines of memory.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: grid (batch * 8)
// CHECK: kernel.load %x[%a, %m0 over 0, %n0 over 1] -> !kernel.tile<32x32xf32>
// CHECK: kernel.store {{.*}}, %out[%a, %m0 over 0, %n0 over 1]
graph.model @crossing(%x: tensor<?x64x128xf32, #graph.dims<batch>>) -> (tensor<?x128x64xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %0 = tensor.transpose %x {perm = [0, 2, 1]} -> tensor<?x128x64xf32, #graph.dims<batch>>
  %y = tensor.map "abc->abc" %0 -> tensor<?x128x64xf32, #graph.dims<batch>> {
  ^bb0(%v: f32):
    %s = tensor.scalar neg %v -> f32
    tensor.yield %s
  }
  graph.return %y
}
