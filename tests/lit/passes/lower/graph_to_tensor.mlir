// graph-to-tensor: layers become loops. One model for each kind of layer.
// RUN: neuralc-opt %s --split-input-file -p graph-to-tensor | filecheck %s

// Convolution: pad, windows, contraction, bias. The window view has strides and dilations, not the contraction.
// CHECK-LABEL: graph.model @conv
// CHECK-NEXT: %0 = tensor.pad %x {high = [0, 2, 1, 0], low = [0, 1, 0, 0], value = 0.0} -> tensor<1x12x8x4xf32>
// CHECK-NEXT: %1 = tensor.window %0 {dilations = [2, 1], dims = [1, 2], sizes = [3, 3], strides = [2, 1]} -> tensor<1x4x6x3x3x4xf32>
// CHECK-NEXT: %2 = tensor.contract "nhwijc,ijco->nhwo" %1, %k -> tensor<1x4x6x6xf32>
// CHECK-NEXT: %y = tensor.map "abcd,d->abcd" %2, %b -> tensor<1x4x6x6xf32> {
// CHECK-NEXT: ^bb0(%3: f32, %4: f32):
// CHECK-NEXT: %5 = tensor.scalar add %3, %4 -> f32
// CHECK-NEXT: tensor.yield %5
// CHECK-NEXT: }
// CHECK-NEXT: graph.return %y
graph.model @conv(%x: tensor<1x9x7x4xf32>, %k: tensor<3x3x4x6xf32>, %b: tensor<6xf32>) -> (tensor<1x4x6x6xf32>)
    inputs ["x", "k", "b"] outputs ["y"] {
  %y = graph.conv %x, %k, %b {pads = [1, 0, 2, 1], strides = [2, 1], dilations = [2, 1]} -> tensor<1x4x6x6xf32>
  graph.return %y
}

// -----

// Channels first: the same loops in another order, no transpose.
// CHECK-LABEL: graph.model @channels_first
// CHECK-NEXT: tensor.window %x {{.*}}dims = [2, 3]{{.*}} -> tensor<1x4x7x5x3x3xf32>
// CHECK-NEXT: tensor.contract "nchwij,ijco->nohw"
// CHECK-NEXT: tensor.map "abcd,b->abcd" {{.*}}, %b
graph.model @channels_first(%x: tensor<1x4x9x7xf32>, %k: tensor<3x3x4x6xf32>, %b: tensor<6xf32>)
    -> (tensor<1x6x7x5xf32>) inputs ["x", "k", "b"] outputs ["y"] {
  %y = graph.conv %x, %k, %b {data_format = "NCHW"} -> tensor<1x6x7x5xf32>
  graph.return %y
}

// -----

// A pointwise convolution is a matrix product; with a stride it reads windows like any other.
// CHECK-LABEL: graph.model @pointwise
// CHECK-NEXT: %0 = tensor.reshape %k -> tensor<4x6xf32>
// CHECK-NEXT: %y = tensor.contract "nhwc,co->nhwo" %x, %0
// CHECK-NEXT: tensor.window %x {{.*}}strides = [2, 2]
// CHECK-NEXT: tensor.contract "nhwijc,ijco->nhwo"
graph.model @pointwise(%x: tensor<1x9x7x4xf32>, %k: tensor<1x1x4x6xf32>) -> (tensor<1x9x7x6xf32>, tensor<1x5x4x6xf32>)
    inputs ["x", "k"] outputs ["y", "z"] {
  %y = graph.conv %x, %k -> tensor<1x9x7x6xf32>
  %z = graph.conv %x, %k {strides = [2, 2]} -> tensor<1x5x4x6xf32>
  graph.return %y, %z
}

// -----

// Groups are a loop of their own; a depthwise one has no loop over the channels of a group.
// CHECK-LABEL: graph.model @groups
// CHECK: tensor.contract "nhwijg,ijg->nhwg" %{{.+}}, %{{.+}} -> tensor<1x7x5x4xf32>
// CHECK: tensor.contract "nhwijg,ijgo->nhwgo" %{{.+}}, %{{.+}} -> tensor<1x7x5x4x2xf32>
// CHECK: tensor.contract "nhwijgc,ijcgo->nhwgo" %{{.+}}, %{{.+}} -> tensor<1x7x5x2x3xf32>
graph.model @groups(%x: tensor<1x9x7x4xf32>, %d: tensor<3x3x1x4xf32>, %m: tensor<3x3x1x8xf32>, %g: tensor<3x3x2x6xf32>)
    -> (tensor<1x7x5x4xf32>, tensor<1x7x5x8xf32>, tensor<1x7x5x6xf32>)
    inputs ["x", "d", "m", "g"] outputs ["depthwise", "multiplier", "grouped"] {
  %0 = graph.conv %x, %d {groups = 4} -> tensor<1x7x5x4xf32>
  %1 = graph.conv %x, %m {groups = 4} -> tensor<1x7x5x8xf32>
  %2 = graph.conv %x, %g {groups = 2} -> tensor<1x7x5x6xf32>
  graph.return %0, %1, %2
}

// -----

// Pools: padding never wins a maximum; an average over padded windows divides by the places that are real.
// Those are counted when the model is compiled.
// CHECK-LABEL: graph.weight @average_pool.counts : tensor<1x5x4x1xf32> from () {
// CHECK-NEXT: tensor.fill 1.0 -> tensor<1x9x7x1xf32>
// CHECK-NEXT: tensor.pad
// CHECK-NEXT: tensor.window
// CHECK-NEXT: tensor.reduce add
// CHECK-NEXT: graph.return
// CHECK-LABEL: graph.model @pools
// CHECK-NEXT: tensor.pad %x {{.*}}value = "-inf"
// CHECK-NEXT: tensor.window
// CHECK-NEXT: tensor.reduce maximum %{{.+}} {dims = [3, 4]}
// CHECK-NEXT: tensor.pad %x {{.*}}value = 0.0
// CHECK-NEXT: tensor.window
// CHECK-NEXT: %[[SUM:.+]] = tensor.reduce add
// CHECK-NEXT: %[[COUNT:.+]] = graph.get_weight @average_pool.counts
// CHECK-NEXT: tensor.map "abcd,1bc1->abcd" %[[SUM]], %[[COUNT]]
// CHECK: tensor.window %x
// CHECK-NEXT: %[[WHOLE:.+]] = tensor.reduce add
// CHECK-NEXT: tensor.map "abcd->abcd" %[[WHOLE]] {{.*}} {
// CHECK: tensor.number 0.25 -> f32
// CHECK-NEXT: tensor.scalar mul
graph.model @pools(%x: tensor<2x9x7x4xf32>) -> (tensor<2x5x4x4xf32>, tensor<2x5x4x4xf32>, tensor<2x4x3x4xf32>)
    inputs ["x"] outputs ["max", "padded", "average"] {
  %0 = graph.max_pool %x {window = [2, 2], strides = [2, 2], pads = [0, 0, 1, 1]} -> tensor<2x5x4x4xf32>
  %1 = graph.average_pool %x {window = [2, 2], strides = [2, 2], pads = [0, 0, 1, 1]} -> tensor<2x5x4x4xf32>
  %2 = graph.average_pool %x {window = [2, 2], strides = [2, 2]} -> tensor<2x4x3x4xf32>
  graph.return %0, %1, %2
}

// -----

// Softmax is four loops along any axis; what runs together is decided later.
// CHECK-LABEL: graph.model @softmax
// CHECK-NEXT: %[[MAX:.+]] = tensor.reduce maximum %x {dims = [1]} -> tensor<2x3xf32>
// CHECK-NEXT: %[[SHIFTED:.+]] = tensor.map "abc,ac->abc" %x, %[[MAX]]
// CHECK: tensor.scalar sub
// CHECK: %[[EXP:.+]] = tensor.map "abc->abc" %[[SHIFTED]]
// CHECK: tensor.scalar exp
// CHECK: %[[SUM:.+]] = tensor.reduce add %[[EXP]] {dims = [1]}
// CHECK-NEXT: tensor.map "abc,ac->abc" %[[EXP]], %[[SUM]]
// CHECK: tensor.scalar div
graph.model @softmax(%x: tensor<2x5x3xf32>) -> (tensor<2x5x3xf32>) inputs ["x"] outputs ["y"] {
  %y = graph.softmax %x {axis = -2} -> tensor<2x5x3xf32>
  graph.return %y
}

// -----

// Broadcasting: a dim of size one that stretches has no loop.
// CHECK-LABEL: graph.model @broadcast
// CHECK-NEXT: tensor.map "abc,b1->abc" %x, %w
// CHECK: tensor.map "a1c,abc->abc" %m, %x
// CHECK: tensor.map "abc,->abc" %x, %s
graph.model @broadcast(%x: tensor<2x5x3xf32>, %w: tensor<5x1xf32>, %m: tensor<2x1x3xf32>, %s: tensor<f32>)
    -> (tensor<2x5x3xf32>, tensor<2x5x3xf32>, tensor<2x5x3xf32>)
    inputs ["x", "w", "m", "s"] outputs ["a", "b", "c"] {
  %0 = graph.add %x, %w -> tensor<2x5x3xf32>
  %1 = graph.sub %m, %x -> tensor<2x5x3xf32>
  %2 = graph.mul %x, %s -> tensor<2x5x3xf32>
  graph.return %0, %1, %2
}

// -----

// A mean multiplies by the reciprocal of the count; dropped dims come back as a reshape.
// CHECK-LABEL: graph.model @mean
// CHECK-NEXT: tensor.reduce add %x {dims = [1, 2]} -> tensor<2x4xf32>
// CHECK-NEXT: tensor.map "ab->ab"
// CHECK: tensor.number 0.125 -> f32
// CHECK: %y = tensor.reshape %{{.+}} -> tensor<2x1x1x4xf32>
graph.model @mean(%x: tensor<2x4x2x4xf32>) -> (tensor<2x1x1x4xf32>) inputs ["x"] outputs ["y"] {
  %y = graph.reduce %x {kind = "mean", axes = [1, 2], keepdims = true} -> tensor<2x1x1x4xf32>
  graph.return %y
}
