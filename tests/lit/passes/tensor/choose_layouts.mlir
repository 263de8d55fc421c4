// tensor-choose-layouts: what convolutions make lies channels last.
// RUN: neuralc-opt %s --split-input-file -p tensor-choose-layouts --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-choose-layouts --target cpu --mcpu haswell --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --split-input-file -p tensor-choose-layouts --target cuda --arch sm_80 | filecheck %s --check-prefix=CUDA

// The contraction writes n, h, w, o; the map and the padding behind it keep that order, and a view ends it.
// CHECK-LABEL: graph.model @conv
// CHECK: %[[Y:.+]] = tensor.contract "nchw,oc->nhwo" %x, %{{.+}} -> tensor<1x9x8x16xf32>
// CHECK: %[[V:.+]] = tensor.transpose %[[Y]] {perm = [0, 3, 1, 2]} -> tensor<1x16x9x8xf32>
// CHECK: %[[M:.+]] = tensor.map "abcd->acdb" %[[V]] -> tensor<1x9x8x16xf32>
// CHECK: %[[MV:.+]] = tensor.transpose %[[M]] {perm = [0, 3, 1, 2]}
// CHECK: %[[IN:.+]] = tensor.transpose %[[MV]] {perm = [0, 2, 3, 1]}
// CHECK: tensor.pad %[[IN]] {high = [0, 1, 1, 0], low = [0, 1, 1, 0]
// CHECK: tensor.reduce add %{{.+}} {dims = [2, 3]} -> tensor<1x16xf32>
// REMARK: passed: tensor.contract: dims lie in the order [0, 2, 3, 1]
// A GPU's blocks are made of both.
// CUDA-LABEL: graph.model @conv
// CUDA: tensor.contract "nchw,oc->nohw"
graph.weight @conv.kernel : tensor<16x4xf32>
graph.model @conv(%x: tensor<1x4x9x8xf32>) -> (tensor<1x16xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<16x4xf32>
  %y = tensor.contract "nchw,oc->nohw" %x, %w -> tensor<1x16x9x8xf32>
  %m = tensor.map "abcd->abcd" %y -> tensor<1x16x9x8xf32> {
  ^bb0(%0: f32):
    %1 = tensor.scalar abs %0 -> f32
    tensor.yield %1
  }
  %p = tensor.pad %m {low = [0, 0, 1, 1], high = [0, 0, 1, 1], value = 0.0} -> tensor<1x16x11x10xf32>
  %r = tensor.reduce add %p {dims = [2, 3]} -> tensor<1x16xf32>
  graph.return %r
}

// -----

// A picture that leaves the model is written as the model says.
// CHECK-LABEL: graph.model @leaves
// CHECK: tensor.contract "nchw,oc->nohw"
// REMARK: missed: tensor.contract: its dims stay in their order: it leaves the model
graph.weight @out.kernel : tensor<16x4xf32>
graph.model @leaves(%x: tensor<1x4x9x8xf32>) -> (tensor<1x16x9x8xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @out.kernel -> tensor<16x4xf32>
  %y = tensor.contract "nchw,oc->nohw" %x, %w -> tensor<1x16x9x8xf32>
  graph.return %y
}

// -----

// The rows of a matrix product stand in front already; heads of attention that are split off it stay where they are.
// CHECK-LABEL: graph.model @heads
// CHECK: tensor.contract "bsd,dhk->bhks"
graph.weight @query.kernel : tensor<32x2x16xf32>
graph.model @heads(%x: tensor<1x10x32xf32>) -> (tensor<1x2x16xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @query.kernel -> tensor<32x2x16xf32>
  %y = tensor.contract "bsd,dhk->bhks" %x, %w -> tensor<1x2x16x10xf32>
  %r = tensor.reduce add %y {dims = [3]} -> tensor<1x2x16xf32>
  graph.return %r
}

// -----

// Two channels would leave most of a vector idle: it runs along the rows of the picture.
// CHECK-LABEL: graph.model @few_channels
// CHECK: tensor.contract "nchw,oc->nohw"
graph.weight @few.kernel : tensor<2x4xf32>
graph.model @few_channels(%x: tensor<1x4x16x64xf32>) -> (tensor<1x2x16xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @few.kernel -> tensor<2x4xf32>
  %y = tensor.contract "nchw,oc->nohw" %x, %w -> tensor<1x2x16x64xf32>
  %r = tensor.reduce add %y {dims = [3]} -> tensor<1x2x16xf32>
  graph.return %r
}

// -----

// Nor can vectors of pixels be loaded where their neighbours in memory are channels: two of them stay last.
// CHECK-LABEL: graph.model @few_channels_of_few
// CHECK: tensor.contract "nchw,oc->nhwo"
graph.weight @few.kernel : tensor<2x4xf32>
graph.model @few_channels_of_few(%x: tensor<1x16x64x4xf32>) -> (tensor<1x2x16xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @few.kernel -> tensor<2x4xf32>
  %t = tensor.transpose %x {perm = [0, 3, 1, 2]} -> tensor<1x4x16x64xf32>
  %y = tensor.contract "nchw,oc->nohw" %t, %w -> tensor<1x2x16x64xf32>
  %r = tensor.reduce add %y {dims = [3]} -> tensor<1x2x16xf32>
  graph.return %r
}

// -----

// The channels of a picture lie last where a Winograd convolution reads it, even if few of them fill vectors badly.
// CHECK-LABEL: graph.model @tiles
// CHECK: tensor.contract "nchw,oc->nhwo"
// CHECK: %[[P:.+]] = tensor.pad
// CHECK: %[[W:.+]] = tensor.winograd %[[P]], %{{.+}} {tile = 2} -> tensor<1x32x32x16xf32>
// CHECK: %[[V:.+]] = tensor.transpose %[[W]] {perm = [0, 3, 1, 2]}
// CHECK: tensor.map "abcd->acdb" %[[V]]
graph.weight @one.kernel : tensor<9x4xf32>
graph.weight @three.kernel : tensor<4x4x9x16xf32>
graph.model @tiles(%x: tensor<1x4x32x32xf32>) -> (tensor<1x16xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @one.kernel -> tensor<9x4xf32>
  %u = graph.get_weight @three.kernel -> tensor<4x4x9x16xf32>
  %y = tensor.contract "nchw,oc->nohw" %x, %w -> tensor<1x9x32x32xf32>
  %t = tensor.transpose %y {perm = [0, 2, 3, 1]} -> tensor<1x32x32x9xf32>
  %p = tensor.pad %t {low = [0, 1, 1, 0], high = [0, 1, 1, 0], value = 0.0} -> tensor<1x34x34x9xf32>
  %c = tensor.winograd %p, %u {tile = 2} -> tensor<1x32x32x16xf32>
  %v = tensor.transpose %c {perm = [0, 3, 1, 2]} -> tensor<1x16x32x32xf32>
  %m = tensor.map "abcd->abcd" %v -> tensor<1x16x32x32xf32> {
  ^bb0(%0: f32):
    %1 = tensor.scalar abs %0 -> f32
    tensor.yield %1
  }
  %r = tensor.reduce add %m {dims = [2, 3]} -> tensor<1x16xf32>
  graph.return %r
}

// -----

// A transposed convolution by places and taps: its channels go behind both.
// CHECK-LABEL: graph.model @transposed
// CHECK: tensor.contract "nchw,cijo->nhiwjo" %x, %{{.+}} -> tensor<1x8x2x8x2x16xf32>
// CHECK: tensor.transpose %{{.+}} {perm = [0, 5, 1, 2, 3, 4]}
// CHECK: tensor.concat %{{.+}} {dim = 3} -> tensor<1x16x16x32xf32>
graph.weight @up.kernel : tensor<4x2x2x16xf32>
graph.model @transposed(%x: tensor<1x4x8x8xf32>) -> (tensor<1x32xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @up.kernel -> tensor<4x2x2x16xf32>
  %y = tensor.contract "nchw,cijo->nohiwj" %x, %w -> tensor<1x16x8x2x8x2xf32>
  %p = tensor.reshape %y -> tensor<1x16x16x16xf32>
  %c = tensor.concat %p, %p {dim = 1} -> tensor<1x32x16x16xf32>
  %r = tensor.reduce add %c {dims = [2, 3]} -> tensor<1x32xf32>
  graph.return %r
}

// -----

// Heads of attention are written side by side, so that putting them together is a view.
// CHECK-LABEL: graph.model @heads_together
// CHECK: %[[Y:.+]] = tensor.contract "bhqk,bkhd->bqhd" %p, %v -> tensor<1x9x2x16xf32>
// CHECK: tensor.transpose %[[Y]] {perm = [0, 2, 1, 3]} -> tensor<1x2x9x16xf32>
graph.model @heads_together(%p: tensor<1x2x9x9xf32>, %v: tensor<1x9x2x16xf32>) -> (tensor<1x32xf32>) inputs ["p", "v"] outputs ["y"] {
  %y = tensor.contract "bhqk,bkhd->bhqd" %p, %v -> tensor<1x2x9x16xf32>
  %t = tensor.transpose %y {perm = [0, 2, 1, 3]} -> tensor<1x9x2x16xf32>
  %z = tensor.reshape %t -> tensor<1x9x32xf32>
  %r = tensor.reduce add %z {dims = [1]} -> tensor<1x32xf32>
  graph.return %r
}

// -----

// Not where vectors would no longer run along the last dim, nor where nothing would be copied.
// CHECK-LABEL: graph.model @heads_apart
// CHECK: tensor.contract "bhqk,bkhd->bhqd" %p, %v
// CHECK: tensor.contract "bhqk,bkhd->bhqd" %p, %v
graph.model @heads_apart(%p: tensor<1x2x9x9xf32>, %v: tensor<1x9x2x16xf32>) -> (tensor<1x18xf32>, tensor<1x2x16xf32>)
    inputs ["p", "v"] outputs ["y", "z"] {
  %y = tensor.contract "bhqk,bkhd->bhqd" %p, %v -> tensor<1x2x9x16xf32>
  %t = tensor.transpose %y {perm = [0, 3, 1, 2]} -> tensor<1x16x2x9xf32>
  %z = tensor.reshape %t -> tensor<1x16x18xf32>
  %r = tensor.reduce add %z {dims = [1]} -> tensor<1x18xf32>
  %u = tensor.contract "bhqk,bkhd->bhqd" %p, %v -> tensor<1x2x9x16xf32>
  %w = tensor.transpose %u {perm = [0, 2, 1, 3]} -> tensor<1x9x2x16xf32>
  %s = tensor.reduce add %w {dims = [1]} -> tensor<1x2x16xf32>
  graph.return %r, %s
}
