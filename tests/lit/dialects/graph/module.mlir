// What a module holds: dims, weights and derived weights, functions, the model.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s --strict-whitespace --match-full-lines
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s --strict-whitespace --match-full-lines

//      CHECK:builtin.module {
// CHECK-NEXT:  graph.dim @batch from 1 origin "implied batch"
// CHECK-NEXT:  graph.dim @S from 2 to 2048 origin "m.nr:3:12"
// CHECK-NEXT:  graph.weight @dense.kernel : tensor<4x4xf32> init "glorot_uniform"
// CHECK-NEXT:  graph.weight @dense_1.kernel : tensor<4x4xf32> init "random_normal"(stddev = 0.02) regularizer "l2" constraint "max_norm"(axis = [0, 1], max_value = 3.0)
// CHECK-NEXT:  graph.weight @norm.moving_mean : tensor<4xf32> init "zeros" {trainable = false}
// CHECK-NEXT:  graph.weight @dense.kernel.folded : tensor<4x4xf32> from (@dense.kernel, @norm.moving_mean) {
// CHECK-NEXT:  ^bb0(%kernel: tensor<4x4xf32>, %mean: tensor<4xf32>):
// CHECK-NEXT:    %0 = graph.mul %kernel, %mean -> tensor<4x4xf32>
// CHECK-NEXT:    graph.return %0
// CHECK-NEXT:  }
// CHECK-NEXT:  graph.func @block(%x: tensor<?x?x4xf32, #graph.dims<batch, S>>, %kernel: tensor<4x4xf32>) -> (tensor<?x?x4xf32, #graph.dims<batch, S>>) {
// CHECK-NEXT:    %0 = graph.dense %x, %kernel -> tensor<?x?x4xf32, #graph.dims<batch, S>>
// CHECK-NEXT:    graph.return %0
// CHECK-NEXT:  }
// CHECK-NEXT:  graph.model @m(%tokens: tensor<?x?x4xf32, #graph.dims<batch, S>>) -> (tensor<?x?x4xf32, #graph.dims<batch, S>>) inputs ["tokens"] outputs ["encoded"] attributes {source = "paper"} {
// CHECK-NEXT:    %0 = graph.get_weight @dense.kernel.folded -> tensor<4x4xf32>
// CHECK-NEXT:    %1 = graph.call @block(%tokens, %0) path "encoder.0" -> tensor<?x?x4xf32, #graph.dims<batch, S>>
// CHECK-NEXT:    %2 = graph.call @block(%1, %0) -> tensor<?x?x4xf32, #graph.dims<batch, S>>
// CHECK-NEXT:    graph.return %2
// CHECK-NEXT:  }
// CHECK-NEXT:}

builtin.module {
  graph.dim @batch from 1 origin "implied batch"
  graph.dim @S from 2 to 2048 origin "m.nr:3:12"
  graph.weight @dense.kernel : tensor<4x4xf32> init "glorot_uniform"
  graph.weight @dense_1.kernel : tensor<4x4xf32> init "random_normal"(stddev = 0.02) regularizer "l2" constraint "max_norm"(axis = [0, 1], max_value = 3.0)
  graph.weight @norm.moving_mean : tensor<4xf32> init "zeros" {trainable = false}
  graph.weight @dense.kernel.folded : tensor<4x4xf32> from (@dense.kernel, @norm.moving_mean) {
  ^bb0(%kernel: tensor<4x4xf32>, %mean: tensor<4xf32>):
    %0 = graph.mul %kernel, %mean -> tensor<4x4xf32>
    graph.return %0
  }
  graph.func @block(%x: tensor<?x?x4xf32, #graph.dims<batch, S>>, %kernel: tensor<4x4xf32>) -> (tensor<?x?x4xf32, #graph.dims<batch, S>>) {
    %0 = graph.dense %x, %kernel -> tensor<?x?x4xf32, #graph.dims<batch, S>>
    graph.return %0
  }
  graph.model @m(%tokens: tensor<?x?x4xf32, #graph.dims<batch, S>>) -> (tensor<?x?x4xf32, #graph.dims<batch, S>>) inputs ["tokens"] outputs ["encoded"] attributes {source = "paper"} {
    %0 = graph.get_weight @dense.kernel.folded -> tensor<4x4xf32>
    %1 = graph.call @block(%tokens, %0) path "encoder.0" -> tensor<?x?x4xf32, #graph.dims<batch, S>>
    %2 = graph.call @block(%1, %0) -> tensor<?x?x4xf32, #graph.dims<batch, S>>
    graph.return %2
  }
}
