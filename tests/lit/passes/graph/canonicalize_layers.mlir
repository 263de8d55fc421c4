// RUN: neuralc-opt %s -p graph-canonicalize --split-input-file | filecheck %s

// A product with a weight and a bias behind it are a dense layer; on either side of the sum.
// CHECK-LABEL: graph.model @dense
// CHECK: %[[Y:.*]] = graph.dense %x, %w, %b -> tensor<?x4x8xf32, #graph.dims<batch>>
// CHECK-NEXT: %[[Z:.*]] = graph.dense %[[Y]], %v, %b -> tensor<?x4x8xf32, #graph.dims<batch>>
// CHECK-NEXT: graph.return %[[Z]]
graph.dim @batch from 1
graph.weight @w : tensor<6x8xf32>
graph.weight @v : tensor<8x8xf32>
graph.weight @b : tensor<8xf32>
graph.model @dense(%x: tensor<?x4x6xf32, #graph.dims<batch>>) -> (tensor<?x4x8xf32, #graph.dims<batch>>)
    inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<6x8xf32>
  %v = graph.get_weight @v -> tensor<8x8xf32>
  %b = graph.get_weight @b -> tensor<8xf32>
  %0 = graph.matmul %x, %w -> tensor<?x4x8xf32, #graph.dims<batch>>
  %1 = graph.add %0, %b -> tensor<?x4x8xf32, #graph.dims<batch>>
  %2 = graph.matmul %1, %v -> tensor<?x4x8xf32, #graph.dims<batch>>
  %3 = graph.add %b, %2 -> tensor<?x4x8xf32, #graph.dims<batch>>
  graph.return %3
}

// -----

// Channels first: the bias has its ones behind it. A window of one place has no dilation.
// CHECK-LABEL: graph.model @channels
// CHECK: %[[B:.*]] = graph.reshape %b -> tensor<3xf32>
// CHECK-NEXT: graph.conv %x, %k, %[[B]] {data_format = "NCHW", dilations = [2, 1]} -> tensor<1x3x4x6xf32>
// CHECK-NEXT: graph.return
graph.weight @k : tensor<2x1x2x3xf32>
graph.weight @b : tensor<1x3x1x1xf32>
graph.model @channels(%x: tensor<1x2x6x6xf32>) -> (tensor<1x3x4x6xf32>) inputs ["x"] outputs ["y"] {
  %k = graph.get_weight @k -> tensor<2x1x2x3xf32>
  %b = graph.get_weight @b -> tensor<1x3x1x1xf32>
  %0 = graph.conv %x, %k {data_format = "NCHW", dilations = [2, 4]} -> tensor<1x3x4x6xf32>
  %1 = graph.add %0, %b -> tensor<1x3x4x6xf32>
  graph.return %1
}

// -----

// Must not fire: someone else reads the layer, the sum is larger, the vector runs along another dim, both are inputs.
// CHECK-LABEL: graph.model @others
// CHECK-COUNT-3: graph.dense %x, %w ->
// CHECK-COUNT-3: graph.add
// CHECK: graph.matmul %x, %i
graph.weight @w : tensor<4x4xf32>
graph.weight @b : tensor<4xf32>
graph.weight @c : tensor<4x1xf32>
graph.weight @d : tensor<2x1x1xf32>
graph.model @others(%x: tensor<4x4xf32>, %i: tensor<4x4xf32>)
    -> (tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<2x4x4xf32>, tensor<4x4xf32>)
    inputs ["x", "i"] outputs ["a", "b", "c", "d", "e"] {
  %w = graph.get_weight @w -> tensor<4x4xf32>
  %b = graph.get_weight @b -> tensor<4xf32>
  %c = graph.get_weight @c -> tensor<4x1xf32>
  %d = graph.get_weight @d -> tensor<2x1x1xf32>
  %0 = graph.dense %x, %w -> tensor<4x4xf32>
  %1 = graph.dense %x, %w -> tensor<4x4xf32>
  %2 = graph.dense %x, %w -> tensor<4x4xf32>
  %3 = graph.add %0, %b -> tensor<4x4xf32>
  %4 = graph.add %1, %c -> tensor<4x4xf32>
  %5 = graph.add %2, %d -> tensor<2x4x4xf32>
  %6 = graph.matmul %x, %i -> tensor<4x4xf32>
  graph.return %0, %3, %4, %5, %6
}
