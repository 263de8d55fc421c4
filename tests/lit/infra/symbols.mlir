// RUN: neuralc-opt %s --verify-diagnostics

builtin.module {
  graph.weight @dense.kernel : tensor<4x3xf32>
  graph.weight @dense.kernel : tensor<4x3xf32> // expected-error {{symbol @dense.kernel is defined twice}}
  graph.model @m(%x: tensor<2x4xf32>) -> (tensor<2x3xf32>) inputs ["x"] outputs ["y"] {
    %w = graph.get_weight @dense.kernle -> tensor<4x3xf32> // expected-error {{symbol @dense.kernle is not defined}}
    %y = graph.dense %x, %w -> tensor<2x3xf32>
    graph.return %y
  }
}
