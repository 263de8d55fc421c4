// What the verifier refuses, in the words of the shapes at hand.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

builtin.module {
  graph.model @m(%x: tensor<1x8x8x3xf32>, %k: tensor<3x3x4x6xf32>) -> () inputs ["x", "k"] outputs [] {
    // expected-error@below {{input has 3 channels, the kernel (3, 3, 4, 6) with groups 1 takes 4}}
    %0 = graph.conv %x, %k -> tensor<1x6x6x6xf32>
    // expected-error@below {{a window of 5 does not fit into 3}}
    %1 = graph.max_pool %x {window = [5, 5], strides = [1, 1], data_format = "NCHW"} -> tensor<1x8x4x1xf32>
    // expected-error@below {{data_format is one of NWC, NHWC, NDHWC, NCW, NCHW, NCDHW, not CHWN}}
    %2 = graph.conv %x, %k {data_format = "CHWN"} -> tensor<1x6x6x6xf32>
    // expected-error@below {{padding [2, 0, 0, 0] reaches over a whole window of [2, 2]}}
    %3 = graph.average_pool %x {window = [2, 2], strides = [1, 1], pads = [2, 0, 0, 0]} -> tensor<1x9x7x3xf32>
    // expected-error@below {{window, strides and dilations are at least 1}}
    %4 = graph.max_pool %x {window = [2, 2], strides = [0, 1]} -> tensor<1x8x8x3xf32>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @m(%x: tensor<2x8xf32>, %k: tensor<9x4xf32>, %b: tensor<8xf16>, %i: tensor<2x8xi32>,
                 %a: tensor<3x2x8xf32>) -> () inputs ["x", "k", "b", "i", "a"] outputs [] {
    // expected-error@below {{input (2, 8) does not fit a kernel of (9, 4)}}
    %0 = graph.dense %x, %k -> tensor<2x4xf32>
    // expected-error@below {{operands are of types f32 and f16}}
    %1 = graph.add %x, %b -> tensor<2x8xf32>
    // expected-error@below {{shapes (2, 8) and (9, 4) do not broadcast}}
    %2 = graph.mul %x, %k -> tensor<2x8xf32>
    // expected-error@below {{graph.exp needs floats, got i32}}
    %3 = graph.exp %i -> tensor<2x8xi32>
    // expected-error@below {{result type is tensor<8x2xf32>, operands give tensor<2x8xf32>}}
    %4 = graph.relu %x -> tensor<8x2xf32>
    // expected-error@below {{gamma is (9, 4), expected (8,)}}
    %5 = graph.batch_norm %x, %k, %k, %k, %k -> tensor<2x8xf32>
    // expected-error@below {{alpha (3, 2, 8) does not broadcast to (2, 8)}}
    %6 = graph.prelu %x, %a -> tensor<2x8xf32>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @m(%x: tensor<2x8xf32>) -> () inputs ["x"] outputs [] {
    // expected-error@below {{cannot reshape (2, 8) to (3, 5)}}
    %0 = graph.reshape %x -> tensor<3x5xf32>
    // expected-error@below {{perm [0, 0] is not an order of 2 dims}}
    %1 = graph.transpose %x {perm = [0, 0]} -> tensor<2x2xf32>
    // expected-error@below {{axis 2 is outside a rank of 2}}
    %2 = graph.softmax %x {axis = 2} -> tensor<2x8xf32>
    // expected-error@below {{reduce kind is one of sum, mean, prod, maximum, minimum, all, any, not product}}
    %3 = graph.reduce %x {kind = "product", axes = [1]} -> tensor<2xf32>
    // expected-error@below {{name one dim twice}}
    %4 = graph.reduce %x {kind = "sum", axes = [1, -1]} -> tensor<2xf32>
    // expected-error@below {{dropout rate 1.5 is outside [0, 1]}}
    %5 = graph.dropout %x {rate = 1.5} -> tensor<2x8xf32>
    graph.return
  }
}

// -----

builtin.module {
  // expected-error@below {{dim @S has no value: from 4 to 3}}
  graph.dim @S from 4 to 3
  // expected-error@below {{symbol @nothing is not defined}}
  graph.weight @w : tensor<4xf32> from (@nothing) {
  ^bb0(%0: tensor<4xf32>):
    graph.return %0
  }
  graph.weight @v : tensor<4xf32>
  // expected-error@below {{the region of a derived weight returns one value of type tensor<4xf32>}}
  graph.weight @u : tensor<4xf32> from (@v) {
  ^bb0(%0: tensor<4xf32>):
    %1 = graph.reshape %0 -> tensor<2x2xf32>
    graph.return %1
  }
  // expected-error@below {{@m returns (tensor<4xf32>), declared (tensor<5xf32>)}}
  graph.model @m(%x: tensor<4xf32>) -> (tensor<5xf32>) inputs ["x"] outputs ["y"] {
    graph.return %x
  }
}

// -----

builtin.module {
  graph.weight @w : tensor<4xf32>
  // expected-error@below {{symbol @w is defined twice}}
  graph.weight @w : tensor<4xf32>
}

// -----

builtin.module {
  // expected-error@below {{@m: every input and output has one name}}
  graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x", "y"] outputs ["y"] {
    graph.return %x
  }
}

// -----

builtin.module {
  graph.model @m(%x: tensor<2x8xf32>) -> () inputs ["x"] outputs [] {
    // expected-error@below {{the argument `a` is no plain value: [f32]}}
    %0 = "graph.custom"(%x) <{"layer" = "MyLayer", "arguments" = {"a" = [f32]}}> : (tensor<2x8xf32>) -> tensor<2x8xf32>
    graph.return
  }
}
