// RUN: not neuralc %s --emit=torch -o - 2>&1 | filecheck %s

// Weights that passes have derived have no place in a layer; all refusals are listed.
// CHECK: error[E0850]: graph.weight as PyTorch code: @scale is derived from other weights
// CHECK: help: emit code from the model as written
// CHECK: error[E0850]: graph.weight as PyTorch code: @shift is derived from other weights

builtin.module {
  graph.dim @batch from 1
  graph.weight @kernel : tensor<4x4xf32>
  graph.weight @gamma : tensor<4xf32>
  graph.weight @scale : tensor<4xf32> from (@gamma) {
  ^bb0(%g: tensor<4xf32>):
    %r = graph.relu %g -> tensor<4xf32>
    graph.return %r
  }
  graph.weight @shift : tensor<4xf32> from (@gamma) {
  ^bb0(%g: tensor<4xf32>):
    %r = graph.neg %g -> tensor<4xf32>
    graph.return %r
  }
  graph.model @m(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @kernel -> tensor<4x4xf32>
    %s = graph.get_weight @scale -> tensor<4xf32>
    %0 = graph.dense %x, %k -> tensor<?x4xf32, #graph.dims<batch>>
    %1 = graph.mul %0, %s -> tensor<?x4xf32, #graph.dims<batch>>
    %t = graph.get_weight @shift -> tensor<4xf32>
    %2 = graph.add %1, %t -> tensor<?x4xf32, #graph.dims<batch>>
    graph.return %2
  }
}
