// What the ops that lay values out another way refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

graph.dim @batch from 1
graph.model @reshape(%x: tensor<?x6xf32, #graph.dims<batch>>) -> () inputs ["x"] outputs [] {
  // expected-error@below {{cannot reshape (batch, 6) to (batch, 7)}}
  %0 = tensor.reshape %x -> tensor<?x7xf32, #graph.dims<batch>>
  // expected-error@below {{cannot reshape (batch, 6) to (batch, 6)}}
  %1 = tensor.reshape %x -> tensor<?x6xf64, #graph.dims<batch>>
  // expected-error@below {{cannot reshape (batch, 6) to (12,)}}
  %2 = tensor.reshape %x -> tensor<12xf32>
  graph.return
}

// -----

graph.model @transpose(%x: tensor<2x6xf32>) -> () inputs ["x"] outputs [] {
  // expected-error@below {{perm [0, 0] is not an order of 2 dims}}
  %0 = tensor.transpose %x {perm = [0, 0]} -> tensor<2x2xf32>
  // expected-error@below {{perm [0, 1, 2] is not an order of 2 dims}}
  %1 = tensor.transpose %x {perm = [0, 1, 2]} -> tensor<2x6x1xf32>
  // expected-error@below {{result type is tensor<2x6xf32>, operands give tensor<6x2xf32>}}
  %2 = tensor.transpose %x {perm = [1, 0]} -> tensor<2x6xf32>
  graph.return
}

// -----

graph.model @pad(%x: tensor<2x6xf32>) -> () inputs ["x"] outputs [] {
  // expected-error@below {{low [1] and high [0, 0] have one entry of at least 0 per dim}}
  %0 = tensor.pad %x {low = [1], high = [0, 0], value = 0.0} -> tensor<3x6xf32>
  // expected-error@below {{low [0, -1] and high [0, 0] have one entry of at least 0 per dim}}
  %1 = tensor.pad %x {low = [0, -1], high = [0, 0], value = 0.0} -> tensor<2x5xf32>
  graph.return
}

// -----

graph.model @window(%x: tensor<2x6xf32>) -> () inputs ["x"] outputs [] {
  // expected-error@below {{a window of 7 does not fit into 6}}
  %0 = tensor.window %x {dims = [1], sizes = [3], strides = [1], dilations = [3]} -> tensor<2x0x3xf32>
  // expected-error@below {{dims [1, 0] are ascending dims of the operand}}
  %1 = tensor.window %x {dims = [1, 0], sizes = [1, 1], strides = [1, 1], dilations = [1, 1]} -> tensor<2x6x1x1xf32>
  // expected-error@below {{dims [2] are ascending dims of the operand}}
  %2 = tensor.window %x {dims = [2], sizes = [1], strides = [1], dilations = [1]} -> tensor<2x6x1xf32>
  // expected-error@below {{dims, sizes, strides and dilations have one entry per windowed dim}}
  %3 = tensor.window %x {dims = [1], sizes = [1, 1], strides = [1], dilations = [1]} -> tensor<2x6x1x1xf32>
  // expected-error@below {{sizes, strides and dilations are at least 1}}
  %4 = tensor.window %x {dims = [1], sizes = [2], strides = [0], dilations = [1]} -> tensor<2x5x2xf32>
  graph.return
}

// -----

graph.model @pack(%x: tensor<4x20xf32>, %p: tensor<3x4x8xf32>) -> () inputs ["x", "p"] outputs [] {
  // expected-error@below {{pack splits the last dim into panels of at least 1}}
  %0 = tensor.pack %x {panel = 0} -> tensor<3x4x8xf32>
  // expected-error@below {{result type is tensor<2x4x8xf32>, operands give tensor<3x4x8xf32>}}
  %1 = tensor.pack %x {panel = 8} -> tensor<2x4x8xf32>
  // expected-error@below {{(4, 25) packs to (4, 4, 8), not (3, 4, 8)}}
  %2 = tensor.unpack %p -> tensor<4x25xf32>
  // expected-error@below {{cannot unpack (3, 4, 8) to (96,)}}
  %3 = tensor.unpack %p -> tensor<96xf32>
  graph.return
}
