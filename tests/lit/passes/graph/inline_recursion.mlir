// RUN: not neuralc-opt %s -p graph-inline 2>&1 | filecheck %s

// CHECK: error[E0490]: a graph.func calls itself
// CHECK: note: @even -> @odd -> @even
builtin.module {
  graph.func @even(%x: tensor<2xf32>) -> (tensor<2xf32>) {
    %0 = graph.call @odd(%x) -> tensor<2xf32>
    graph.return %0
  }
  graph.func @odd(%x: tensor<2xf32>) -> (tensor<2xf32>) {
    %0 = graph.call @even(%x) -> tensor<2xf32>
    graph.return %0
  }
  graph.model @m(%x: tensor<2xf32>) -> (tensor<2xf32>) inputs ["x"] outputs ["y"] {
    %0 = graph.call @even(%x) -> tensor<2xf32>
    graph.return %0
  }
}
