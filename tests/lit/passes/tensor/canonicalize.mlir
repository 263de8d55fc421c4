// tensor-canonicalize: one form for each thing.
// RUN: neuralc-opt %s --split-input-file -p tensor-canonicalize | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-canonicalize | neuralc-opt --split-input-file -p tensor-canonicalize | filecheck %s

// Views compose, and go where they do nothing.
// CHECK-LABEL: graph.model @views
// CHECK-NEXT: %0 = tensor.reshape %x -> tensor<24xf32>
// CHECK-NEXT: %1 = tensor.transpose %x {perm = [2, 1, 0]} -> tensor<4x3x2xf32>
// CHECK-NEXT: graph.return %0, %x, %1, %x
graph.model @views(%x: tensor<2x3x4xf32>) -> (tensor<24xf32>, tensor<2x3x4xf32>, tensor<4x3x2xf32>, tensor<2x3x4xf32>)
    inputs ["x"] outputs ["a", "b", "c", "d"] {
  %0 = tensor.reshape %x -> tensor<6x4xf32>
  %1 = tensor.reshape %0 -> tensor<24xf32>
  %2 = tensor.reshape %1 -> tensor<2x3x4xf32>
  %3 = tensor.transpose %x {perm = [1, 2, 0]} -> tensor<3x4x2xf32>
  %4 = tensor.transpose %3 {perm = [1, 0, 2]} -> tensor<4x3x2xf32>
  %5 = tensor.transpose %3 {perm = [2, 0, 1]} -> tensor<2x3x4xf32>
  graph.return %1, %2, %4, %5
}

// -----

// A transpose between two reshapes changes the order: all three stay.
// CHECK-LABEL: graph.model @order
// CHECK-NEXT: tensor.reshape
// CHECK-NEXT: tensor.transpose
// CHECK-NEXT: tensor.reshape
// CHECK-NEXT: graph.return
graph.model @order(%x: tensor<2x12xf32>) -> (tensor<24xf32>) inputs ["x"] outputs ["y"] {
  %0 = tensor.reshape %x -> tensor<4x6xf32>
  %1 = tensor.transpose %0 {perm = [1, 0]} -> tensor<6x4xf32>
  %2 = tensor.reshape %1 -> tensor<24xf32>
  graph.return %2
}

// -----

// A window of one place that moves by one adds dims of size one; one that skips places stays.
// CHECK-LABEL: graph.model @windows
// CHECK-NEXT: tensor.reshape %x -> tensor<1x4x5x1x1x3xf32>
// CHECK-NEXT: tensor.window %x
// CHECK-NEXT: graph.return
graph.model @windows(%x: tensor<1x4x5x3xf32>) -> (tensor<1x4x5x1x1x3xf32>, tensor<1x2x5x1x1x3xf32>)
    inputs ["x"] outputs ["a", "b"] {
  %0 = tensor.window %x {dims = [1, 2], sizes = [1, 1], strides = [1, 1], dilations = [1, 1]} -> tensor<1x4x5x1x1x3xf32>
  %1 = tensor.window %x {dims = [1, 2], sizes = [1, 1], strides = [2, 1], dilations = [1, 1]} -> tensor<1x2x5x1x1x3xf32>
  graph.return %0, %1
}

// -----

// Padding by nothing goes, padding on one side stays.
// CHECK-LABEL: graph.model @pads
// CHECK-NEXT: %0 = tensor.pad %x {high = [0, 1]
// CHECK-NEXT: graph.return %x, %0
graph.model @pads(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x4xf32>) inputs ["x"] outputs ["a", "b"] {
  %0 = tensor.pad %x {low = [0, 0], high = [0, 0], value = 0.0} -> tensor<2x3xf32>
  %1 = tensor.pad %x {low = [0, 0], high = [0, 1], value = 0.0} -> tensor<2x4xf32>
  graph.return %0, %1
}

// -----

// A filled operand becomes a number in the region; the other operands keep their places.
// CHECK-LABEL: graph.model @fill
// CHECK-NEXT: tensor.map "ab,b->ab" %x, %w -> tensor<2x3xf32> {
// CHECK-NEXT: ^bb0(%a: f32, %c: f32):
// CHECK-NEXT: %b = tensor.number 0.5 -> f32
// CHECK-NEXT: tensor.scalar fma %a, %b, %c -> f32
// CHECK-NOT: tensor.fill
graph.model @fill(%x: tensor<2x3xf32>, %w: tensor<3xf32>) -> (tensor<2x3xf32>) inputs ["x", "w"] outputs ["y"] {
  %half = tensor.fill 0.5 -> tensor<f32>
  %y = tensor.map "ab,,b->ab" %x, %half, %w -> tensor<2x3xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = tensor.scalar fma %a, %b, %c -> f32
    tensor.yield %d
  }
  graph.return %y
}

// -----

// A map that yields what it read, where it read it, is nothing; one that broadcasts, transposes or repeats is not.
// CHECK-LABEL: graph.model @copies
// CHECK-NEXT: tensor.map "ba->ab" %x
// CHECK: tensor.map "b->ab" %w
// CHECK: graph.return %x, %{{.+}}, %{{.+}}
graph.model @copies(%x: tensor<3x3xf32>, %w: tensor<3xf32>) -> (tensor<3x3xf32>, tensor<3x3xf32>, tensor<3x3xf32>)
    inputs ["x", "w"] outputs ["a", "b", "c"] {
  %0 = tensor.map "ab->ab" %x -> tensor<3x3xf32> {
  ^bb0(%v: f32):
    tensor.yield %v
  }
  %1 = tensor.map "ba->ab" %x -> tensor<3x3xf32> {
  ^bb0(%v: f32):
    tensor.yield %v
  }
  %2 = tensor.map "b->ab" %w -> tensor<3x3xf32> {
  ^bb0(%v: f32):
    tensor.yield %v
  }
  graph.return %0, %1, %2
}
