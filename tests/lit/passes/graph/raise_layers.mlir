// RUN: neuralc-opt %s -p graph-raise-layers --split-input-file | filecheck %s

// A product with a weight, and what is added: a dense layer of the rank of its operand.
// CHECK-LABEL: graph.model @rows
// CHECK: %[[Y:.*]] = graph.dense %x, %w, %b -> tensor<2x3x5xf32>
// CHECK-NEXT: graph.return %[[Y]]
builtin.module {
  graph.weight @w : tensor<4x5xf32>
  graph.weight @b : tensor<5xf32>
  graph.model @rows(%x: tensor<2x3x4xf32>) -> (tensor<2x3x5xf32>) inputs ["x"] outputs ["y"] {
    %w = graph.get_weight @w -> tensor<4x5xf32>
    %b = graph.get_weight @b -> tensor<5xf32>
    %0 = graph.reshape %x -> tensor<6x4xf32>
    %1 = graph.matmul %0, %w -> tensor<6x5xf32>
    %2 = graph.add %b, %1 -> tensor<6x5xf32>
    %3 = graph.reshape %2 -> tensor<2x3x5xf32>
    graph.return %3
  }
}

// -----

// Heads are joined into rows before the layer: the reshape leaves the dims of its result. Rows that are no longer
// apart afterwards stay rows.
// CHECK-LABEL: graph.model @heads
// CHECK: %[[X:.*]] = graph.reshape %x -> tensor<1x3x4xf32>
// CHECK-NEXT: graph.dense %[[X]], %w -> tensor<1x3x5xf32>
// CHECK: %[[ROWS:.*]] = graph.reshape %x -> tensor<3x4xf32>
// CHECK-NEXT: %[[DENSE:.*]] = graph.dense %[[ROWS]], %w
// CHECK-NEXT: graph.reshape %[[DENSE]] -> tensor<15xf32>
builtin.module {
  graph.weight @w : tensor<4x5xf32>
  graph.model @heads(%x: tensor<1x3x2x2xf32>) -> (tensor<1x3x5xf32>, tensor<15xf32>) inputs ["x"] outputs ["y", "z"] {
    %w = graph.get_weight @w -> tensor<4x5xf32>
    %0 = graph.reshape %x -> tensor<3x4xf32>
    %1 = graph.dense %0, %w -> tensor<3x5xf32>
    %2 = graph.reshape %1 -> tensor<1x3x5xf32>
    %3 = graph.reshape %x -> tensor<3x4xf32>
    %4 = graph.dense %3, %w -> tensor<3x5xf32>
    %5 = graph.reshape %4 -> tensor<15xf32>
    graph.return %2, %5
  }
}

// -----

// gelu by erf, with numbers as fp32 has them and factors in any order; another number is none.
// CHECK-LABEL: graph.model @gelu
// CHECK: graph.erf
// CHECK: graph.gelu %x -> tensor<8xf32>
// CHECK-NEXT: graph.mul
// CHECK: graph.return
builtin.module {
  graph.model @gelu(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) inputs ["x"] outputs ["y", "z"] {
    %root2 = graph.constant {value = 1.4142135381698608} -> tensor<f32>
    %one = graph.constant {value = 1.0} -> tensor<f32>
    %half = graph.constant {value = 0.5} -> tensor<f32>
    %third = graph.constant {value = 0.3} -> tensor<f32>
    %0 = graph.div %x, %root2 -> tensor<8xf32>
    %1 = graph.erf %0 -> tensor<8xf32>
    %2 = graph.add %1, %one -> tensor<8xf32>
    %3 = graph.mul %x, %2 -> tensor<8xf32>
    %4 = graph.mul %3, %half -> tensor<8xf32>
    %5 = graph.mul %3, %third -> tensor<8xf32>
    graph.return %4, %5
  }
}

// -----

// gelu by tanh, as Transformers writes it for GPT-2; a cube of something else is none.
// CHECK-LABEL: graph.model @gelu_tanh
// CHECK: graph.gelu %x {approximate = true}
// CHECK: graph.tanh
builtin.module {
  graph.model @gelu_tanh(%x: tensor<8xf32>, %z: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) inputs ["x", "z"] outputs ["y", "w"] {
    %half = graph.constant {value = 0.5} -> tensor<f32>
    %three = graph.constant {value = 3.0} -> tensor<f32>
    %c = graph.constant {value = 0.044714998453855515} -> tensor<f32>
    %s = graph.constant {value = 0.7978845834732056} -> tensor<f32>
    %one = graph.constant {value = 1.0} -> tensor<f32>
    %0 = graph.mul %x, %half -> tensor<8xf32>
    %1 = graph.pow %x, %three -> tensor<8xf32>
    %2 = graph.mul %1, %c -> tensor<8xf32>
    %3 = graph.add %x, %2 -> tensor<8xf32>
    %4 = graph.mul %3, %s -> tensor<8xf32>
    %5 = graph.tanh %4 -> tensor<8xf32>
    %6 = graph.add %5, %one -> tensor<8xf32>
    %7 = graph.mul %0, %6 -> tensor<8xf32>
    %8 = graph.mul %z, %z -> tensor<8xf32>
    %9 = graph.mul %8, %z -> tensor<8xf32>
    %10 = graph.mul %9, %c -> tensor<8xf32>
    %11 = graph.add %x, %10 -> tensor<8xf32>
    %12 = graph.mul %11, %s -> tensor<8xf32>
    %13 = graph.tanh %12 -> tensor<8xf32>
    %14 = graph.add %13, %one -> tensor<8xf32>
    %15 = graph.mul %0, %14 -> tensor<8xf32>
    graph.return %7, %15
  }
}

// -----

// silu and mish; a sigmoid of another value gates and is no silu.
// CHECK-LABEL: graph.model @gates
// CHECK: graph.silu %x
// CHECK: graph.mish %x
// CHECK: %[[GATE:.*]] = graph.sigmoid %g
// CHECK-NEXT: graph.mul %x, %[[GATE]]
builtin.module {
  graph.model @gates(%x: tensor<8xf32>, %g: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) inputs ["x", "g"] outputs ["a", "b", "c"] {
    %0 = graph.sigmoid %x -> tensor<8xf32>
    %1 = graph.mul %0, %x -> tensor<8xf32>
    %2 = graph.softplus %x -> tensor<8xf32>
    %3 = graph.tanh %2 -> tensor<8xf32>
    %4 = graph.mul %x, %3 -> tensor<8xf32>
    %5 = graph.sigmoid %g -> tensor<8xf32>
    %6 = graph.mul %x, %5 -> tensor<8xf32>
    graph.return %1, %4, %6
  }
}

// -----

// hard swish and hard sigmoid: relu6(x + 3) / 6; a line that ends elsewhere is no swish.
// CHECK-LABEL: graph.model @lines
// CHECK: graph.hard_swish %x
// CHECK: graph.hard_sigmoid %x ->
// CHECK: graph.relu6
// CHECK: graph.mul
builtin.module {
  graph.model @lines(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) inputs ["x"] outputs ["a", "b", "c"] {
    %three = graph.constant {value = 3.0} -> tensor<f32>
    %two = graph.constant {value = 2.0} -> tensor<f32>
    %six = graph.constant {value = 6.0} -> tensor<f32>
    %0 = graph.add %x, %three -> tensor<8xf32>
    %1 = graph.relu6 %0 -> tensor<8xf32>
    %2 = graph.mul %x, %1 -> tensor<8xf32>
    %3 = graph.div %2, %six -> tensor<8xf32>
    %4 = graph.div %1, %six -> tensor<8xf32>
    %5 = graph.add %x, %two -> tensor<8xf32>
    %6 = graph.relu6 %5 -> tensor<8xf32>
    %7 = graph.mul %x, %6 -> tensor<8xf32>
    graph.return %3, %4, %7
  }
}

// -----

// A layer norm in its parts, and an rms norm.
// CHECK-LABEL: graph.model @norms
// CHECK: graph.layer_norm %x, %g, %b {epsilon = 1.0e-06} -> tensor<2x8xf32>
// CHECK-NEXT: graph.rms_norm %x, %g -> tensor<2x8xf32>
// CHECK-NEXT: graph.return
builtin.module {
  graph.weight @g : tensor<8xf32>
  graph.weight @b : tensor<8xf32>
  graph.model @norms(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) inputs ["x"] outputs ["y", "z"] {
    %g = graph.get_weight @g -> tensor<8xf32>
    %b = graph.get_weight @b -> tensor<8xf32>
    %epsilon = graph.constant {value = 1.0e-06} -> tensor<f32>
    %epsilon2 = graph.constant {value = 1.0e-05} -> tensor<f32>
    %two = graph.constant {value = 2.0} -> tensor<f32>
    %0 = graph.reduce %x {axes = [-1], keepdims = true, kind = "mean"} -> tensor<2x1xf32>
    %1 = graph.sub %x, %0 -> tensor<2x8xf32>
    %2 = graph.pow %1, %two -> tensor<2x8xf32>
    %3 = graph.reduce %2 {axes = [-1], keepdims = true, kind = "mean"} -> tensor<2x1xf32>
    %4 = graph.add %3, %epsilon -> tensor<2x1xf32>
    %5 = graph.sqrt %4 -> tensor<2x1xf32>
    %6 = graph.div %1, %5 -> tensor<2x8xf32>
    %7 = graph.mul %6, %g -> tensor<2x8xf32>
    %8 = graph.add %7, %b -> tensor<2x8xf32>
    %9 = graph.mul %x, %x -> tensor<2x8xf32>
    %10 = graph.reduce %9 {axes = [1], keepdims = true, kind = "mean"} -> tensor<2x1xf32>
    %11 = graph.add %10, %epsilon2 -> tensor<2x1xf32>
    %12 = graph.rsqrt %11 -> tensor<2x1xf32>
    %13 = graph.mul %x, %12 -> tensor<2x8xf32>
    %14 = graph.mul %g, %13 -> tensor<2x8xf32>
    graph.return %8, %14
  }
}

// -----

// No norm: the mean is over a dim that is not the last, and the scale is no weight.
// CHECK-LABEL: graph.model @no_norms
// CHECK-NOT: graph.layer_norm
// CHECK: graph.rsqrt
// CHECK-NOT: graph.rms_norm
// CHECK: graph.return
builtin.module {
  graph.model @no_norms(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>) inputs ["x"] outputs ["y"] {
    %epsilon = graph.constant {value = 1.0e-06} -> tensor<f32>
    %0 = graph.mul %x, %x -> tensor<2x8xf32>
    %1 = graph.reduce %0 {axes = [0], keepdims = true, kind = "mean"} -> tensor<1x8xf32>
    %2 = graph.add %1, %epsilon -> tensor<1x8xf32>
    %3 = graph.rsqrt %2 -> tensor<1x8xf32>
    %4 = graph.mul %x, %3 -> tensor<2x8xf32>
    graph.return %4
  }
}

// -----

// softmax; without the maximum taken off it may overflow, so that is none.
// CHECK-LABEL: graph.model @softmax
// CHECK: graph.softmax %x {axis = 1} -> tensor<2x3x4xf32>
// CHECK: graph.exp %x
// CHECK: graph.div
builtin.module {
  graph.model @softmax(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xf32>) inputs ["x"] outputs ["y", "z"] {
    %0 = graph.reduce %x {axes = [1], keepdims = true, kind = "maximum"} -> tensor<2x1x4xf32>
    %1 = graph.sub %x, %0 -> tensor<2x3x4xf32>
    %2 = graph.exp %1 -> tensor<2x3x4xf32>
    %3 = graph.reduce %2 {axes = [1], kind = "sum"} -> tensor<2x4xf32>
    %4 = graph.reshape %3 -> tensor<2x1x4xf32>
    %5 = graph.div %2, %4 -> tensor<2x3x4xf32>
    %6 = graph.exp %x -> tensor<2x3x4xf32>
    %7 = graph.reduce %6 {axes = [1], keepdims = true, kind = "sum"} -> tensor<2x1x4xf32>
    %8 = graph.div %6, %7 -> tensor<2x3x4xf32>
    graph.return %5, %8
  }
}

// -----

// PyTorch's group norm as ONNX has it before version 21.
// CHECK-LABEL: graph.model @group_norm
// CHECK: graph.group_norm %x, %{{.*}}, %{{.*}} {groups = 2} -> tensor<1x4x3x3xf32>
// CHECK-NEXT: graph.return
builtin.module {
  graph.weight @g : tensor<4x1x1xf32>
  graph.weight @b : tensor<4x1x1xf32>
  graph.model @group_norm(%x: tensor<1x4x3x3xf32>) -> (tensor<1x4x3x3xf32>) inputs ["x"] outputs ["y"] {
    %g = graph.get_weight @g -> tensor<4x1x1xf32>
    %b = graph.get_weight @b -> tensor<4x1x1xf32>
    %one = graph.constant {value = 1.0} -> tensor<2xf32>
    %zero = graph.constant {value = 0.0} -> tensor<2xf32>
    %0 = graph.reshape %x -> tensor<1x2x18xf32>
    %1 = graph.group_norm %0, %one, %zero {groups = 2} -> tensor<1x2x18xf32>
    %2 = graph.reshape %1 -> tensor<1x4x3x3xf32>
    %3 = graph.mul %2, %g -> tensor<1x4x3x3xf32>
    %4 = graph.add %3, %b -> tensor<1x4x3x3xf32>
    graph.return %4
  }
}
