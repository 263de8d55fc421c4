// RUN: neuralc-opt %s -p graph-fold-batch-norm --split-input-file | filecheck %s
// RUN: neuralc-opt %s -p graph-fold-batch-norm --split-input-file --remarks=passed,missed 2>&1 | filecheck %s --check-prefix=REMARK

// After a convolution without bias: the kernel is scaled along its last dim, a bias appears.
// CHECK-LABEL: graph.model @conv
// CHECK: %[[EPSILON:.*]] = graph.constant {value = 0.001} -> tensor<f32>
// CHECK-NEXT: %[[SHIFTED:.*]] = graph.add %variance, %[[EPSILON]]
// CHECK-NEXT: %[[ROOT:.*]] = graph.rsqrt %[[SHIFTED]]
// CHECK-NEXT: %[[SCALE:.*]] = graph.mul %gamma, %[[ROOT]]
// CHECK-NEXT: %[[MOVED:.*]] = graph.mul %mean, %[[SCALE]]
// CHECK-NEXT: %[[BIAS:.*]] = graph.sub %beta, %[[MOVED]]
// CHECK-NEXT: %[[KERNEL:.*]] = graph.mul %k, %[[SCALE]] -> tensor<3x3x1x4xf32>
// CHECK-NEXT: graph.conv %x, %[[KERNEL]], %[[BIAS]] {pads = [1, 1, 1, 1]}
// CHECK-NEXT: graph.return
// REMARK: passed: graph.batch_norm: folded into the weights of `graph.conv` [graph-fold-batch-norm]
builtin.module {
  graph.weight @k : tensor<3x3x1x4xf32>
  graph.weight @gamma : tensor<4xf32>
  graph.weight @beta : tensor<4xf32>
  graph.weight @mean : tensor<4xf32>
  graph.weight @variance : tensor<4xf32>
  graph.model @conv(%x: tensor<1x8x8x1xf32>) -> (tensor<1x8x8x4xf32>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @k -> tensor<3x3x1x4xf32>
    %gamma = graph.get_weight @gamma -> tensor<4xf32>
    %beta = graph.get_weight @beta -> tensor<4xf32>
    %mean = graph.get_weight @mean -> tensor<4xf32>
    %variance = graph.get_weight @variance -> tensor<4xf32>
    %0 = graph.conv %x, %k {pads = [1, 1, 1, 1]} -> tensor<1x8x8x4xf32>
    %1 = graph.batch_norm %0, %gamma, %beta, %mean, %variance -> tensor<1x8x8x4xf32>
    graph.return %1
  }
}

// -----

// A depthwise convolution in NCHW with a bias, normalized along axis 1; and a dense layer.
// CHECK-LABEL: graph.model @bias
// CHECK: %[[CENTRED:.*]] = graph.sub %b, %s
// CHECK-NEXT: %[[SCALED:.*]] = graph.mul %[[CENTRED]], %[[SCALE:.*]] ->
// CHECK-NEXT: %[[BIAS:.*]] = graph.add %[[SCALED]], %s
// CHECK-NEXT: %[[KERNEL:.*]] = graph.mul %k, %[[SCALE]]
// CHECK-NEXT: %[[CONV:.*]] = graph.conv %x, %[[KERNEL]], %[[BIAS]] {data_format = "NCHW", groups = 4}
// CHECK: graph.dense %[[CONV]], %{{.*}}, %{{.*}} ->
// CHECK-NOT: graph.batch_norm
// CHECK: graph.return
builtin.module {
  graph.weight @k : tensor<1x1x1x4xf32>
  graph.weight @w : tensor<6x4xf32>
  graph.weight @s : tensor<4xf32>
  graph.model @bias(%x: tensor<1x4x6x6xf32>) -> (tensor<1x4x6x4xf32>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @k -> tensor<1x1x1x4xf32>
    %w = graph.get_weight @w -> tensor<6x4xf32>
    %s = graph.get_weight @s -> tensor<4xf32>
    %b = graph.get_weight @s -> tensor<4xf32>
    %0 = graph.conv %x, %k, %b {data_format = "NCHW", groups = 4} -> tensor<1x4x6x6xf32>
    %1 = graph.batch_norm %0, %s, %s, %s, %s {axis = 1} -> tensor<1x4x6x6xf32>
    %2 = graph.dense %1, %w, %b -> tensor<1x4x6x4xf32>
    %3 = graph.batch_norm %2, %s, %s, %s, %s -> tensor<1x4x6x4xf32>
    graph.return %3
  }
}

// -----

// Must not fold: someone else reads the layer's output. The norm is a scale and a shift.
// CHECK-LABEL: graph.model @users
// CHECK: %[[CONV:.*]] = graph.conv %x, %k ->
// CHECK: %[[SCALED:.*]] = graph.mul %[[CONV]], %{{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: %[[NORM:.*]] = graph.add %[[SCALED]], %{{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: graph.add %[[CONV]], %[[NORM]]
// REMARK: missed: graph.batch_norm: not folded into `graph.conv`: the layer's output has several users
// REMARK: passed: graph.batch_norm: became a scale and a shift
builtin.module {
  graph.weight @k : tensor<1x1x1x4xf32>
  graph.weight @s : tensor<4xf32>
  graph.model @users(%x: tensor<1x8x8x1xf32>) -> (tensor<1x8x8x4xf32>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @k -> tensor<1x1x1x4xf32>
    %s = graph.get_weight @s -> tensor<4xf32>
    %0 = graph.conv %x, %k -> tensor<1x8x8x4xf32>
    %1 = graph.batch_norm %0, %s, %s, %s, %s -> tensor<1x8x8x4xf32>
    %2 = graph.add %0, %1 -> tensor<1x8x8x4xf32>
    graph.return %2
  }
}

// -----

// Must not fold: the norm is along the height. Scale and shift broadcast along that axis.
// CHECK-LABEL: graph.model @axis
// CHECK: graph.conv %x, %k ->
// CHECK: graph.reshape %{{.*}} -> tensor<8x1x1xf32>
// CHECK: graph.reshape %{{.*}} -> tensor<8x1x1xf32>
// CHECK-NEXT: graph.mul
// CHECK-NEXT: graph.add
// REMARK: missed: graph.batch_norm: not folded into `graph.conv`: it normalizes along another axis than the channels
builtin.module {
  graph.weight @k : tensor<1x1x1x4xf32>
  graph.weight @s : tensor<8xf32>
  graph.model @axis(%x: tensor<1x8x8x1xf32>) -> (tensor<1x8x8x4xf32>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @k -> tensor<1x1x1x4xf32>
    %s = graph.get_weight @s -> tensor<8xf32>
    %0 = graph.conv %x, %k -> tensor<1x8x8x4xf32>
    %1 = graph.batch_norm %0, %s, %s, %s, %s {axis = 1} -> tensor<1x8x8x4xf32>
    graph.return %1
  }
}

// -----

// Must not fire: the statistics come from outside.
// CHECK-LABEL: graph.model @unknown
// CHECK-NEXT: graph.batch_norm
// REMARK: missed: graph.batch_norm: statistics are not known at compile time
builtin.module {
  graph.model @unknown(%x: tensor<2x4xf32>, %s: tensor<4xf32>) -> (tensor<2x4xf32>) inputs ["x", "s"] outputs ["y"] {
    %0 = graph.batch_norm %x, %s, %s, %s, %s -> tensor<2x4xf32>
    graph.return %0
  }
}

// -----

// A transposed convolution in groups has its output channels as (group, channel in group); one over a line.
// CHECK-LABEL: graph.model @transposed
// CHECK: %[[SPLIT:.*]] = graph.reshape %k -> tensor<3x2x1x3xf32>
// CHECK-NEXT: %[[SCALES:.*]] = graph.reshape %{{.*}} -> tensor<2x1x3xf32>
// CHECK-NEXT: %[[SCALED:.*]] = graph.mul %[[SPLIT]], %[[SCALES]]
// CHECK-NEXT: %[[KERNEL:.*]] = graph.reshape %[[SCALED]] -> tensor<3x2x3xf32>
// CHECK-NEXT: graph.conv_transpose %x, %[[KERNEL]], %{{.*}} {data_format = "NWC"
// CHECK-NOT: graph.batch_norm
// CHECK: graph.return
// REMARK: passed: graph.batch_norm: folded into the weights of `graph.conv_transpose` [graph-fold-batch-norm]
builtin.module {
  graph.weight @k : tensor<3x2x3xf32>
  graph.weight @s : tensor<6xf32>
  graph.model @transposed(%x: tensor<1x8x2xf32>) -> (tensor<1x10x6xf32>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @k -> tensor<3x2x3xf32>
    %s = graph.get_weight @s -> tensor<6xf32>
    %0 = graph.conv_transpose %x, %k {data_format = "NWC", strides = [1], dilations = [1], pads = [0, 0],
                                      output_padding = [0], groups = 2} -> tensor<1x10x6xf32>
    %1 = graph.batch_norm %0, %s, %s, %s, %s -> tensor<1x10x6xf32>
    graph.return %1
  }
}
