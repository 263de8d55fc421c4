// RUN: neuralc-opt %s -p graph-inline --split-input-file | filecheck %s
// RUN: neuralc-opt %s -p graph-inline --split-input-file --remarks=passed 2>&1 | filecheck %s --check-prefix=REMARK

// Calls within calls; a function goes when it is inlined, the weight keeps its name and stays shared.
// CHECK-NOT: graph.func
// CHECK: graph.weight @block.kernel
// CHECK: graph.model @m
// CHECK-NEXT: %k = graph.get_weight @block.kernel
// CHECK-NEXT: %0 = graph.dense %x, %k -> tensor<?x4xf32, #graph.dims<batch>>
// CHECK-NEXT: %1 = graph.relu %0
// CHECK-NEXT: %2 = graph.dense %1, %k
// CHECK-NEXT: %3 = graph.relu %2
// CHECK-NEXT: graph.return %3
// REMARK: inline.mlir:34:5: passed: graph.call: inlined @two [graph-inline]
// REMARK: passed: graph.call: inlined @one [graph-inline]
builtin.module {
  graph.dim @batch from 1
  graph.weight @block.kernel : tensor<4x4xf32>
  graph.func @unused(%x: tensor<2xf32>) -> (tensor<2xf32>) {
    graph.return %x
  }
  graph.func @one(%x: tensor<?x4xf32, #graph.dims<batch>>, %k: tensor<4x4xf32>) -> (tensor<?x4xf32, #graph.dims<batch>>) {
    %0 = graph.dense %x, %k -> tensor<?x4xf32, #graph.dims<batch>>
    %1 = graph.relu %0 -> tensor<?x4xf32, #graph.dims<batch>>
    graph.return %1
  }
  graph.func @two(%x: tensor<?x4xf32, #graph.dims<batch>>, %k: tensor<4x4xf32>) -> (tensor<?x4xf32, #graph.dims<batch>>) {
    %0 = graph.call @one(%x, %k) path "0" -> tensor<?x4xf32, #graph.dims<batch>>
    %1 = graph.call @one(%0, %k) path "1" -> tensor<?x4xf32, #graph.dims<batch>>
    graph.return %1
  }
  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @block.kernel -> tensor<4x4xf32>
    %0 = graph.call @two(%x, %k) -> tensor<?x4xf32, #graph.dims<batch>>
    graph.return %0
  }
}

// -----

// A function that hands on its argument, and one that is used for two results.
// CHECK: graph.model @through
// CHECK-NEXT: graph.return %x, %x
builtin.module {
  graph.func @swap(%a: tensor<2xf32>, %b: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
    graph.return %b, %a
  }
  graph.model @through(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) inputs ["x"] outputs ["y", "z"] {
    %0, %1 = graph.call @swap(%x, %x) -> tensor<2xf32>, tensor<2xf32>
    graph.return %0, %1
  }
}
