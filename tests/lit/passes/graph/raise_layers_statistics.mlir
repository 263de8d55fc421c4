// RUN: neuralc-opt %s -p graph-raise-layers,graph-dce | filecheck %s

// A sum over 8 values divided by 8, with the dims that a reshape puts back; log softmax; a layer norm whose variance is
// mean(x * x) - mean * mean and whose scale is multiplied into the root; a batch norm of weights; gelu by erfc.
// CHECK: graph.model @layers(%x: tensor<?x8xf32, #graph.dims<batch>>)
// CHECK: %mean = graph.reduce %x {axes = [1], keepdims = true, kind = "mean"}
// CHECK-NEXT: %logits = graph.log_softmax %x
// CHECK-NEXT: %normed = graph.layer_norm %x, %scale, %bias {epsilon = 1.0e-06}
// CHECK-NEXT: %scaled = graph.batch_norm %x, %scale, %bias, %mean_w, %variance {epsilon = 1.0e-05}
// CHECK-NEXT: %active = graph.gelu %x
// CHECK-NEXT: graph.return %mean, %logits, %normed, %scaled, %active
builtin.module {
  graph.dim @batch from 1
  graph.weight @scale : tensor<8xf32>
  graph.weight @bias : tensor<8xf32>
  graph.weight @mean : tensor<8xf32>
  graph.weight @variance : tensor<8xf32>
  graph.model @layers(%x: tensor<?x8xf32, #graph.dims<batch>>) -> (tensor<?x1xf32, #graph.dims<batch>>, tensor<?x8xf32, #graph.dims<batch>>, tensor<?x8xf32, #graph.dims<batch>>, tensor<?x8xf32, #graph.dims<batch>>, tensor<?x8xf32, #graph.dims<batch>>) inputs ["x"] outputs ["a", "b", "c", "d", "e"] {
    %scale = graph.get_weight @scale -> tensor<8xf32>
    %bias = graph.get_weight @bias -> tensor<8xf32>
    %mean_w = graph.get_weight @mean -> tensor<8xf32>
    %variance = graph.get_weight @variance -> tensor<8xf32>
    %sum = graph.reduce %x {axes = [1], kind = "sum"} -> tensor<?xf32, #graph.dims<batch>>
    %count = graph.constant {value = 8.0} -> tensor<f32>
    %sums = graph.reshape %sum -> tensor<?x1xf32, #graph.dims<batch>>
    %mean = graph.div %sums, %count -> tensor<?x1xf32, #graph.dims<batch>>
    %max = graph.reduce %x {axes = [1], keepdims = true, kind = "maximum"} -> tensor<?x1xf32, #graph.dims<batch>>
    %shifted = graph.sub %x, %max -> tensor<?x8xf32, #graph.dims<batch>>
    %exp = graph.exp %shifted -> tensor<?x8xf32, #graph.dims<batch>>
    %total = graph.reduce %exp {axes = [1], keepdims = true, kind = "sum"} -> tensor<?x1xf32, #graph.dims<batch>>
    %log = graph.log %total -> tensor<?x1xf32, #graph.dims<batch>>
    %logits = graph.sub %shifted, %log -> tensor<?x8xf32, #graph.dims<batch>>
    %m = graph.reduce %x {axes = [1], keepdims = true, kind = "mean"} -> tensor<?x1xf32, #graph.dims<batch>>
    %centred = graph.sub %x, %m -> tensor<?x8xf32, #graph.dims<batch>>
    %square = graph.mul %x, %x -> tensor<?x8xf32, #graph.dims<batch>>
    %squares = graph.reduce %square {axes = [1], keepdims = true, kind = "mean"} -> tensor<?x1xf32, #graph.dims<batch>>
    %m2 = graph.mul %m, %m -> tensor<?x1xf32, #graph.dims<batch>>
    %difference = graph.sub %squares, %m2 -> tensor<?x1xf32, #graph.dims<batch>>
    %least = graph.constant {value = 0.0} -> tensor<f32>
    %bounded = graph.maximum %difference, %least -> tensor<?x1xf32, #graph.dims<batch>>
    %epsilon = graph.constant {value = 1.0e-06} -> tensor<f32>
    %moved = graph.add %bounded, %epsilon -> tensor<?x1xf32, #graph.dims<batch>>
    %root = graph.rsqrt %moved -> tensor<?x1xf32, #graph.dims<batch>>
    %factor = graph.mul %root, %scale -> tensor<?x8xf32, #graph.dims<batch>>
    %unbiased = graph.mul %centred, %factor -> tensor<?x8xf32, #graph.dims<batch>>
    %normed = graph.add %unbiased, %bias -> tensor<?x8xf32, #graph.dims<batch>>
    %away = graph.sub %x, %mean_w -> tensor<?x8xf32, #graph.dims<batch>>
    %epsilon_1 = graph.constant {value = 1.0e-05} -> tensor<f32>
    %wide = graph.add %variance, %epsilon_1 -> tensor<8xf32>
    %root_1 = graph.rsqrt %wide -> tensor<8xf32>
    %factor_1 = graph.mul %root_1, %scale -> tensor<8xf32>
    %product = graph.mul %away, %factor_1 -> tensor<?x8xf32, #graph.dims<batch>>
    %scaled = graph.add %product, %bias -> tensor<?x8xf32, #graph.dims<batch>>
    %negative = graph.neg %x -> tensor<?x8xf32, #graph.dims<batch>>
    %root_half = graph.constant {value = 0.7071067811865476} -> tensor<f32>
    %curve_at = graph.mul %negative, %root_half -> tensor<?x8xf32, #graph.dims<batch>>
    %erf = graph.erf %curve_at -> tensor<?x8xf32, #graph.dims<batch>>
    %one = graph.constant {value = 1.0} -> tensor<f32>
    %erfc = graph.sub %one, %erf -> tensor<?x8xf32, #graph.dims<batch>>
    %half = graph.constant {value = 0.5} -> tensor<f32>
    %halved = graph.mul %x, %half -> tensor<?x8xf32, #graph.dims<batch>>
    %active = graph.mul %halved, %erfc -> tensor<?x8xf32, #graph.dims<batch>>
    graph.return %mean, %logits, %normed, %scaled, %active
  }
}
