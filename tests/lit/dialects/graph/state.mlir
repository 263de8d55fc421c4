// What a model keeps between runs: how it begins, how it is read and written.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s --strict-whitespace --match-full-lines
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s --strict-whitespace --match-full-lines

//      CHECK:builtin.module {
// CHECK-NEXT:  graph.dim @batch from 1
// CHECK-NEXT:  graph.weight @start : tensor<4xf32>
// CHECK-NEXT:  graph.state @h : tensor<?x4xf32, #graph.dims<batch>>
// CHECK-NEXT:  graph.state @half : tensor<4xf16> init 0.5
// CHECK-NEXT:  graph.state @largest : tensor<4xf32> init "-inf"
// CHECK-NEXT:  graph.state @count : tensor<i64> init 3
// CHECK-NEXT:  graph.state @first : tensor<i1> init true
// CHECK-NEXT:  graph.state @learned : tensor<?x4xf32, #graph.dims<batch>> init @start
// CHECK-NEXT:  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
// CHECK-NEXT:    %h = graph.get_state @h -> tensor<?x4xf32, #graph.dims<batch>>
// CHECK-NEXT:    %y = graph.add %x, %h -> tensor<?x4xf32, #graph.dims<batch>>
// CHECK-NEXT:    graph.set_state @h, %y
// CHECK-NEXT:    graph.return %y
// CHECK-NEXT:  }
// CHECK-NEXT:}

builtin.module {
  graph.dim @batch from 1
  graph.weight @start : tensor<4xf32>
  graph.state @h : tensor<?x4xf32, #graph.dims<batch>> init 0.0
  graph.state @half : tensor<4xf16> init 0.5
  graph.state @largest : tensor<4xf32> init "-inf"
  graph.state @count : tensor<i64> init 3
  graph.state @first : tensor<i1> init true
  graph.state @learned : tensor<?x4xf32, #graph.dims<batch>> init @start
  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
    %h = graph.get_state @h -> tensor<?x4xf32, #graph.dims<batch>>
    %y = graph.add %x, %h -> tensor<?x4xf32, #graph.dims<batch>>
    graph.set_state @h, %y
    graph.return %y
  }
}
