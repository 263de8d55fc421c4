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

// -----

// Layers whose kernels and biases are all the parts of one, side by side, are one layer; what they read may be made twice.
// CHECK-LABEL: graph.model @parts
// CHECK: %[[X:.*]] = graph.reshape %x -> tensor<2x4xf32>
// CHECK-NEXT: %[[Y:.*]] = graph.dense %[[X]], %w, %b -> tensor<2x6xf32>
// CHECK-NEXT: graph.return %[[Y]]
graph.weight @w : tensor<4x6xf32>
graph.weight @b : tensor<6xf32>
graph.model @parts(%x: tensor<8xf32>) -> (tensor<2x6xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<4x6xf32>
  %b = graph.get_weight @b -> tensor<6xf32>
  %0 = graph.slice %w {starts = #graph.dims<0, 0>, steps = [1, 1]} -> tensor<4x2xf32>
  %1 = graph.slice %w {starts = #graph.dims<0, 2>, steps = [1, 1]} -> tensor<4x4xf32>
  %2 = graph.slice %b {starts = #graph.dims<0>, steps = [1]} -> tensor<2xf32>
  %3 = graph.slice %b {starts = #graph.dims<2>, steps = [1]} -> tensor<4xf32>
  %4 = graph.reshape %x -> tensor<2x4xf32>
  %5 = graph.reshape %x -> tensor<2x4xf32>
  %6 = graph.dense %4, %0, %2 -> tensor<2x2xf32>
  %7 = graph.dense %5, %1, %3 -> tensor<2x4xf32>
  %8 = graph.concat %6, %7 {axis = 1} -> tensor<2x6xf32>
  graph.return %8
}

// -----

// Must not fire: a part is missing or at another place, one has no bias, they read different values, or others read one.
// CHECK-LABEL: graph.model @not_the_parts
// CHECK-COUNT-5: graph.concat
graph.weight @w : tensor<4x6xf32>
graph.weight @b : tensor<6xf32>
graph.model @not_the_parts(%x: tensor<2x4xf32>, %z: tensor<2x4xf32>)
    -> (tensor<2x4xf32>, tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x6xf32>, tensor<2x2xf32>)
    inputs ["x", "z"] outputs ["missing", "order", "bias", "values", "read", "part"] {
  %w = graph.get_weight @w -> tensor<4x6xf32>
  %b = graph.get_weight @b -> tensor<6xf32>
  %0 = graph.slice %w {starts = #graph.dims<0, 0>, steps = [1, 1]} -> tensor<4x2xf32>
  %1 = graph.slice %w {starts = #graph.dims<0, 2>, steps = [1, 1]} -> tensor<4x4xf32>
  %2 = graph.slice %w {starts = #graph.dims<0, 2>, steps = [1, 1]} -> tensor<4x2xf32>
  %3 = graph.slice %b {starts = #graph.dims<0>, steps = [1]} -> tensor<2xf32>
  %m0 = graph.dense %x, %0 -> tensor<2x2xf32>
  %m1 = graph.dense %x, %2 -> tensor<2x2xf32>
  %missing = graph.concat %m0, %m1 {axis = 1} -> tensor<2x4xf32>
  %o0 = graph.dense %x, %0 -> tensor<2x2xf32>
  %o1 = graph.dense %x, %1 -> tensor<2x4xf32>
  %order = graph.concat %o1, %o0 {axis = 1} -> tensor<2x6xf32>
  %b0 = graph.dense %x, %0, %3 -> tensor<2x2xf32>
  %b1 = graph.dense %x, %1 -> tensor<2x4xf32>
  %bias = graph.concat %b0, %b1 {axis = 1} -> tensor<2x6xf32>
  %v0 = graph.dense %x, %0 -> tensor<2x2xf32>
  %v1 = graph.dense %z, %1 -> tensor<2x4xf32>
  %values = graph.concat %v0, %v1 {axis = 1} -> tensor<2x6xf32>
  %r0 = graph.dense %x, %0 -> tensor<2x2xf32>
  %r1 = graph.dense %x, %1 -> tensor<2x4xf32>
  %read = graph.concat %r0, %r1 {axis = 1} -> tensor<2x6xf32>
  graph.return %missing, %order, %bias, %values, %read, %r0
}
