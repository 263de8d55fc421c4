// RUN: neuralc-opt %s -p graph-expand-custom | filecheck %s

// An op that no installed package brings stays, for graph-to-tensor to refuse together with all others.

// CHECK: graph.custom "nobody_brings_this" %x {size = 3} -> tensor<4xf32>
graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] {
  %y = graph.custom "nobody_brings_this" %x {size = 3} -> tensor<4xf32>
  graph.return %y
}
