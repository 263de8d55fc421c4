// tensor-fuse-elementwise: chains of maps become one map.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-elementwise | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-elementwise --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK

// The producer's region stands in front of the consumer's, its operands under the consumer's letters.
// CHECK-LABEL: graph.model @chain
// CHECK-NEXT: %z = tensor.map "ba,a->ba" %x, %b -> tensor<3x4xf32> {
// CHECK-NEXT: ^bb0(%0: f32, %1: f32):
// CHECK-NEXT: %s = tensor.scalar add %0, %1 -> f32
// CHECK-NEXT: %o = tensor.number 0.0 -> f32
// CHECK-NEXT: %s_1 = tensor.scalar maximum %s, %o -> f32
// CHECK-NEXT: tensor.yield %s_1
// CHECK-NEXT: }
// CHECK-NEXT: graph.return %z
// REMARK: fuse_elementwise.mlir:22:3: passed: tensor.map: took in a map of 1 ops [tensor-fuse-elementwise]
graph.model @chain(%x: tensor<3x4xf32>, %b: tensor<4xf32>) -> (tensor<3x4xf32>) inputs ["x", "b"] outputs ["z"] {
  %y = tensor.map "ab,b->ab" %x, %b -> tensor<3x4xf32> {
  ^bb0(%v: f32, %w: f32):
    %s = tensor.scalar add %v, %w -> f32
    tensor.yield %s
  }
  %z = tensor.map "ba->ba" %y -> tensor<3x4xf32> {
  ^bb0(%v: f32):
    %o = tensor.number 0.0 -> f32
    %s = tensor.scalar maximum %v, %o -> f32
    tensor.yield %s
  }
  graph.return %z
}

// -----

// A producer that the consumer alone reads, twice: its operands are read once.
// CHECK-LABEL: graph.model @twice
// CHECK-NEXT: %z = tensor.map "ab->ab" %x -> tensor<3x4xf32> {
// CHECK-NEXT: ^bb0(%0: f32):
// CHECK-NEXT: tensor.scalar neg %0
// CHECK-NEXT: tensor.scalar neg %0
// CHECK-NEXT: tensor.scalar mul
graph.model @twice(%x: tensor<3x4xf32>) -> (tensor<3x4xf32>) inputs ["x"] outputs ["z"] {
  %y = tensor.map "ab->ab" %x -> tensor<3x4xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar neg %v -> f32
    tensor.yield %s
  }
  %z = tensor.map "ab,ab->ab" %y, %y -> tensor<3x4xf32> {
  ^bb0(%v: f32, %w: f32):
    %s = tensor.scalar mul %v, %w -> f32
    tensor.yield %s
  }
  graph.return %z
}

// -----

// Several users: the work would be done more than once. The model's output is a user too.
// CHECK-LABEL: graph.model @users
// CHECK-COUNT-2: tensor.map
// REMARK: missed: tensor.map: its value has several users
graph.model @users(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) inputs ["x"] outputs ["y", "z"] {
  %y = tensor.map "a->a" %x -> tensor<3xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar exp %v -> f32
    tensor.yield %s
  }
  %z = tensor.map "a->a" %y -> tensor<3xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar neg %v -> f32
    tensor.yield %s
  }
  graph.return %y, %z
}

// -----

// Not where the second map broadcasts the first: each value would be computed once per place.
// CHECK-LABEL: graph.model @broadcast
// CHECK-COUNT-3: tensor.map
// REMARK: missed: tensor.map: it broadcasts what the other map computes
graph.model @broadcast(%x: tensor<3x4xf32>, %w: tensor<3x1xf32>, %r: tensor<4xf32>) -> (tensor<3x4xf32>)
    inputs ["x", "w", "r"] outputs ["z"] {
  %y = tensor.map "ab->ab" %w -> tensor<3x1xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar exp %v -> f32
    tensor.yield %s
  }
  %l = tensor.map "b->b" %r -> tensor<4xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar log %v -> f32
    tensor.yield %s
  }
  %z = tensor.map "ab,a1,b->ab" %x, %y, %l -> tensor<3x4xf32> {
  ^bb0(%v: f32, %e: f32, %f: f32):
    %s = tensor.scalar fma %v, %e, %f -> f32
    tensor.yield %s
  }
  graph.return %z
}
