// Control flow through the passes of the graph level: each region is simplified, merged and folded by itself.
// RUN: neuralc-opt %s --split-input-file -p graph-canonicalize,graph-fold-constants,graph-cse,graph-dce | filecheck %s

// Weights and what is made of them: inside, and computed at compile time.
// CHECK: graph.weight @w.folded : tensor<4x4xf32> from (@w, @s)
// CHECK-NOT: graph.weight @unread
// CHECK-LABEL: graph.model @fold
// CHECK-NEXT: %y = graph.scan to 3 carried(%a_1 = %a) -> (tensor<2x4xf32>) {
// CHECK-NEXT: %[[W:.+]] = graph.get_weight @w.folded
// CHECK-NEXT: %[[D:.+]] = graph.dense %a_1, %[[W]]
// CHECK-NEXT: %[[E:.+]] = graph.add %[[D]], %[[D]]
// CHECK-NEXT: graph.yield %[[E]]
graph.weight @w : tensor<4x4xf32>
graph.weight @s : tensor<4xf32>
graph.weight @unread : tensor<4xf32>
graph.model @fold(%a: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["a"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<4x4xf32>
  %s = graph.get_weight @s -> tensor<4xf32>
  %k = graph.mul %w, %s -> tensor<4x4xf32>
  %u = graph.get_weight @unread -> tensor<4xf32>
  %y = graph.scan to 3 carried(%a_1 = %a) captured(%w_1 = %w, %s_1 = %s, %u_1 = %u) -> (tensor<2x4xf32>) {
    %0 = graph.mul %w_1, %s_1 -> tensor<4x4xf32>
    %1 = graph.dense %a_1, %0 -> tensor<2x4xf32>
    %2 = graph.dense %a_1, %0 -> tensor<2x4xf32>
    %3 = graph.add %1, %2 -> tensor<2x4xf32>
    graph.yield %3
  }
  graph.return %y
}

// -----

// Equal ops of two regions stay two: one side alone is run.
// CHECK-LABEL: graph.model @sides
// CHECK: graph.if
// CHECK: graph.exp
// CHECK: else
// CHECK: graph.exp
graph.model @sides(%c: tensor<i1>, %a: tensor<4xf32>) -> (tensor<4xf32>) inputs ["c", "a"] outputs ["y"] {
  %y = graph.if %c then(%p = %a) {
    %0 = graph.exp %p -> tensor<4xf32>
    graph.yield %0
  } else(%p = %a) {
    %0 = graph.exp %p -> tensor<4xf32>
    %1 = graph.neg %0 -> tensor<4xf32>
    graph.yield %1
  } -> (tensor<4xf32>)
  graph.return %y
}
