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

// -----

// Layers of which only the name is known: one message names them all.
graph.model @custom(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
  // expected-error@below {{no plugin brings the layers `MyLayer`, `OtherLayer`}}
  %0 = graph.custom "OtherLayer" %x -> tensor<2x4xf32>
  %1 = graph.custom "MyLayer" %0 -> tensor<2x4xf32>
  %2 = graph.custom "OtherLayer" %1 -> tensor<2x4xf32>
  graph.return %2
}
