// Round trips of convolution and pooling over one to three dims: a list at the default of an image is left out.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

graph.dim @S from 8
graph.model @m(%line: tensor<2x3x?xf32, #graph.dims<S>>, %image: tensor<?x5x6x4xf32, #graph.dims<S>>,
               %cube: tensor<1x2x4x4x4xf32>, %int: tensor<1x8x4xi32>,
               %k1: tensor<3x3x8xf32>, %k2: tensor<3x3x4x2xf32>, %k3: tensor<2x2x2x2x6xf32>, %ki: tensor<3x1x4xi32>)
    -> () inputs ["line", "image", "cube", "int", "k1", "k2", "k3", "ki"] outputs [] {
  // CHECK: %0 = graph.conv %line, %k1 {data_format = "NCW", dilations = [2], pads = [1, 0], strides = [3]}
  // CHECK-SAME: -> tensor<2x8x?xf32, #graph.dims<ceildiv(S, 3) - 1>>
  %0 = graph.conv %line, %k1 {strides = [3], dilations = [2], pads = [1, 0], groups = 1, data_format = "NCW"}
      -> tensor<2x8x?xf32, #graph.dims<floordiv(S - 4, 3) + 1>>
  // CHECK: %1 = graph.conv %cube, %k3 {data_format = "NCDHW", dilations = [1, 1, 1], pads = [0, 0, 0, 1, 1, 1], strides = [1, 1, 2]}
  %1 = graph.conv %cube, %k3 {strides = [1, 1, 2], dilations = [1, 1, 1], pads = [0, 0, 0, 1, 1, 1], data_format = "NCDHW"}
      -> tensor<1x6x4x4x2xf32>
  // CHECK: %2 = graph.conv %int, %ki {data_format = "NWC", dilations = [1], groups = 4, pads = [0, 0], strides = [1]} -> tensor<1x6x4xi32>
  %2 = graph.conv %int, %ki {strides = [1], dilations = [1], pads = [0, 0], groups = 4, data_format = "NWC"} -> tensor<1x6x4xi32>
  // CHECK: %3 = graph.conv_transpose %image, %k2 -> tensor<?x7x8x2xf32, #graph.dims<S>>
  %3 = graph.conv_transpose %image, %k2 {strides = [1, 1], output_padding = [0, 0]} -> tensor<?x7x8x2xf32, #graph.dims<S>>
  // CHECK: %4 = graph.conv_transpose %line, %k1 {data_format = "NCW", dilations = [1], groups = 3, output_padding = [1], pads = [1, 1], strides = [2]}
  // CHECK-SAME: -> tensor<2x24x?xf32, #graph.dims<S * 2>>
  %4 = graph.conv_transpose %line, %k1 {strides = [2], dilations = [1], pads = [1, 1], output_padding = [1], groups = 3,
                                        data_format = "NCW"} -> tensor<2x24x?xf32, #graph.dims<S * 2>>
  // CHECK: %5 = graph.max_pool %image {ceil_mode = true, strides = [2, 2], window = [2, 3]} -> tensor<?x3x3x4xf32, #graph.dims<S>>
  %5 = graph.max_pool %image {window = [2, 3], strides = [2, 2], ceil_mode = true} -> tensor<?x3x3x4xf32, #graph.dims<S>>
  // CHECK: %6 = graph.arg_max_pool %image {column_major = true, dilations = [2, 1], strides = [1, 1], window = [2, 2]}
  %6 = graph.arg_max_pool %image {window = [2, 2], strides = [1, 1], dilations = [2, 1], column_major = true}
      -> tensor<?x3x5x4xi64, #graph.dims<S>>
  // CHECK: %7 = graph.average_pool %line {ceil_mode = true, count_include_pad = true, data_format = "NCW", dilations = [1], pads = [1, 1], strides = [4], window = [2]}
  // CHECK-SAME: -> tensor<2x3x?xf32, #graph.dims<min(ceildiv(S, 4) + 1, floordiv(S, 4) + 1)>>
  %7 = graph.average_pool %line {window = [2], strides = [4], dilations = [1], pads = [1, 1], ceil_mode = true,
                                 count_include_pad = true, data_format = "NCW"}
      -> tensor<2x3x?xf32, #graph.dims<min(ceildiv(S + 1, 4), floordiv(S + 3, 4) + 1)>>
  // CHECK: graph.return
  graph.return
}
