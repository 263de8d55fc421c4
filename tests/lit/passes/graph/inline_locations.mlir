// An inlined op is at its own line, called from the line of the call.
// RUN: neuralc-opt %s -p graph-inline --print-locations | filecheck %s

// CHECK: %0 = graph.relu %x -> tensor<2xf32> loc(callsite("block.nr":7:3 at "model.nr":2:5))
builtin.module {
  graph.func @block(%x: tensor<2xf32>) -> (tensor<2xf32>) {
    %0 = graph.relu %x -> tensor<2xf32> loc("block.nr":7:3)
    graph.return %0
  }
  graph.model @m(%x: tensor<2xf32>) -> (tensor<2xf32>) inputs ["x"] outputs ["y"] {
    %0 = graph.call @block(%x) -> tensor<2xf32> loc("model.nr":2:5)
    graph.return %0
  }
}
