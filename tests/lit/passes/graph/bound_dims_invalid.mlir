// A size whose maximum is smaller than what the layers need.
// RUN: neuralc-opt %s -p graph-bound-dims --verify-diagnostics

graph.dim @H from 1 to 4
graph.model @windows(%x: tensor<1x?x8x3xf32, #graph.dims<H>>, %k: tensor<5x5x3x4xf32>)
    -> (tensor<1x?x4x4xf32, #graph.dims<H - 4>>) inputs ["x", "k"] outputs ["y"] {
  // expected-error@below {{graph.conv needs `H` to be at least 5}}
  %y = graph.conv %x, %k -> tensor<1x?x4x4xf32, #graph.dims<H - 4>>
  graph.return %y
}
