// RUN: neuralc-opt %s -p graph-raise-layers,graph-dce | filecheck %s

// What looks like a layer and is none: a sum divided by another number, a softmax whose sum is along another dim, a
// variance of other values, statistics of which one is no weight.
// CHECK: graph.reduce %x {axes = [1], keepdims = true, kind = "sum"}
// CHECK: %third = graph.div
// CHECK: %part = graph.div
// CHECK-NOT: layer_norm
// CHECK-NOT: batch_norm
// CHECK-NOT: softmax
// CHECK: graph.return %third, %part, %other, %moving
builtin.module {
  graph.weight @mean : tensor<8xf32>
  graph.model @unlike(%x: tensor<8x8xf32>, %variance: tensor<8xf32>) -> (tensor<8x1xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) inputs ["x", "variance"] outputs ["a", "b", "c", "d"] {
    %mean_w = graph.get_weight @mean -> tensor<8xf32>
    %sum = graph.reduce %x {axes = [1], keepdims = true, kind = "sum"} -> tensor<8x1xf32>
    %seven = graph.constant {value = 7.0} -> tensor<f32>
    %third = graph.div %sum, %seven -> tensor<8x1xf32>
    %max = graph.reduce %x {axes = [1], keepdims = true, kind = "maximum"} -> tensor<8x1xf32>
    %shifted = graph.sub %x, %max -> tensor<8x8xf32>
    %exp = graph.exp %shifted -> tensor<8x8xf32>
    %total = graph.reduce %exp {axes = [0], keepdims = true, kind = "sum"} -> tensor<1x8xf32>
    %part = graph.div %exp, %total -> tensor<8x8xf32>
    %m = graph.reduce %x {axes = [1], keepdims = true, kind = "mean"} -> tensor<8x1xf32>
    %centred = graph.sub %x, %m -> tensor<8x8xf32>
    %square = graph.mul %exp, %exp -> tensor<8x8xf32>
    %squares = graph.reduce %square {axes = [1], keepdims = true, kind = "mean"} -> tensor<8x1xf32>
    %m2 = graph.mul %m, %m -> tensor<8x1xf32>
    %difference = graph.sub %squares, %m2 -> tensor<8x1xf32>
    %epsilon = graph.constant {value = 1.0e-05} -> tensor<f32>
    %wide = graph.add %difference, %epsilon -> tensor<8x1xf32>
    %root = graph.rsqrt %wide -> tensor<8x1xf32>
    %other = graph.mul %centred, %root -> tensor<8x8xf32>
    %away = graph.sub %x, %mean_w -> tensor<8x8xf32>
    %wide_1 = graph.add %variance, %epsilon -> tensor<8xf32>
    %root_1 = graph.rsqrt %wide_1 -> tensor<8xf32>
    %moving = graph.mul %away, %root_1 -> tensor<8x8xf32>
    graph.return %third, %part, %other, %moving
  }
}
