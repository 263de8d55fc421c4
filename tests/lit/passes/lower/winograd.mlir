// A Winograd convolution on a CPU: tiles, products and the way back in one kernel; not on a GPU.
// RUN: neuralc-opt %s -p graph-fold-constants,tensor-fuse-groups,tensor-pack-weights,tensor-to-kernel --target cpu --mcpu haswell | filecheck %s
// RUN: not neuralc-opt %s -p graph-fold-constants,tensor-fuse-groups,tensor-to-kernel --target cuda --arch sm_80 2>&1 | filecheck %s --check-prefix=CUDA
// CUDA: error[E0702]: tensor.winograd has no kernel for cuda

// One panel of 24 columns, as wide as the register tile, and one block of the 12 tiles of 2x2.
// CHECK: tensor.pack %{{.+}} {panel = 24} -> tensor<1x4x4x20x24xf32>
// CHECK-LABEL: kernel.func @conv_kernel
// CHECK-SAME: grid (1)
// CHECK: %[[V:.+]] = kernel.local -> !kernel.ref<[4, 4, 12, 32], f32, [1536, 384, 32, 1]>
// CHECK: %[[M:.+]] = kernel.local -> !kernel.ref<[4, 4, 12, 24], f32, [1152, 288, 24, 1]>
// The transform of a tile: the last row and column of the pictures, which have none, are read again.
// CHECK: kernel.loop %tile = 0 to 12
// CHECK: arith.minsi
// CHECK: kernel.loop %at = 0 to 16 step 8
// CHECK: %[[D:.+]] = kernel.load %x
// CHECK: kernel.map sub %[[D]],
// CHECK: kernel.store %{{.+}}, %[[V]][0, 0, %tile, %at over 0]
// CHECK: kernel.store %{{.+}}, %[[V]][3, 3, %tile, %at over 0]
// Products of the points.
// CHECK: kernel.loop %panel = 0 to 1
// CHECK: kernel.loop %i = 0 to 4
// CHECK: kernel.loop %j = 0 to 4
// CHECK: kernel.loop %row = 0 to 12 step 4
// CHECK: kernel.loop %k = 0 to 20 step 2
// CHECK: kernel.load %[[V]][%i, %j, %row over 0, %k over 1] -> !kernel.tile<4x2xf32, v1>
// CHECK: kernel.dot
// CHECK: kernel.store %{{.+}}, %[[M]][%i, %j, %row over 0, 0 over 1]
// The way back, with what is behind: only places that the result has are written.
// CHECK: kernel.loop %tile
// CHECK: kernel.loop %column = 0 to 24 step 8
// CHECK: kernel.load %[[M]][0, 0,
// CHECK: kernel.map maximum
// CHECK: kernel.store %{{.+}}, %out[%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} over 0 masked]
// CHECK: kernel.store %{{.+}}, %out[%{{.+}}, %{{.+}}, %{{.+}} masked, %{{.+}} over 0 masked]
// CHECK: kernel.store %{{.+}}, %out[%{{.+}}, %{{.+}} masked, %{{.+}}, %{{.+}} over 0 masked]
graph.weight @conv.kernel : tensor<3x3x20x21xf32>
graph.model @conv(%x: tensor<1x9x7x20xf32>) -> (tensor<1x7x5x21xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<3x3x20x21xf32>
  %u = tensor.winograd_weight %w {tile = 2} -> tensor<4x4x20x21xf32>
  %c = tensor.winograd %x, %u {tile = 2} -> tensor<1x7x5x21xf32>
  %y = tensor.map "nhwo->nhwo" %c -> tensor<1x7x5x21xf32> {
  ^bb0(%0: f32):
    %1 = tensor.number 0.0 -> f32
    %2 = tensor.scalar maximum %0, %1 -> f32
    tensor.yield %2
  }
  graph.return %y
}
