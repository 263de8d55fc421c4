// tensor-to-kernel: row kernels (softmax) for a GPU, by the length of a row.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel,kernel-canonicalize,kernel-verify-target --target cuda | filecheck %s

// Short rows: several in one tile. The load gives the identity of the maximum, a select that of the sum.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: grid (ceildiv(batch, 128))
// CHECK: %x_tile = kernel.load %x[%m0 over 0 masked, 0 over 1 masked] other "-inf" -> !kernel.tile<128x16xf32>
// CHECK-NEXT: %row_max = kernel.reduce maximum %x_tile {axis = 1}
// CHECK: kernel.map exp
// CHECK: kernel.map lt
// CHECK: kernel.map select
// CHECK-NEXT: %row_sum = kernel.reduce add {{.*}} {axis = 1}
// CHECK: kernel.map div
// CHECK-NEXT: kernel.store
graph.model @short(%x: tensor<?x10xf32, #graph.dims<batch>>) -> (tensor<?x10xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %m = tensor.reduce maximum %x {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %e = tensor.map "ab,a->ab" %x, %m -> tensor<?x10xf32, #graph.dims<batch>> {
  ^bb0(%v: f32, %c: f32):
    %0 = tensor.scalar sub %v, %c -> f32
    %1 = tensor.scalar exp %0 -> f32
    tensor.yield %1
  }
  %s = tensor.reduce add %e {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %y = tensor.map "ab,a->ab" %e, %s -> tensor<?x10xf32, #graph.dims<batch>> {
  ^bb1(%v: f32, %c: f32):
    %0 = tensor.scalar div %v, %c -> f32
    tensor.yield %0
  }
  graph.return %y
}

// -----

// A long row has a program of its own, and is read once.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: grid (batch)
// CHECK-COUNT-1: kernel.load %x[%pid, 0 over 0 masked] other "-inf" -> !kernel.tile<2048xf32>
// CHECK-NOT: kernel.load
// CHECK: kernel.reduce maximum {{.*}} {axis = 0} -> !kernel.tile<f32>
graph.model @long(%x: tensor<?x2000xf32, #graph.dims<batch>>) -> (tensor<?x2000xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %m = tensor.reduce maximum %x {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %e = tensor.map "ab,a->ab" %x, %m -> tensor<?x2000xf32, #graph.dims<batch>> {
  ^bb0(%v: f32, %c: f32):
    %0 = tensor.scalar sub %v, %c -> f32
    %1 = tensor.scalar exp %0 -> f32
    tensor.yield %1
  }
  %s = tensor.reduce add %e {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %y = tensor.map "ab,a->ab" %e, %s -> tensor<?x2000xf32, #graph.dims<batch>> {
  ^bb1(%v: f32, %c: f32):
    %0 = tensor.scalar div %v, %c -> f32
    tensor.yield %0
  }
  graph.return %y
}

// -----

// A row that registers do not hold: a pass for each reduction, and one for the result.
// CHECK-LABEL: kernel.func @y(
// CHECK: kernel.loop %at = 0 to 20000 step 4096
// CHECK: kernel.map maximum
// CHECK: %row_max = kernel.reduce maximum
// CHECK: kernel.loop %at_1 = 0 to 20000 step 4096
// CHECK: kernel.map exp
// CHECK: %row_sum = kernel.reduce add
// CHECK: kernel.loop %at_2 = 0 to 20000 step 4096
// CHECK: kernel.map exp
// CHECK: kernel.map div
// CHECK-NEXT: kernel.store
graph.model @very_long(%x: tensor<?x20000xf32, #graph.dims<batch>>) -> (tensor<?x20000xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %m = tensor.reduce maximum %x {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %e = tensor.map "ab,a->ab" %x, %m -> tensor<?x20000xf32, #graph.dims<batch>> {
  ^bb0(%v: f32, %c: f32):
    %0 = tensor.scalar sub %v, %c -> f32
    %1 = tensor.scalar exp %0 -> f32
    tensor.yield %1
  }
  %s = tensor.reduce add %e {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %y = tensor.map "ab,a->ab" %e, %s -> tensor<?x20000xf32, #graph.dims<batch>> {
  ^bb1(%v: f32, %c: f32):
    %0 = tensor.scalar div %v, %c -> f32
    tensor.yield %0
  }
  graph.return %y
}
