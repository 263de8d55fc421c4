// RUN: neuralc-opt %s -p graph-cse --split-input-file | filecheck %s
// RUN: neuralc-opt %s -p graph-cse --split-input-file --remarks=passed 2>&1 | filecheck %s --check-prefix=REMARK

// Equal reads, equal layers, and operands in another order where the op commutes.
// CHECK: graph.model @equal
// CHECK-NEXT: %k = graph.get_weight @w
// CHECK-NEXT: %0 = graph.dense %x, %k
// CHECK-NEXT: %1 = graph.add %0, %x
// CHECK-NEXT: graph.return %1, %1
builtin.module {
  graph.weight @w : tensor<4x4xf32>
  graph.model @equal(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) inputs ["x"] outputs ["y", "z"] {
    %k = graph.get_weight @w -> tensor<4x4xf32>
    %0 = graph.dense %x, %k -> tensor<2x4xf32>
    %l = graph.get_weight @w -> tensor<4x4xf32>
    %1 = graph.dense %x, %l -> tensor<2x4xf32>
    %2 = graph.add %0, %x -> tensor<2x4xf32>
    %3 = graph.add %x, %1 -> tensor<2x4xf32>
    graph.return %2, %3
  }
}

// -----

// Other properties, another order of a difference, another type: all stay.
// CHECK: graph.model @different
// CHECK-NEXT: graph.leaky_relu %x {alpha = 0.1}
// CHECK-NEXT: graph.leaky_relu %x {alpha = 0.2}
// CHECK-NEXT: graph.sub
// CHECK-NEXT: graph.sub
// CHECK-NEXT: graph.reshape
// CHECK-NEXT: graph.reshape
// CHECK-NEXT: graph.return
builtin.module {
  graph.model @different(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<8xf32>, tensor<4x2xf32>)
      inputs ["x"] outputs ["a", "b", "c", "d"] {
    %0 = graph.leaky_relu %x {alpha = 0.1} -> tensor<2x4xf32>
    %1 = graph.leaky_relu %x {alpha = 0.2} -> tensor<2x4xf32>
    %2 = graph.sub %0, %1 -> tensor<2x4xf32>
    %3 = graph.sub %1, %0 -> tensor<2x4xf32>
    %4 = graph.reshape %x -> tensor<8xf32>
    %5 = graph.reshape %x -> tensor<4x2xf32>
    graph.return %2, %3, %4, %5
  }
}

// -----

// Derived weights with equal sources and equal regions; those derived from them follow.
// CHECK: graph.weight @a : tensor<4xf32> from (@w) {
// CHECK: graph.weight @c : tensor<4xf32> from (@a) {
// CHECK-NOT: graph.weight @d
// CHECK: graph.weight @e : tensor<4xf32> from (@w) {
// CHECK: graph.model @derived
// CHECK-NEXT: %0 = graph.get_weight @c
// CHECK-NEXT: %1 = graph.get_weight @e
// CHECK-NEXT: %2 = graph.add %0, %0
// REMARK: passed: graph.weight: @b is computed as @a is: one weight now [graph-cse]
// REMARK: passed: graph.weight: @d is computed as @c is: one weight now [graph-cse]
builtin.module {
  graph.weight @w : tensor<4xf32>
  graph.weight @a : tensor<4xf32> from (@w) {
  ^bb0(%w: tensor<4xf32>):
    %0 = graph.exp %w -> tensor<4xf32>
    graph.return %0
  }
  graph.weight @b : tensor<4xf32> from (@w) {
  ^bb0(%other_name: tensor<4xf32>):
    %0 = graph.exp %other_name -> tensor<4xf32>
    graph.return %0
  }
  graph.weight @c : tensor<4xf32> from (@a) {
  ^bb0(%a: tensor<4xf32>):
    %0 = graph.neg %a -> tensor<4xf32>
    graph.return %0
  }
  graph.weight @d : tensor<4xf32> from (@b) {
  ^bb0(%b: tensor<4xf32>):
    %0 = graph.neg %b -> tensor<4xf32>
    graph.return %0
  }
  graph.weight @e : tensor<4xf32> from (@w) {
  ^bb0(%w: tensor<4xf32>):
    %0 = graph.log %w -> tensor<4xf32>
    graph.return %0
  }
  graph.model @derived() -> (tensor<4xf32>, tensor<4xf32>) inputs [] outputs ["y", "z"] {
    %0 = graph.get_weight @c -> tensor<4xf32>
    %1 = graph.get_weight @d -> tensor<4xf32>
    %2 = graph.get_weight @e -> tensor<4xf32>
    %3 = graph.add %0, %1 -> tensor<4xf32>
    graph.return %3, %2
  }
}

// -----

// A state that begins with a weight which was merged begins with the one that stays.
// CHECK: graph.weight @a
// CHECK-NOT: graph.weight @b
// CHECK: graph.state @h : tensor<4xf32> init @a
builtin.module {
  graph.weight @w : tensor<4xf32>
  graph.weight @a : tensor<4xf32> from (@w) {
  ^bb0(%w: tensor<4xf32>):
    %0 = graph.exp %w -> tensor<4xf32>
    graph.return %0
  }
  graph.weight @b : tensor<4xf32> from (@w) {
  ^bb0(%w: tensor<4xf32>):
    %0 = graph.exp %w -> tensor<4xf32>
    graph.return %0
  }
  graph.state @h : tensor<4xf32> init @b
  graph.model @state() -> (tensor<4xf32>, tensor<4xf32>) inputs [] outputs ["y", "z"] {
    %0 = graph.get_state @h -> tensor<4xf32>
    %1 = graph.get_weight @a -> tensor<4xf32>
    graph.return %0, %1
  }
}
