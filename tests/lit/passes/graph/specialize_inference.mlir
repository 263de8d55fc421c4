// RUN: neuralc-opt %s -p graph-specialize-inference | filecheck %s
// RUN: neuralc-opt %s -p graph-specialize-inference --remarks=passed 2>&1 | filecheck %s --check-prefix=REMARK

// Dropout and identity go, the norm forgets its momentum and nothing else. The batch norm itself stays.
// CHECK: graph.model @m
// CHECK-NEXT: %0 = graph.batch_norm %x, %s, %s, %s, %s {epsilon = 0.01} -> tensor<8x4xf32>
// CHECK-NEXT: %1 = graph.relu %0
// CHECK-NEXT: graph.return %1
// REMARK: specialize_inference.mlir:12:5: passed: graph.dropout: removed: it acts in training only
builtin.module {
  graph.model @m(%x: tensor<8x4xf32>, %s: tensor<4xf32>) -> (tensor<8x4xf32>) inputs ["x", "s"] outputs ["y"] {
    %0 = graph.dropout %x {rate = 0.5} -> tensor<8x4xf32>
    %1 = graph.batch_norm %0, %s, %s, %s, %s {epsilon = 0.01, momentum = 0.9} -> tensor<8x4xf32>
    %2 = graph.identity %1 -> tensor<8x4xf32>
    %3 = graph.relu %2 -> tensor<8x4xf32>
    graph.return %3
  }
}
