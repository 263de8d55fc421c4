// States through the passes of the graph level: what is written stays in its order, equal reads are one, and nothing is
// computed of a state at compile time.
// RUN: neuralc-opt %s -p graph-inline,graph-specialize-inference,graph-canonicalize,graph-fold-batch-norm,graph-fold-constants,graph-cse,graph-dce --check-each | filecheck %s
// RUN: neuralc-opt %s -p graph-dce --remarks=passed 2>&1 | filecheck %s --check-prefix=REMARK

// CHECK: builtin.module {
// CHECK-NEXT: graph.dim @batch
// CHECK-NEXT: graph.weight @start
// CHECK-NEXT: graph.state @h : tensor<?x4xf32, #graph.dims<batch>> init @start
// CHECK-NEXT: graph.state @written : tensor<4xf32>
// CHECK-NEXT: graph.state @count : tensor<i64> init 1
// CHECK-NEXT: graph.model @m
// CHECK-NEXT: %h = graph.get_state @h
// CHECK-NEXT: %0 = graph.tanh %h
// CHECK-NEXT: %1 = graph.add %x, %0
// CHECK-NEXT: graph.set_state @h, %1
// CHECK-NEXT: %c = graph.get_state @count
// CHECK-NEXT: %2 = graph.add %c, %c
// CHECK-NEXT: graph.set_state @count, %2
// CHECK-NEXT: graph.set_state @written, %w
// CHECK-NEXT: %3 = graph.mul %1, %h
// CHECK-NEXT: graph.return %3
// REMARK-NOT: removed @written
// REMARK: passed: graph.weight: removed @unread_weight: nothing reads it [graph-dce]
// REMARK-NEXT: passed: graph.state: removed @unread: nothing reads it [graph-dce]
builtin.module {
  graph.dim @batch from 1
  graph.weight @start : tensor<4xf32>
  graph.weight @unread_weight : tensor<4xf32>
  graph.state @h : tensor<?x4xf32, #graph.dims<batch>> init @start
  graph.state @written : tensor<4xf32>
  graph.state @count : tensor<i64> init 1
  graph.state @unread : tensor<4xf32> init @unread_weight
  graph.func @step(%x: tensor<?x4xf32, #graph.dims<batch>>, %h: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x4xf32, #graph.dims<batch>>) {
    %0 = graph.tanh %h -> tensor<?x4xf32, #graph.dims<batch>>
    %1 = graph.add %x, %0 -> tensor<?x4xf32, #graph.dims<batch>>
    graph.return %1
  }
  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>, %w: tensor<4xf32>) -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x", "w"] outputs ["y"] {
    %h = graph.get_state @h -> tensor<?x4xf32, #graph.dims<batch>>
    %0 = graph.call @step(%x, %h) -> tensor<?x4xf32, #graph.dims<batch>>
    graph.set_state @h, %0
    %c = graph.get_state @count -> tensor<i64>
    %c2 = graph.get_state @count -> tensor<i64>
    %1 = graph.add %c, %c2 -> tensor<i64>
    graph.set_state @count, %1
    graph.set_state @written, %w
    %again = graph.get_state @h -> tensor<?x4xf32, #graph.dims<batch>>
    %dead = graph.exp %again -> tensor<?x4xf32, #graph.dims<batch>>
    %2 = graph.mul %0, %again -> tensor<?x4xf32, #graph.dims<batch>>
    graph.return %2
  }
}
