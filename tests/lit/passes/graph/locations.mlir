// What is made of several layers is located at all of them; what is folded at compile time as well.
// RUN: neuralc-opt %s -p graph-fold-batch-norm,graph-fold-constants,graph-cse --print-locations | filecheck %s

// CHECK: graph.weight @k.folded
// CHECK: } loc(fused["m.nr":6:5, "m.nr":5:5])
// CHECK: graph.conv %x, %{{.*}}, %{{.*}} -> tensor<1x8x8x4xf32> loc(fused["m.nr":6:5, "m.nr":5:5])
// CHECK-NEXT: graph.relu %{{.*}} -> tensor<1x8x8x4xf32> loc(fused["m.nr":7:5, "m.nr":8:5])
builtin.module {
  graph.weight @k : tensor<1x1x1x4xf32>
  graph.weight @s : tensor<4xf32>
  graph.model @m(%x: tensor<1x8x8x1xf32>) -> (tensor<1x8x8x4xf32>, tensor<1x8x8x4xf32>) inputs ["x"] outputs ["y", "z"] {
    %k = graph.get_weight @k -> tensor<1x1x1x4xf32> loc("m.nr":5:5)
    %s = graph.get_weight @s -> tensor<4xf32> loc("m.nr":6:5)
    %0 = graph.conv %x, %k -> tensor<1x8x8x4xf32> loc("m.nr":5:5)
    %1 = graph.batch_norm %0, %s, %s, %s, %s -> tensor<1x8x8x4xf32> loc("m.nr":6:5)
    %2 = graph.relu %1 -> tensor<1x8x8x4xf32> loc("m.nr":7:5)
    %3 = graph.relu %1 -> tensor<1x8x8x4xf32> loc("m.nr":8:5)
    graph.return %2, %3
  }
}
