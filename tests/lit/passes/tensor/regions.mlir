// Control flow through the passes of the tensor level: regions read less, more of them is known, and they are grouped.
// RUN: neuralc-opt %s --split-input-file -p tensor-canonicalize | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-canonicalize,tensor-fuse-elementwise,tensor-fuse-groups,tensor-pack-weights --target cpu --mcpu haswell | filecheck %s --check-prefix=GROUP

// A weight that is captured is read inside; what depends on captures alone is computed once, before the loop.
// CHECK-LABEL: graph.model @sink_and_hoist
// CHECK: %twice = tensor.map
// CHECK: tensor.scan to 3 carried(%s = %a) captured(%twice_1 = %twice) -> (tensor<2x4xf32>) {
// CHECK-NEXT: %w = graph.get_weight @w
// CHECK-NEXT: tensor.contract "bh,hg->bg" %s, %w
// In the region, as in the model: one kernel with its epilogue, which reads packed weights.
// GROUP-LABEL: graph.model @sink_and_hoist
// GROUP: tensor.scan
// GROUP: graph.get_weight @w.folded -> tensor<1x4x8xf32>
// GROUP-NEXT: tensor.unpack
// GROUP-NEXT: tensor.group
// GROUP-NEXT: tensor.contract
// GROUP-NEXT: tensor.map
graph.weight @w : tensor<4x4xf32>
graph.model @sink_and_hoist(%a: tensor<2x4xf32>, %b: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["a", "b"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<4x4xf32>
  %y = tensor.scan to 3 carried(%s = %a) captured(%k = %w, %c = %b) -> (tensor<2x4xf32>) {
    %twice = tensor.map "ab,ab->ab" %c, %c -> tensor<2x4xf32> {
    ^bb0(%p: f32, %q: f32):
      %0 = tensor.scalar add %p, %q -> f32
      tensor.yield %0
    }
    %1 = tensor.contract "bh,hg->bg" %s, %k -> tensor<2x4xf32>
    %2 = tensor.map "ab,ab->ab" %1, %twice -> tensor<2x4xf32> {
    ^bb0(%p: f32, %q: f32):
      %0 = tensor.scalar add %p, %q -> f32
      tensor.yield %0
    }
    tensor.yield %2
  }
  graph.return %y
}

// -----

// What nobody reads goes: a stacked result, a scanned value, a carried value that only feeds itself, a double capture.
// CHECK-LABEL: graph.model @prune
// CHECK: %y = tensor.scan to 3 carried(%s = %a) captured(%c = %b) -> (tensor<4xf32>) {
// CHECK-NEXT: tensor.map "a,a,a->a" %s, %c, %c
graph.model @prune(%x: tensor<3x4xf32>, %a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x", "a", "b"] outputs ["y"] {
  %y, %unread, %stack = tensor.scan to 3 carried(%s = %a, %t = %b) scanned(%e = %x) captured(%c = %b, %d = %b) -> (tensor<4xf32>, tensor<4xf32>, tensor<3x4xf32>) {
    %0 = tensor.map "a,a,a->a" %s, %c, %d -> tensor<4xf32> {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %2 = tensor.scalar fma %p, %q, %r -> f32
      tensor.yield %2
    }
    tensor.yield %0, %t, %e
  }
  graph.return %y
}

// -----

// A choice by a constant is no choice.
// CHECK-LABEL: graph.model @known
// CHECK-NEXT: graph.return %b
graph.model @known(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>) inputs ["a", "b"] outputs ["y"] {
  %c = tensor.fill 0 -> tensor<i1>
  %y = tensor.if %c then(%p = %a) {
    tensor.yield %p
  } else(%p = %b) {
    tensor.yield %p
  } -> (tensor<4xf32>)
  graph.return %y
}

// -----

// Must not hoist what can fail: the loop may make no round.
// CHECK-LABEL: graph.model @checked
// CHECK: tensor.scan
// CHECK: tensor.at {{.*}} {checked = true}
graph.dim @S from 0
graph.model @checked(%x: tensor<?x4xf32, #graph.dims<S>>, %a: tensor<4xf32>, %i: tensor<i64>) -> (tensor<4xf32>) inputs ["x", "a", "i"] outputs ["y"] {
  %y = tensor.scan to S carried(%s = %a) scanned(%e = %x) captured(%t = %a, %j = %i) -> (tensor<4xf32>) {
    %0 = tensor.map "*,->" %t, %j -> tensor<f32> {
    ^bb0(%p: tensor<4xf32>, %q: i64):
      %2 = tensor.at %p, %q {checked = true} -> f32
      tensor.yield %2
    }
    %1 = tensor.map "a,a,->a" %s, %e, %0 -> tensor<4xf32> {
    ^bb0(%p: f32, %q: f32, %r: f32):
      %2 = tensor.scalar fma %p, %q, %r -> f32
      tensor.yield %2
    }
    tensor.yield %1
  }
  graph.return %y
}
