// RUN: neuralc-opt %s -p graph-dce | filecheck %s
// RUN: neuralc-opt %s -p graph-dce --remarks=passed 2>&1 | filecheck %s --check-prefix=REMARK

// Chains of dead ops, functions nobody calls, weights nobody reads, dims no type names.
// What is live stays: sources of a derived weight that is read, unused inputs, dims within expressions.
// CHECK: builtin.module {
// CHECK-NEXT: graph.dim @batch
// CHECK-NEXT: graph.dim @S
// CHECK-NEXT: graph.weight @source
// CHECK-NEXT: graph.weight @derived
// CHECK: graph.func @called
// CHECK: graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>, %unread: tensor<?xf32, #graph.dims<S * 2>>)
// CHECK-NEXT: %0 = graph.get_weight @derived
// CHECK-NEXT: %1 = graph.add %x, %0
// CHECK-NEXT: %2 = graph.call @called(%1)
// CHECK-NEXT: graph.return %2
// REMARK: passed: graph.weight: removed @unread_weight: nothing reads it [graph-dce]
// REMARK: passed: graph.func: removed @uncalled: nothing reads it [graph-dce]
// REMARK: passed: graph.dim: removed @gone: nothing reads it [graph-dce]
builtin.module {
  graph.dim @batch from 1
  graph.dim @S from 1
  graph.dim @gone from 1
  graph.weight @source : tensor<4xf32>
  graph.weight @derived : tensor<4xf32> from (@source) {
  ^bb0(%0: tensor<4xf32>):
    %1 = graph.neg %0 -> tensor<4xf32>
    %dead = graph.exp %1 -> tensor<4xf32>
    graph.return %1
  }
  graph.weight @unread_weight : tensor<4xf32>
  graph.weight @read_by_the_dead : tensor<4xf32>
  graph.func @called(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x4xf32, #graph.dims<batch>>) {
    graph.return %x
  }
  graph.func @uncalled(%x: tensor<?x4xf32, #graph.dims<gone>>) -> (tensor<?x4xf32, #graph.dims<gone>>) {
    %0 = graph.relu %x -> tensor<?x4xf32, #graph.dims<gone>>
    graph.return %0
  }
  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>, %unread: tensor<?xf32, #graph.dims<2 * S>>) -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x", "unread"] outputs ["y"] {
    %0 = graph.get_weight @derived -> tensor<4xf32>
    %1 = graph.add %x, %0 -> tensor<?x4xf32, #graph.dims<batch>>
    %2 = graph.get_weight @read_by_the_dead -> tensor<4xf32>
    %3 = graph.mul %1, %2 -> tensor<?x4xf32, #graph.dims<batch>>
    %4 = graph.softmax %3 -> tensor<?x4xf32, #graph.dims<batch>>
    %5 = graph.call @called(%1) -> tensor<?x4xf32, #graph.dims<batch>>
    graph.return %5
  }
}
