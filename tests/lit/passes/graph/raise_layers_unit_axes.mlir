// RUN: neuralc-opt %s -p graph-raise-layers,graph-dce | filecheck %s

// Attention as jax.nn.dot_product_attention has it, its heads in groups of one: the axis of the groups goes away, and
// the softmax of which only the maximum had been moved is one. A bias that broadcasts has no axes in front.
// CHECK: %scores = graph.einsum "abcd,aecd->acbe" %q, %k -> tensor<2x4x5x5xf32>
// CHECK-NEXT: %scaled = graph.mul %scores, %{{.*}} -> tensor<2x4x5x5xf32>
// CHECK-NEXT: %[[SOFTMAX:.*]] = graph.softmax %scaled
// CHECK-NEXT: %{{.*}} = graph.einsum "abcd,aceb->aecd" %v, %[[SOFTMAX]] -> tensor<2x5x4x8xf32>
// CHECK-NEXT: %{{.*}} = graph.add %{{.*}}, %b -> tensor<2x5x4x8xf32>
// CHECK-NEXT: graph.return
builtin.module {
  graph.model @attention(%q: tensor<2x5x4x8xf32>, %k: tensor<2x5x4x8xf32>, %v: tensor<2x5x4x8xf32>, %b: tensor<8xf32>) -> (tensor<2x5x4x8xf32>) inputs ["q", "k", "v", "b"] outputs ["y"] {
    %half = graph.constant {value = 0.5} -> tensor<f32>
    %grouped = graph.reshape %q -> tensor<2x5x4x1x8xf32>
    %scores = graph.einsum "abcde,afce->acbdf" %grouped, %k -> tensor<2x4x5x1x5xf32>
    %scaled = graph.mul %scores, %half -> tensor<2x4x5x1x5xf32>
    %most = graph.reduce %scaled {axes = [4], kind = "maximum"} -> tensor<2x4x5x1xf32>
    %moved = graph.transpose %most {perm = [3, 0, 1, 2]} -> tensor<1x2x4x5xf32>
    %kept = graph.reshape %moved -> tensor<1x2x4x5x1xf32>
    %turned = graph.transpose %scaled {perm = [3, 0, 1, 2, 4]} -> tensor<1x2x4x5x5xf32>
    %less = graph.sub %turned, %kept -> tensor<1x2x4x5x5xf32>
    %exp = graph.exp %less -> tensor<1x2x4x5x5xf32>
    %sum = graph.reduce %exp {axes = [4], keepdims = true, kind = "sum"} -> tensor<1x2x4x5x1xf32>
    %weights = graph.div %exp, %sum -> tensor<1x2x4x5x5xf32>
    %found = graph.einsum "abcd,eacfb->afced" %v, %weights -> tensor<2x5x4x1x8xf32>
    %heads = graph.reshape %found -> tensor<2x5x4x8xf32>
    %bias = graph.reshape %b -> tensor<1x1x1x8xf32>
    %y = graph.add %heads, %bias -> tensor<2x5x4x8xf32>
    graph.return %y
  }
}
