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

// -----

// A map behind a reshape that makes dims of a contraction one stands in front of it; a weight that runs along a dim of
// several parts is reshaped too.
// CHECK-LABEL: graph.model @finish
// CHECK: %[[Y:.+]] = tensor.contract "nhwc,cijo->nhiwjo"
// CHECK: %[[M:.+]] = tensor.map "abcdef,f->abcdef" %[[Y]], %b -> tensor<1x4x2x4x2x8xf32>
// CHECK: tensor.reshape %[[M]] -> tensor<1x8x8x8xf32>
// CHECK: %[[W:.+]] = tensor.reshape %b_1 -> tensor<2x4xf32>
// CHECK: tensor.map "abc,bc->abc" %{{.+}}, %[[W]] -> tensor<5x2x4xf32>
// CHECK: tensor.reshape %{{.+}} -> tensor<5x8xf32>
graph.weight @w : tensor<3x2x2x8xf32>
graph.weight @g : tensor<2x3x4xf32>
graph.weight @b : tensor<8xf32>
graph.model @finish(%x: tensor<1x4x4x3xf32>, %z: tensor<5x2x3xf32>) -> (tensor<1x8x8x8xf32>, tensor<5x8xf32>)
    inputs ["x", "z"] outputs ["y", "u"] {
  %w = graph.get_weight @w -> tensor<3x2x2x8xf32>
  %b = graph.get_weight @b -> tensor<8xf32>
  %0 = tensor.contract "nhwc,cijo->nhiwjo" %x, %w -> tensor<1x4x2x4x2x8xf32>
  %1 = tensor.reshape %0 -> tensor<1x8x8x8xf32>
  %2 = tensor.map "abcd,d->abcd" %1, %b -> tensor<1x8x8x8xf32> {
  ^bb0(%3: f32, %4: f32):
    %5 = tensor.scalar add %3, %4 -> f32
    tensor.yield %5
  }
  %g = graph.get_weight @g -> tensor<2x3x4xf32>
  %b_1 = graph.get_weight @b -> tensor<8xf32>
  %6 = tensor.contract "ngc,gco->ngo" %z, %g -> tensor<5x2x4xf32>
  %7 = tensor.reshape %6 -> tensor<5x8xf32>
  %8 = tensor.map "ab,b->ab" %7, %b_1 -> tensor<5x8xf32> {
  ^bb0(%9: f32, %10: f32):
    %11 = tensor.scalar add %9, %10 -> f32
    tensor.yield %11
  }
  graph.return %2, %8
}

// -----

// Not where the reshape takes a dim apart, nor where another value would have to be laid out again, nor where somebody
// else reads the contraction.
// CHECK-LABEL: graph.model @stay
// CHECK: tensor.reshape %{{.+}} -> tensor<5x2x4xf32>
// CHECK-NEXT: tensor.map "abc->abc"
// CHECK: tensor.reshape %{{.+}} -> tensor<5x8xf32>
// CHECK-NEXT: tensor.map "ab,ab->ab" %{{.+}}, %r
// CHECK: tensor.reshape %{{.+}} -> tensor<5x8xf32>
// CHECK-NEXT: tensor.map "ab->ab"
graph.model @stay(%x: tensor<5x3xf32>, %v: tensor<3x8xf32>, %z: tensor<5x2x3xf32>, %g: tensor<2x3x4xf32>, %r: tensor<5x8xf32>)
    -> (tensor<5x2x4xf32>, tensor<5x8xf32>, tensor<5x8xf32>, tensor<5x2x4xf32>)
    inputs ["x", "v", "z", "g", "r"] outputs ["a", "b", "c", "d"] {
  %0 = tensor.contract "nc,co->no" %x, %v -> tensor<5x8xf32>
  %1 = tensor.reshape %0 -> tensor<5x2x4xf32>
  %2 = tensor.map "abc->abc" %1 -> tensor<5x2x4xf32> {
  ^bb0(%3: f32):
    %4 = tensor.scalar abs %3 -> f32
    tensor.yield %4
  }
  %5 = tensor.contract "ngc,gco->ngo" %z, %g -> tensor<5x2x4xf32>
  %6 = tensor.reshape %5 -> tensor<5x8xf32>
  %7 = tensor.map "ab,ab->ab" %6, %r -> tensor<5x8xf32> {
  ^bb0(%8: f32, %9: f32):
    %10 = tensor.scalar add %8, %9 -> f32
    tensor.yield %10
  }
  %11 = tensor.contract "ngc,gco->ngo" %z, %g -> tensor<5x2x4xf32>
  %12 = tensor.reshape %11 -> tensor<5x8xf32>
  %13 = tensor.map "ab->ab" %12 -> tensor<5x8xf32> {
  ^bb0(%14: f32):
    %15 = tensor.scalar abs %14 -> f32
    tensor.yield %15
  }
  graph.return %2, %7, %13, %11
}
