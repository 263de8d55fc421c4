// What graph-to-tensor refuses, all at once and at the layer.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics -p graph-to-tensor

// Layers that an earlier pass removes.
graph.model @training(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
  // expected-error@below {{graph.dropout has no form in loops; which pass should have removed it?}}
  %0 = graph.dropout %x {rate = 0.5} -> tensor<2x4xf32>
  // expected-error@below {{graph.dropout has no form in loops; which pass should have removed it?}}
  %1 = graph.dropout %0 {rate = 0.5} -> tensor<2x4xf32>
  graph.return %1
}
