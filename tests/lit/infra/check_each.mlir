// The passes named here preserve values, so the run is silent; what a wrong pass gets is in tests/unit/infra.
// RUN: neuralc-opt %s -p graph-specialize-inference,graph-cse,graph-dce --check-each | filecheck %s
// RUN: neuralc-opt %s -p graph-dce --check-each --time-passes --statistics -o /dev/null 2>&1 | filecheck %s --check-prefix=TIME

// CHECK: graph.model @m
// CHECK-NOT: graph.dropout

// TIME: step {{ +}} ms
// TIME: graph-dce
// TIME: total

builtin.module {
  graph.dim @batch from 1 to 5
  graph.weight @w : tensor<4x3xf32>
  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x3xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
    %w = graph.get_weight @w -> tensor<4x3xf32>
    %drop = graph.dropout %x {rate = 0.5} -> tensor<?x4xf32, #graph.dims<batch>>
    %y = graph.dense %drop, %w -> tensor<?x3xf32, #graph.dims<batch>>
    graph.return %y
  }
}
