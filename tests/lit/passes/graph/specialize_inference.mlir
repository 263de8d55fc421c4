// RUN: neuralc-opt %s -p graph-specialize-inference | filecheck %s
// RUN: neuralc-opt %s -p graph-specialize-inference --remarks=passed 2>&1 | filecheck %s --check-prefix=REMARK

// Dropout and identity go, the norm forgets its momentum and nothing else. The batch norm itself stays. A recurrent layer
// forgets the rate of its dropout.
// CHECK: graph.model @m
// CHECK-NEXT: %0 = graph.batch_norm %x, %s, %s, %s, %s {epsilon = 0.01} -> tensor<8x4xf32>
// CHECK-NEXT: %1 = graph.relu %0
// CHECK-NEXT: %2, %3 = graph.rnn %r, %k, %k, %b, %h -> tensor<5x3x6xf32>, tensor<3x6xf32>
// CHECK-NEXT: graph.return %1, %3
// REMARK: specialize_inference.mlir:16:5: passed: graph.dropout: removed: it acts in training only
builtin.module {
  graph.model @m(%x: tensor<8x4xf32>, %s: tensor<4xf32>, %r: tensor<5x3x6xf32>, %k: tensor<6x6xf32>, %b: tensor<6xf32>,
      %h: tensor<3x6xf32>) -> (tensor<8x4xf32>, tensor<3x6xf32>)
      inputs ["x", "s", "r", "k", "b", "h"] outputs ["y", "last"] {
    %0 = graph.dropout %x {rate = 0.5} -> tensor<8x4xf32>
    %1 = graph.batch_norm %0, %s, %s, %s, %s {epsilon = 0.01, momentum = 0.9} -> tensor<8x4xf32>
    %2 = graph.identity %1 -> tensor<8x4xf32>
    %3 = graph.relu %2 -> tensor<8x4xf32>
    %4, %5 = graph.rnn %r, %k, %k, %b, %h {dropout = 0.5, recurrent_dropout = 0.25, seed = 7} -> tensor<5x3x6xf32>, tensor<3x6xf32>
    graph.return %3, %5
  }
}
