// RUN: neuralc-opt %s -p graph-outline-blocks --split-input-file | filecheck %s
// RUN: neuralc-opt %s -p graph-outline-blocks --split-input-file --remarks=passed 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s -p graph-outline-blocks,graph-inline --split-input-file | filecheck %s --check-prefix=FLAT

// Modules of the source are functions with their class as the name: equal ones are one, and one of other sizes has the
// same name with a number. Weights are arguments by their paths in the module, constants are written in the function.
// CHECK: graph.func @Mlp(%x: tensor<2x4xf32>, %up.kernel: tensor<4x8xf32>, %down.kernel: tensor<8x4xf32>) -> (tensor<2x4xf32>) {
// CHECK-NEXT: %up = graph.dense %x, %up.kernel
// CHECK-NEXT: %half = graph.constant {value = 0.5} -> tensor<f32>
// CHECK-NEXT: %mul = graph.mul %up, %half
// CHECK-NEXT: %down = graph.dense %mul, %down.kernel
// CHECK-NEXT: graph.return %down
// CHECK: graph.func @Mlp_1(%x: tensor<2x4xf32>, %up.kernel: tensor<4x6xf32>, %down.kernel: tensor<6x4xf32>)
// CHECK: graph.model @scopes
// CHECK: %h.0 = graph.call @Mlp(%x, %h.0.up.kernel, %h.0.down.kernel) path "h.0" -> tensor<2x4xf32>
// CHECK: %h.1 = graph.call @Mlp(%h.0, %h.1.up.kernel, %h.1.down.kernel) path "h.1" -> tensor<2x4xf32>
// CHECK: %h.2 = graph.call @Mlp_1(%h.1, %h.2.up.kernel, %h.2.down.kernel) path "h.2" -> tensor<2x4xf32>
// CHECK: graph.return %h.2
// REMARK: passed: graph.call: 3 ops are @Mlp at `h.0` [graph-outline-blocks]
// REMARK: passed: graph.call: 3 ops are @Mlp_1 at `h.2` [graph-outline-blocks]
// FLAT: graph.model @scopes
// FLAT: %h.0.up = graph.dense %x, %h.0.up.kernel
// FLAT-NOT: graph.call
// FLAT: %h.2.down = graph.dense %h.2.mul, %h.2.down.kernel
// FLAT-NEXT: graph.return
builtin.module {
  graph.weight @h.0.up.kernel : tensor<4x8xf32>
  graph.weight @h.0.down.kernel : tensor<8x4xf32>
  graph.weight @h.1.up.kernel : tensor<4x8xf32>
  graph.weight @h.1.down.kernel : tensor<8x4xf32>
  graph.weight @h.2.up.kernel : tensor<4x6xf32>
  graph.weight @h.2.down.kernel : tensor<6x4xf32>
  graph.model @scopes(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
    %half = graph.constant {value = 0.5} -> tensor<f32>
    %h.0.up.kernel = graph.get_weight @h.0.up.kernel -> tensor<4x8xf32>
    %h.0.up = graph.dense %x, %h.0.up.kernel -> tensor<2x8xf32> loc("a"("h.0.up: Linear"("h.0: Mlp")))
    %h.0.mul = graph.mul %h.0.up, %half -> tensor<2x8xf32> loc("b"("h.0: Mlp"))
    %h.0.down.kernel = graph.get_weight @h.0.down.kernel -> tensor<8x4xf32>
    %h.0.down = graph.dense %h.0.mul, %h.0.down.kernel -> tensor<2x4xf32> loc("c"("h.0.down: Linear"("h.0: Mlp")))
    %h.1.up.kernel = graph.get_weight @h.1.up.kernel -> tensor<4x8xf32>
    %h.1.up = graph.dense %h.0.down, %h.1.up.kernel -> tensor<2x8xf32> loc("d"("h.1.up: Linear"("h.1: Mlp")))
    %h.1.mul = graph.mul %h.1.up, %half -> tensor<2x8xf32> loc("e"("h.1: Mlp"))
    %h.1.down.kernel = graph.get_weight @h.1.down.kernel -> tensor<8x4xf32>
    %h.1.down = graph.dense %h.1.mul, %h.1.down.kernel -> tensor<2x4xf32> loc("f"("h.1.down: Linear"("h.1: Mlp")))
    %h.2.up.kernel = graph.get_weight @h.2.up.kernel -> tensor<4x6xf32>
    %h.2.up = graph.dense %h.1.down, %h.2.up.kernel -> tensor<2x6xf32> loc("g"("h.2.up: Linear"("h.2: Mlp")))
    %h.2.mul = graph.mul %h.2.up, %half -> tensor<2x6xf32> loc("h"("h.2: Mlp"))
    %h.2.down.kernel = graph.get_weight @h.2.down.kernel -> tensor<6x4xf32>
    %h.2.down = graph.dense %h.2.mul, %h.2.down.kernel -> tensor<2x4xf32> loc("i"("h.2.down: Linear"("h.2: Mlp")))
    graph.return %h.2.down
  }
}

// -----

// Names with slashes are scopes without classes: the block is called what it does, and a module in it by its path. An
// op that an exporter put nowhere is where those before and behind it are.
// CHECK: graph.func @attention(
// CHECK: graph.softmax
// CHECK: graph.func @transformer_block(%x: tensor<4x4xf32>
// CHECK: %attention = graph.call @attention(%x, %attention.k.kernel) path "attention"
// CHECK-NEXT: graph.add %attention, %x
// CHECK: graph.model @slashes
// CHECK: graph.call @transformer_block(%x, %k0, %b) path "layer.0"
// CHECK: graph.call @transformer_block({{.*}}) path "layer.1"
builtin.module {
  graph.weight @layer.0.attention.k.kernel : tensor<4x4xf32>
  graph.weight @layer.1.attention.k.kernel : tensor<4x4xf32>
  graph.weight @b : tensor<4xf32>
  graph.model @slashes(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>) inputs ["x"] outputs ["y"] {
    %k0 = graph.get_weight @layer.0.attention.k.kernel -> tensor<4x4xf32>
    %k1 = graph.get_weight @layer.1.attention.k.kernel -> tensor<4x4xf32>
    %b = graph.get_weight @b -> tensor<4xf32>
    %0 = graph.dense %x, %k0 -> tensor<4x4xf32> loc("/layer/layer.0/attention/k/MatMul")
    %1 = graph.matmul %x, %0 -> tensor<4x4xf32> loc("/layer/layer.0/attention/MatMul")
    %2 = graph.softmax %1 -> tensor<4x4xf32>
    %3 = graph.matmul %2, %x -> tensor<4x4xf32> loc("/layer/layer.0/attention/MatMul_1")
    %4 = graph.add %3, %x -> tensor<4x4xf32> loc("/layer/layer.0/Add")
    %5 = graph.mul %4, %b -> tensor<4x4xf32> loc("/layer/layer.0/Mul")
    %6 = graph.relu %5 -> tensor<4x4xf32> loc("/layer/layer.0/Relu")
    %7 = graph.tanh %6 -> tensor<4x4xf32> loc("/layer/layer.0/Tanh")
    %8 = graph.neg %7 -> tensor<4x4xf32> loc("/layer/layer.0/Neg")
    %10 = graph.dense %8, %k1 -> tensor<4x4xf32> loc("/layer/layer.1/attention/k/MatMul")
    %11 = graph.matmul %8, %10 -> tensor<4x4xf32> loc("/layer/layer.1/attention/MatMul")
    %12 = graph.softmax %11 -> tensor<4x4xf32>
    %13 = graph.matmul %12, %8 -> tensor<4x4xf32> loc("/layer/layer.1/attention/MatMul_1")
    %14 = graph.add %13, %8 -> tensor<4x4xf32> loc("/layer/layer.1/Add")
    %15 = graph.mul %14, %b -> tensor<4x4xf32> loc("/layer/layer.1/Mul")
    %16 = graph.relu %15 -> tensor<4x4xf32> loc("/layer/layer.1/Relu")
    %17 = graph.tanh %16 -> tensor<4x4xf32> loc("/layer/layer.1/Tanh")
    %18 = graph.neg %17 -> tensor<4x4xf32> loc("/layer/layer.1/Neg")
    graph.return %18
  }
}

// -----

// Without names: what comes again is a block. It begins at the first layer and ends behind the activation; one weight
// without a path is named by its layer. An op that reads between two ops of a block goes behind the call.
// CHECK: graph.func @feed_forward(%x: tensor<2x4xf32>, %dense.kernel: tensor<4x8xf32>, %dense_1.kernel: tensor<8x4xf32>)
// CHECK: graph.model @repeated
// CHECK: graph.neg %x
// CHECK: %blocks.0 = graph.call @feed_forward(%{{.*}}, %w0, %w1) path "blocks.0"
// CHECK: %blocks.1 = graph.call @feed_forward(%blocks.0, %w2, %w3) path "blocks.1"
// CHECK: %blocks.2 = graph.call @feed_forward(%blocks.1, %w4, %w5) path "blocks.2"
// CHECK-NEXT: graph.exp %blocks.2
builtin.module {
  graph.weight @w0 : tensor<4x8xf32>
  graph.weight @w1 : tensor<8x4xf32>
  graph.weight @w2 : tensor<4x8xf32>
  graph.weight @w3 : tensor<8x4xf32>
  graph.weight @w4 : tensor<4x8xf32>
  graph.weight @w5 : tensor<8x4xf32>
  graph.model @repeated(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
    %w0 = graph.get_weight @w0 -> tensor<4x8xf32>
    %w1 = graph.get_weight @w1 -> tensor<8x4xf32>
    %w2 = graph.get_weight @w2 -> tensor<4x8xf32>
    %w3 = graph.get_weight @w3 -> tensor<8x4xf32>
    %w4 = graph.get_weight @w4 -> tensor<4x8xf32>
    %w5 = graph.get_weight @w5 -> tensor<8x4xf32>
    %0 = graph.neg %x -> tensor<2x4xf32>
    %1 = graph.dense %0, %w0 -> tensor<2x8xf32>
    %2 = graph.relu %1 -> tensor<2x8xf32>
    %3 = graph.dense %2, %w1 -> tensor<2x4xf32>
    %4 = graph.add %3, %0 -> tensor<2x4xf32>
    %5 = graph.relu %4 -> tensor<2x4xf32>
    %6 = graph.dense %5, %w2 -> tensor<2x8xf32>
    %7 = graph.relu %6 -> tensor<2x8xf32>
    %8 = graph.dense %7, %w3 -> tensor<2x4xf32>
    %9 = graph.add %8, %5 -> tensor<2x4xf32>
    %10 = graph.relu %9 -> tensor<2x4xf32>
    %11 = graph.dense %10, %w4 -> tensor<2x8xf32>
    %12 = graph.relu %11 -> tensor<2x8xf32>
    %13 = graph.dense %12, %w5 -> tensor<2x4xf32>
    %14 = graph.add %13, %10 -> tensor<2x4xf32>
    %15 = graph.relu %14 -> tensor<2x4xf32>
    %16 = graph.exp %15 -> tensor<2x4xf32>
    graph.return %16
  }
}

// -----

// A module that is applied twice with the same weights is called twice, and what it makes for others is a result.
// CHECK: graph.func @Cell(%x: tensor<2x4xf32>, %w.kernel: tensor<4x4xf32>) -> (tensor<2x4xf32>)
// CHECK: graph.model @again
// CHECK: %cell = graph.call @Cell(%x, %cell.w.kernel) path "cell"
// CHECK-NEXT: %cell_1 = graph.call @Cell(%cell, %cell.w.kernel) path "cell"
builtin.module {
  graph.weight @cell.w.kernel : tensor<4x4xf32>
  graph.model @again(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
    %cell.w.kernel = graph.get_weight @cell.w.kernel -> tensor<4x4xf32>
    %0 = graph.dense %x, %cell.w.kernel -> tensor<2x4xf32> loc("a"("cell: Cell"))
    %1 = graph.relu %0 -> tensor<2x4xf32> loc("b"("cell: Cell"))
    %2 = graph.neg %1 -> tensor<2x4xf32> loc("c"("cell: Cell"))
    %3 = graph.dense %2, %cell.w.kernel -> tensor<2x4xf32> loc("d"("cell: Cell"))
    %4 = graph.relu %3 -> tensor<2x4xf32> loc("e"("cell: Cell"))
    %5 = graph.neg %4 -> tensor<2x4xf32> loc("f"("cell: Cell"))
    %6 = graph.exp %5 -> tensor<2x4xf32>
    graph.return %6
  }
}

// -----

// No blocks: a module of two ops; a module with another one's work in between; and reads and writes of a state.
// CHECK-LABEL: graph.model @none
// CHECK-NOT: graph.call
// CHECK: graph.return
builtin.module {
  graph.state @s : tensor<4xf32>
  graph.model @none(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] {
    %s = graph.get_state @s -> tensor<4xf32>
    %0 = graph.relu %x -> tensor<4xf32> loc("a"("small: Small"))
    %1 = graph.neg %0 -> tensor<4xf32> loc("b"("small: Small"))
    %2 = graph.exp %1 -> tensor<4xf32> loc("c"("split: Split"))
    %3 = graph.tanh %2 -> tensor<4xf32> loc("d"("other: Other"))
    %4 = graph.neg %3 -> tensor<4xf32> loc("e"("split: Split"))
    %5 = graph.add %4, %s -> tensor<4xf32> loc("f"("split: Split"))
    graph.set_state @s, %5
    graph.return %5
  }
}
