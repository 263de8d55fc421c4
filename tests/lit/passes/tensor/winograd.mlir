// tensor-winograd: 3x3 convolutions with fewer products.
// RUN: neuralc-opt %s --split-input-file -p 'tensor-winograd{growth=-1.0}' --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p 'tensor-winograd{tiles=2,4 growth=-1.0}' --target cpu --mcpu haswell | filecheck %s --check-prefix=F4
// RUN: neuralc-opt %s --split-input-file -p 'tensor-winograd{growth=-1.0}' --target cpu --mcpu haswell --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: not neuralc-opt %s --split-input-file -p 'tensor-winograd{tiles=3}' --target cpu 2>&1 | filecheck %s --check-prefix=TILES
// RUN: neuralc-opt %s --split-input-file -p tensor-winograd --target cuda --arch sm_80 | filecheck %s --check-prefix=CUDA

// TILES: error[E0811]: tensor-winograd has no tiles of 3
// CUDA-NOT: tensor.winograd

// The transformed weight is derived when the model is compiled; what is padded is laid out channels last there.
// CHECK-LABEL: graph.weight @conv.kernel.folded : tensor<4x4x32x64xf32> from (@conv.kernel) {
// CHECK: %[[T:.+]] = tensor.transpose %{{.+}} {perm = [2, 3, 1, 0]} -> tensor<3x3x32x64xf32>
// CHECK: tensor.winograd_weight %[[T]] {tile = 2} -> tensor<4x4x32x64xf32>
// CHECK-LABEL: graph.model @conv
// CHECK: %[[X:.+]] = tensor.transpose %x {perm = [0, 2, 3, 1]} -> tensor<?x15x12x32xf32, #graph.dims<batch>>
// CHECK: %[[P:.+]] = tensor.pad %[[X]] {high = [0, 1, 1, 0], low = [0, 1, 1, 0], value = 0.0}
// CHECK-NOT: tensor.window
// CHECK: %[[U:.+]] = graph.get_weight @conv.kernel.folded
// CHECK: %[[Y:.+]] = tensor.winograd %[[P]], %[[U]] {tile = 2} -> tensor<?x15x12x64xf32, #graph.dims<batch>>
// CHECK: tensor.transpose %[[Y]] {perm = [0, 3, 1, 2]} -> tensor<?x64x15x12xf32, #graph.dims<batch>>
// F4: tensor.winograd_weight %{{.+}} {tile = 4} -> tensor<6x6x32x64xf32>
// F4: tensor.winograd %{{.+}}, %{{.+}} {tile = 4} -> tensor<?x15x12x64xf32, #graph.dims<batch>>
// REMARK: passed: tensor.winograd: F(2, 3) is 1.{{[0-9]+}} times as fast by the model
graph.dim @batch from 1
graph.weight @conv.kernel : tensor<64x32x3x3xf32>
graph.model @conv(%x: tensor<?x32x15x12xf32, #graph.dims<batch>>) -> (tensor<?x64x15x12xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<64x32x3x3xf32>
  %p = tensor.pad %x {low = [0, 0, 1, 1], high = [0, 0, 1, 1], value = 0.0} -> tensor<?x32x17x14xf32, #graph.dims<batch>>
  %v = tensor.window %p {dims = [2, 3], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<?x32x15x12x3x3xf32, #graph.dims<batch>>
  %y = tensor.contract "nchwij,ocij->nohw" %v, %w -> tensor<?x64x15x12xf32, #graph.dims<batch>>
  graph.return %y
}

// -----

// Channels are last already, and the operands stand the other way round.
// CHECK-LABEL: graph.model @channels_last
// CHECK: tensor.winograd %{{.+}}, %{{.+}} {tile = 2} -> tensor<1x14x14x32xf64>
graph.weight @conv.kernel : tensor<3x3x32x32xf64>
graph.model @channels_last(%x: tensor<1x16x16x32xf64>) -> (tensor<1x14x14x32xf64>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<3x3x32x32xf64>
  %v = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x14x14x3x3x32xf64>
  %y = tensor.contract "ijco,nhwijc->nhwo" %w, %v -> tensor<1x14x14x32xf64>
  graph.return %y
}

// -----

// Three channels have too few products: transforming their tiles would cost more.
// CHECK-LABEL: graph.model @few_channels
// CHECK-NOT: tensor.winograd
// REMARK: missed: tensor.contract: stays a direct convolution: F(2, 3) is 0.{{[0-9]+}} times as fast by the model
graph.weight @conv.kernel : tensor<3x3x3x32xf32>
graph.model @few_channels(%x: tensor<1x16x16x3xf32>) -> (tensor<1x14x14x32xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<3x3x3x32xf32>
  %v = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x14x14x3x3x3xf32>
  %y = tensor.contract "nhwijc,ijco->nhwo" %v, %w -> tensor<1x14x14x32xf32>
  graph.return %y
}

// -----

// CHECK-LABEL: graph.model @half
// CHECK-NOT: tensor.winograd
// REMARK: missed: tensor.contract: stays a direct convolution: its values are f16
graph.weight @conv.kernel : tensor<3x3x32x32xf16>
graph.model @half(%x: tensor<1x16x16x32xf16>) -> (tensor<1x14x14x32xf16>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<3x3x32x32xf16>
  %v = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x14x14x3x3x32xf16>
  %y = tensor.contract "nhwijc,ijco->nhwo" %v, %w -> tensor<1x14x14x32xf16>
  graph.return %y
}

// -----

// CHECK-LABEL: graph.model @symbolic
// CHECK-NOT: tensor.winograd
// REMARK: missed: tensor.contract: stays a direct convolution: the size of its pictures is known at run time only
graph.dim @H from 3
graph.weight @conv.kernel : tensor<3x3x32x32xf32>
graph.model @symbolic(%x: tensor<1x?x16x32xf32, #graph.dims<H>>) -> (tensor<1x?x14x32xf32, #graph.dims<H - 2>>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<3x3x32x32xf32>
  %v = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x?x14x3x3x32xf32, #graph.dims<H - 2>>
  %y = tensor.contract "nhwijc,ijco->nhwo" %v, %w -> tensor<1x?x14x32xf32, #graph.dims<H - 2>>
  graph.return %y
}

// -----

// 105 MB of transformed weights are not stored for 59 MB; F(2, 3) of 1024 channels are.
// CHECK-LABEL: graph.weight @of_1280
// CHECK: graph.model @large
// CHECK: tensor.contract
// CHECK: tensor.winograd %{{.+}}, %{{.+}} {tile = 2} -> tensor<1x14x14x1024xf32>
// F4: graph.model @large
// F4: tensor.contract
// F4: tensor.winograd %{{.+}}, %{{.+}} {tile = 2} -> tensor<1x14x14x1024xf32>
// REMARK: missed: tensor.contract: stays a direct convolution: its transformed weight or a tile is too large
graph.weight @of_1280 : tensor<3x3x1280x1280xf32>
graph.weight @of_1024 : tensor<3x3x1024x1024xf32>
graph.model @large(%x: tensor<1x16x16x1280xf32>, %y: tensor<1x16x16x1024xf32>) -> (tensor<1x14x14x1280xf32>, tensor<1x14x14x1024xf32>) inputs ["x", "y"] outputs ["a", "b"] {
  %w = graph.get_weight @of_1280 -> tensor<3x3x1280x1280xf32>
  %v = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x14x14x3x3x1280xf32>
  %a = tensor.contract "nhwijc,ijco->nhwo" %v, %w -> tensor<1x14x14x1280xf32>
  %k = graph.get_weight @of_1024 -> tensor<3x3x1024x1024xf32>
  %u = tensor.window %y {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x14x14x3x3x1024xf32>
  %b = tensor.contract "nhwijc,ijco->nhwo" %u, %k -> tensor<1x14x14x1024xf32>
  graph.return %a, %b
}

// -----

// Other windows have no such form: steps of 2, holes, 5x5, one pixel, groups; nor a weight that is made at run time.
// CHECK-LABEL: graph.model @others
// CHECK-NOT: tensor.winograd
// CHECK-COUNT-6: tensor.contract
graph.weight @three : tensor<3x3x32x32xf32>
graph.weight @five : tensor<5x5x32x32xf32>
graph.weight @one : tensor<1x1x32x32xf32>
graph.weight @groups : tensor<3x3x2x16x16xf32>
graph.model @others(%x: tensor<1x17x17x32xf32>, %k: tensor<3x3x32x32xf32>) -> (tensor<1x8x8x32xf32>, tensor<1x13x13x32xf32>, tensor<1x13x13x32xf32>, tensor<1x17x17x32xf32>, tensor<1x15x15x2x16xf32>, tensor<1x15x15x32xf32>) inputs ["x", "k"] outputs ["a", "b", "c", "d", "e", "f"] {
  %w = graph.get_weight @three -> tensor<3x3x32x32xf32>
  %s = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [2, 2], dilations = [1, 1]} -> tensor<1x8x8x3x3x32xf32>
  %a = tensor.contract "nhwijc,ijco->nhwo" %s, %w -> tensor<1x8x8x32xf32>
  %h = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [2, 2]} -> tensor<1x13x13x3x3x32xf32>
  %b = tensor.contract "nhwijc,ijco->nhwo" %h, %w -> tensor<1x13x13x32xf32>
  %w5 = graph.get_weight @five -> tensor<5x5x32x32xf32>
  %f = tensor.window %x {dims = [1, 2], sizes = [5, 5], strides = [1, 1], dilations = [1, 1]} -> tensor<1x13x13x5x5x32xf32>
  %c = tensor.contract "nhwijc,ijco->nhwo" %f, %w5 -> tensor<1x13x13x32xf32>
  %w1 = graph.get_weight @one -> tensor<1x1x32x32xf32>
  %o = tensor.window %x {dims = [1, 2], sizes = [1, 1], strides = [1, 1], dilations = [1, 1]} -> tensor<1x17x17x1x1x32xf32>
  %d = tensor.contract "nhwijc,ijco->nhwo" %o, %w1 -> tensor<1x17x17x32xf32>
  %wg = graph.get_weight @groups -> tensor<3x3x2x16x16xf32>
  %r = tensor.reshape %x -> tensor<1x17x17x2x16xf32>
  %g = tensor.window %r {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x15x15x3x3x2x16xf32>
  %e = tensor.contract "nhwijgc,ijgco->nhwgo" %g, %wg -> tensor<1x15x15x2x16xf32>
  %p = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x15x15x3x3x32xf32>
  %m = tensor.contract "nhwijc,ijco->nhwo" %p, %k -> tensor<1x15x15x32xf32>
  graph.return %a, %b, %c, %d, %e, %m
}
