// Every op that computes, as it is read and printed. Properties at their default are left out.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!image = tensor<?x8x8x4xf32, #graph.dims<batch>>
!rows = tensor<?x16xf32, #graph.dims<batch>>

builtin.module {
  graph.dim @batch from 1

  // CHECK-LABEL: graph.model @layers
  graph.model @layers(%x: !image, %f: !rows, %k: tensor<3x3x4x6xf32>, %d: tensor<3x3x1x8xf32>, %b: tensor<6xf32>,
                      %w: tensor<16x5xf32>, %c: tensor<5xf32>, %s: tensor<16xf32>) -> () inputs
      ["x", "f", "k", "d", "b", "w", "c", "s"] outputs [] {
    // CHECK: graph.conv %x, %k -> tensor<?x6x6x6xf32, #graph.dims<batch>>
    %0 = graph.conv %x, %k {strides = [1, 1], groups = 1, data_format = "NHWC"} -> tensor<?x6x6x6xf32, #graph.dims<batch>>
    // CHECK: graph.conv %x, %k, %b {dilations = [2, 2], pads = [2, 1, 2, 1], strides = [2, 1]} -> tensor<?x4x6x6xf32
    %1 = graph.conv %x, %k, %b {strides = [2, 1], pads = [2, 1, 2, 1], dilations = [2, 2]} -> tensor<?x4x6x6xf32, #graph.dims<batch>>
    // CHECK: graph.conv %x, %d {groups = 4} -> tensor<?x6x6x8xf32
    %2 = graph.conv %x, %d {groups = 4} -> tensor<?x6x6x8xf32, #graph.dims<batch>>
    // CHECK: graph.dense %f, %w -> tensor<?x5xf32
    %3 = graph.dense %f, %w -> tensor<?x5xf32, #graph.dims<batch>>
    // CHECK: graph.dense %f, %w, %c -> tensor<?x5xf32
    %4 = graph.dense %f, %w, %c -> tensor<?x5xf32, #graph.dims<batch>>
    // CHECK: graph.batch_norm %f, %s, %s, %s, %s -> tensor<?x16xf32
    %5 = graph.batch_norm %f, %s, %s, %s, %s {epsilon = 0.001} -> !rows
    // CHECK: graph.batch_norm %f, %s, %s, %s, %s {axis = 1, epsilon = 1.0e-05, momentum = 0.9} -> tensor<?x16xf32
    %6 = graph.batch_norm %f, %s, %s, %s, %s {epsilon = 1.0e-5, momentum = 0.9, axis = 1} -> !rows
    // CHECK: graph.max_pool %x {strides = [2, 2], window = [2, 2]} -> tensor<?x4x4x4xf32
    %7 = graph.max_pool %x {window = [2, 2], strides = [2, 2]} -> tensor<?x4x4x4xf32, #graph.dims<batch>>
    // CHECK: graph.max_pool %x {data_format = "NCHW", pads = [1, 1, 0, 0], strides = [1, 1], window = [2, 2]} -> tensor<?x8x8x4xf32
    %8 = graph.max_pool %x {window = [2, 2], strides = [1, 1], pads = [1, 1, 0, 0], data_format = "NCHW"} -> !image
    // CHECK: graph.average_pool %x {strides = [2, 2], window = [2, 2]} -> tensor<?x4x4x4xf32
    %9 = graph.average_pool %x {window = [2, 2], strides = [2, 2]} -> tensor<?x4x4x4xf32, #graph.dims<batch>>
    // CHECK: graph.average_pool %x {count_include_pad = true, pads = [1, 1, 1, 1], strides = [1, 1], window = [3, 3]}
    %10 = graph.average_pool %x {window = [3, 3], strides = [1, 1], pads = [1, 1, 1, 1], count_include_pad = true} -> !image
    // CHECK: graph.dropout %f {rate = 0.5} -> tensor<?x16xf32
    %11 = graph.dropout %f {rate = 0.5} -> !rows
    // CHECK: graph.softmax %f -> tensor<?x16xf32
    %12 = graph.softmax %f -> !rows
    // CHECK: graph.softmax %f {axis = 0} -> tensor<?x16xf32
    %13 = graph.softmax %f {axis = 0} -> !rows
    // CHECK: graph.log_softmax %f -> tensor<?x16xf32
    %14 = graph.log_softmax %f {axis = -1} -> !rows
    graph.return
  }

  // CHECK-LABEL: graph.model @views
  graph.model @views(%x: !image) -> () inputs ["x"] outputs [] {
    // CHECK: graph.reshape %x -> tensor<?x256xf32, #graph.dims<batch>>
    %0 = graph.reshape %x -> tensor<?x256xf32, #graph.dims<batch>>
    // CHECK: graph.reshape %x -> tensor<?x4xf32, #graph.dims<batch * 64>>
    %1 = graph.reshape %x -> tensor<?x4xf32, #graph.dims<64 * batch>>
    // CHECK: graph.transpose %x {perm = [0, 3, 1, 2]} -> tensor<?x4x8x8xf32, #graph.dims<batch>>
    %2 = graph.transpose %x {perm = [0, 3, 1, 2]} -> tensor<?x4x8x8xf32, #graph.dims<batch>>
    // CHECK: graph.reduce %x {axes = [1, 2], kind = "mean"} -> tensor<?x4xf32, #graph.dims<batch>>
    %3 = graph.reduce %x {kind = "mean", axes = [1, 2]} -> tensor<?x4xf32, #graph.dims<batch>>
    // CHECK: graph.reduce %x {axes = [-1], keepdims = true, kind = "maximum"} -> tensor<?x8x8x1xf32, #graph.dims<batch>>
    %4 = graph.reduce %x {kind = "maximum", axes = [-1], keepdims = true} -> tensor<?x8x8x1xf32, #graph.dims<batch>>
    // CHECK: graph.constant {value = 0.5} -> tensor<f32>
    %5 = graph.constant {value = 0.5} -> tensor<f32>
    // CHECK: graph.constant {value = 3} -> tensor<2xi32>
    %6 = graph.constant {value = 3} -> tensor<2xi32>
    graph.return
  }

  // CHECK-LABEL: graph.model @elementwise
  graph.model @elementwise(%x: !rows, %s: tensor<16xf32>) -> () inputs ["x", "s"] outputs [] {
    // CHECK: graph.relu %x -> tensor<?x16xf32
    %0 = graph.relu %x -> !rows
    // CHECK: graph.relu6 %x -> tensor<?x16xf32
    %1 = graph.relu6 %x -> !rows
    // CHECK: graph.leaky_relu %x -> tensor<?x16xf32
    %2 = graph.leaky_relu %x {alpha = 0.3} -> !rows
    // CHECK: graph.leaky_relu %x {alpha = 0.01} -> tensor<?x16xf32
    %3 = graph.leaky_relu %x {alpha = 0.01} -> !rows
    // CHECK: graph.elu %x {alpha = 2.0} -> tensor<?x16xf32
    %4 = graph.elu %x {alpha = 2.0} -> !rows
    // CHECK: graph.selu %x -> tensor<?x16xf32
    %5 = graph.selu %x -> !rows
    // CHECK: graph.gelu %x -> tensor<?x16xf32
    %6 = graph.gelu %x -> !rows
    // CHECK: graph.gelu %x {approximate = true} -> tensor<?x16xf32
    %7 = graph.gelu %x {approximate = true} -> !rows
    // CHECK: graph.silu %x -> tensor<?x16xf32
    %8 = graph.silu %x -> !rows
    // CHECK: graph.mish %x -> tensor<?x16xf32
    %9 = graph.mish %x -> !rows
    // CHECK: graph.sigmoid %x -> tensor<?x16xf32
    %10 = graph.sigmoid %x -> !rows
    // CHECK: graph.tanh %x -> tensor<?x16xf32
    %11 = graph.tanh %x -> !rows
    // CHECK: graph.softplus %x -> tensor<?x16xf32
    %12 = graph.softplus %x -> !rows
    // CHECK: graph.softsign %x -> tensor<?x16xf32
    %13 = graph.softsign %x -> !rows
    // CHECK: graph.hard_sigmoid %x -> tensor<?x16xf32
    %14 = graph.hard_sigmoid %x -> !rows
    // CHECK: graph.hard_swish %x -> tensor<?x16xf32
    %15 = graph.hard_swish %x -> !rows
    // CHECK: graph.exp %x -> tensor<?x16xf32
    %16 = graph.exp %x -> !rows
    // CHECK: graph.log %x -> tensor<?x16xf32
    %17 = graph.log %x -> !rows
    // CHECK: graph.sqrt %x -> tensor<?x16xf32
    %18 = graph.sqrt %x -> !rows
    // CHECK: graph.rsqrt %x -> tensor<?x16xf32
    %19 = graph.rsqrt %x -> !rows
    // CHECK: graph.neg %x -> tensor<?x16xf32
    %20 = graph.neg %x -> !rows
    // CHECK: graph.abs %x -> tensor<?x16xf32
    %21 = graph.abs %x -> !rows
    // CHECK: graph.erf %x -> tensor<?x16xf32
    %22 = graph.erf %x -> !rows
    // CHECK: graph.identity %x -> tensor<?x16xf32
    %23 = graph.identity %x -> !rows
    // CHECK: graph.add %x, %s -> tensor<?x16xf32
    %24 = graph.add %x, %s -> !rows
    // CHECK: graph.sub %s, %x -> tensor<?x16xf32
    %25 = graph.sub %s, %x -> !rows
    // CHECK: graph.mul %x, %x -> tensor<?x16xf32
    %26 = graph.mul %x, %x -> !rows
    // CHECK: graph.div %x, %s -> tensor<?x16xf32
    %27 = graph.div %x, %s -> !rows
    // CHECK: graph.maximum %x, %s -> tensor<?x16xf32
    %28 = graph.maximum %x, %s -> !rows
    // CHECK: graph.minimum %x, %s -> tensor<?x16xf32
    %29 = graph.minimum %x, %s -> !rows
    // CHECK: graph.prelu %x, %s -> tensor<?x16xf32
    %30 = graph.prelu %x, %s -> !rows
    graph.return
  }
}
