// Locations of the text are kept, and an op without one is where it stands.
// RUN: neuralc-opt %s --print-locations | filecheck %s
// RUN: neuralc-opt %s --print-generic | filecheck %s --check-prefix=GENERIC

// CHECK: %y = graph.relu %x -> tensor<4xf32> loc("model.nr":7:3)
// CHECK: %z = graph.exp %y -> tensor<4xf32> loc("{{.*}}print_locations.mlir":12:5)
// GENERIC: %y = "graph.relu"(%x) : (tensor<4xf32>) -> tensor<4xf32>

builtin.module {
  graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["z"] {
    %y = graph.relu %x -> tensor<4xf32> loc("model.nr":7:3)
    %z = graph.exp %y -> tensor<4xf32>
    graph.return %z
  }
}
