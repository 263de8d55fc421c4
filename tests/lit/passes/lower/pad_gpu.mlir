// tensor-to-kernel: padding for a GPU is one launch.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel,kernel-canonicalize,kernel-verify-target --target cuda | filecheck %s

// Around an input: what is outside of it reads the padding.
// CHECK-LABEL: kernel.func @pad_1(
// CHECK-SAME: grid (ceildiv(batch * 360, 1024))
// CHECK: %inner_b = kernel.map sub %b
// CHECK-NEXT: kernel.load %x[%a over 0 masked, %inner_b over 0 masked, %c over 0 masked, %d over 0] other 0.0
// CHECK-NEXT: kernel.store {{.*}}, %out[%start over 0 masked]
// CHECK-LABEL: kernel.host @pad(
// CHECK: kernel.launch @pad_1
// CHECK-NEXT: kernel.view
// CHECK-NEXT: kernel.view
// CHECK-NEXT: kernel.launch @y
graph.model @pad(%x: tensor<?x8x8x4xf32, #graph.dims<batch>>) -> (tensor<?x4x8x4xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %0 = tensor.pad %x {low = [0, 1, 0, 0], high = [0, 0, 2, 0], value = 0.0} -> tensor<?x9x10x4xf32, #graph.dims<batch>>
  %1 = tensor.window %0 {dims = [1, 2], sizes = [3, 3], strides = [2, 1], dilations = [1, 1]} -> tensor<?x4x8x3x3x4xf32, #graph.dims<batch>>
  %y = tensor.reduce maximum %1 {dims = [3, 4]} -> tensor<?x4x8x4xf32, #graph.dims<batch>>
  graph.return %y
}

// -----

// Around a value that a kernel writes: the parts of the border, then the kernel writes the inside.
// CHECK-LABEL: kernel.func @border_1(
// CHECK-SAME: grid (ceildiv(batch * 224, 1024))
// CHECK: kernel.store {{.*}}, %border[%a over 0 masked, %b over 0]
// CHECK: kernel.store {{.*}}, %border_1[%a_1 over 0 masked, %b_1 over 0, %c over 0]
// CHECK: kernel.store {{.*}}, %border_2[%a over 0 masked, %b over 0]
// CHECK-LABEL: kernel.host @border(
// CHECK-COUNT-1: kernel.launch @border_1
// CHECK-NOT: kernel.launch @border
// CHECK: kernel.launch @h
graph.model @border(%x: tensor<?x8x8x16xf32, #graph.dims<batch>>) -> (tensor<?x5x5x16xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %h = tensor.map "abcd->abcd" %x -> tensor<?x8x8x16xf32, #graph.dims<batch>> {
  ^bb0(%v: f32):
    %s = tensor.scalar neg %v -> f32
    tensor.yield %s
  }
  %0 = tensor.pad %h {low = [0, 1, 1, 0], high = [0, 1, 1, 0], value = 0.0} -> tensor<?x10x10x16xf32, #graph.dims<batch>>
  %1 = tensor.window %0 {dims = [1, 2], sizes = [2, 2], strides = [2, 2], dilations = [1, 1]} -> tensor<?x5x5x2x2x16xf32, #graph.dims<batch>>
  %y = tensor.reduce maximum %1 {dims = [3, 4]} -> tensor<?x5x5x16xf32, #graph.dims<batch>>
  graph.return %y
}
