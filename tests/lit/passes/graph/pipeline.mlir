// The passes of the graph level on a small network: what is left is what has to be computed.
// RUN: neuralc-opt %s -p graph-inline,graph-specialize-inference,graph-canonicalize,graph-fold-batch-norm,graph-fold-constants,graph-cse,graph-dce | filecheck %s

// CHECK: graph.model @m
// CHECK-NEXT: %[[B:.*]] = graph.get_weight @conv2d.bias.folded -> tensor<4xf32>
// CHECK-NEXT: %[[K:.*]] = graph.get_weight @conv2d.kernel.folded -> tensor<3x3x1x4xf32>
// CHECK-NEXT: %[[CONV:.*]] = graph.conv %image, %[[K]], %[[B]] -> tensor<?x6x6x4xf32, #graph.dims<batch>>
// CHECK-NEXT: %[[RELU:.*]] = graph.relu %[[CONV]] -> tensor<?x6x6x4xf32, #graph.dims<batch>>
// CHECK-NEXT: %[[FLAT:.*]] = graph.reshape %[[RELU]] -> tensor<?x144xf32, #graph.dims<batch>>
// CHECK-NEXT: %[[W:.*]] = graph.get_weight @dense.kernel -> tensor<144x10xf32>
// CHECK-NEXT: %[[DENSE:.*]] = graph.dense %[[FLAT]], %[[W]] -> tensor<?x10xf32, #graph.dims<batch>>
// CHECK-NEXT: %[[Y:.*]] = graph.softmax %[[DENSE]] -> tensor<?x10xf32, #graph.dims<batch>>
// CHECK-NEXT: graph.return %[[Y]]
builtin.module {
  graph.dim @batch from 1
  graph.weight @conv2d.kernel : tensor<3x3x1x4xf32>
  graph.weight @conv2d.bias : tensor<4xf32>
  graph.weight @batch_normalization.gamma : tensor<4xf32>
  graph.weight @batch_normalization.beta : tensor<4xf32>
  graph.weight @batch_normalization.moving_mean : tensor<4xf32>
  graph.weight @batch_normalization.moving_variance : tensor<4xf32>
  graph.weight @dense.kernel : tensor<144x10xf32>
  graph.func @conv_block(%x: tensor<?x8x8x1xf32, #graph.dims<batch>>, %kernel: tensor<3x3x1x4xf32>, %bias: tensor<4xf32>,
                         %gamma: tensor<4xf32>, %beta: tensor<4xf32>, %mean: tensor<4xf32>, %variance: tensor<4xf32>)
      -> (tensor<?x6x6x4xf32, #graph.dims<batch>>) {
    %0 = graph.conv %x, %kernel, %bias -> tensor<?x6x6x4xf32, #graph.dims<batch>>
    %1 = graph.batch_norm %0, %gamma, %beta, %mean, %variance {momentum = 0.9} -> tensor<?x6x6x4xf32, #graph.dims<batch>>
    %2 = graph.relu %1 -> tensor<?x6x6x4xf32, #graph.dims<batch>>
    graph.return %2
  }
  graph.model @m(%image: tensor<?x8x8x1xf32, #graph.dims<batch>>) -> (tensor<?x10xf32, #graph.dims<batch>>) inputs ["image"] outputs ["y"] {
    %k = graph.get_weight @conv2d.kernel -> tensor<3x3x1x4xf32>
    %b = graph.get_weight @conv2d.bias -> tensor<4xf32>
    %gamma = graph.get_weight @batch_normalization.gamma -> tensor<4xf32>
    %beta = graph.get_weight @batch_normalization.beta -> tensor<4xf32>
    %mean = graph.get_weight @batch_normalization.moving_mean -> tensor<4xf32>
    %variance = graph.get_weight @batch_normalization.moving_variance -> tensor<4xf32>
    %0 = graph.call @conv_block(%image, %k, %b, %gamma, %beta, %mean, %variance) -> tensor<?x6x6x4xf32, #graph.dims<batch>>
    %1 = graph.dropout %0 {rate = 0.25} -> tensor<?x6x6x4xf32, #graph.dims<batch>>
    %2 = graph.reshape %1 -> tensor<?x144xf32, #graph.dims<batch>>
    %w = graph.get_weight @dense.kernel -> tensor<144x10xf32>
    %3 = graph.dense %2, %w -> tensor<?x10xf32, #graph.dims<batch>>
    %4 = graph.identity %3 -> tensor<?x10xf32, #graph.dims<batch>>
    %5 = graph.softmax %4 -> tensor<?x10xf32, #graph.dims<batch>>
    graph.return %5
  }
}
