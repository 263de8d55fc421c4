// tensor-to-kernel: reductions for a GPU, over windows, and along an axis that neighbours the output or not.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel,kernel-canonicalize,kernel-verify-target --target cuda | filecheck %s

// A 2x2 window is written out, and begins with its first place.
// CHECK-LABEL: kernel.func @y(
// CHECK: kernel.load %x[%a over 0 masked, %b over 0, %c over 0, 0, 0, 0 over 1] other "-inf" -> !kernel.tile<64x16xf32>
// CHECK-NEXT: kernel.load %x[%a over 0 masked, %b over 0, %c over 0, 0, 1, 0 over 1]
// CHECK-NEXT: kernel.map maximum
// CHECK: kernel.map maximum
// CHECK: kernel.map maximum
// CHECK-NEXT: kernel.store {{.*}}, %out[%m0 over 0 masked, 0 over 1]
graph.model @window(%x: tensor<?x8x8x16xf32, #graph.dims<batch>>) -> (tensor<?x5x5x16xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
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

// -----

// Channels last: tiles of positions x channels, reduced at the end.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: grid (batch)
// CHECK: kernel.loop %k = 0 to 196 step 32
// CHECK-NEXT: kernel.load %x[%a, %k over 0 masked, 0 over 1] other 0 -> !kernel.tile<32x64xf32>
// CHECK: %total = kernel.reduce add {{.*}} {axis = 0} -> !kernel.tile<64xf32>
graph.model @along_first(%x: tensor<?x196x64xf32, #graph.dims<batch>>) -> (tensor<?x64xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %y = tensor.reduce add %x {dims = [1]} -> tensor<?x64xf32, #graph.dims<batch>>
  graph.return %y
}

// -----

// Along the last loop: whole rows, several a program; behind their end is the identity.
// CHECK-LABEL: kernel.func @y(
// CHECK: kernel.load %x[%m0 over 0 masked, 0 over 1 masked] other "inf" -> !kernel.tile<4x512xf32>
// CHECK-NEXT: kernel.reduce minimum {{.*}} {axis = 1} -> !kernel.tile<4xf32>
graph.model @along_last(%x: tensor<?x3x300xf32, #graph.dims<batch>>) -> (tensor<?x3xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %y = tensor.reduce minimum %x {dims = [2]} -> tensor<?x3xf32, #graph.dims<batch>>
  graph.return %y
}
