// tensor-split-batch: layers whose values outgrow a cache go over one sample after the other.
// RUN: neuralc-opt %s --split-input-file -p tensor-split-batch --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-split-batch --target cpu --mcpu haswell --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --split-input-file -p 'tensor-split-batch{worth=2.0}' --target cpu --mcpu haswell | filecheck %s --check-prefix=WORTH
// RUN: neuralc-opt %s --split-input-file -p 'tensor-split-batch{always=true}' --target cpu --mcpu haswell | filecheck %s --check-prefix=ALWAYS
// RUN: not neuralc-opt %s --split-input-file -p tensor-split-batch 2>&1 | filecheck %s --check-prefix=TARGET

// WORTH-NOT: tensor.scan
// TARGET: error[E0824]

// A padding, a view and the read of a weight go into the round; the view that the result is read through stays outside.
// CHECK-LABEL: graph.model @pictures
// CHECK-NEXT: [[Y:%.*]] = tensor.scan to 8 scanned([[S:%.*]] = %x) -> (tensor<8x32x32x16xf32>) {
// CHECK-NEXT: [[X:%.*]] = tensor.reshape [[S]] -> tensor<1x32x32x16xf32>
// CHECK-NEXT: %w = graph.get_weight @w -> tensor<16x16xf32>
// CHECK-NEXT: [[H:%.*]] = tensor.group "widen"({{%.*}} = [[X]], {{.*}}) -> (tensor<1x32x32x16xf32>) {
// CHECK-NEXT: tensor.contract "nhwc,co->nhwo" {{.*}} -> tensor<1x32x32x16xf32>
// CHECK: [[P:%.*]] = tensor.pad [[H]]
// CHECK-NEXT: [[V:%.*]] = tensor.window [[P]] {{.*}} -> tensor<1x32x32x3x3x16xf32>
// CHECK: tensor.group "depthwise"({{%.*}} = [[V]], {{.*}}) -> (tensor<1x32x32x16xf32>) {
// CHECK: tensor.reshape {{%.*}} -> tensor<32x32x16xf32>
// CHECK-NEXT: tensor.yield
// CHECK: tensor.transpose [[Y]] {perm = [0, 3, 1, 2]}
// REMARK: passed: tensor.group: 3 layers, sample by sample, save {{[0-9]+}}% of the time [tensor-split-batch]
graph.weight @w : tensor<16x16xf32>
graph.weight @k : tensor<3x3x16xf32>
graph.model @pictures(%x: tensor<8x32x32x16xf32>) -> (tensor<8x16x32x32xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<16x16xf32>
  %h = tensor.group "widen"(%a = %x, %b = %w) -> (tensor<8x32x32x16xf32>) {
    %0 = tensor.contract "nhwc,co->nhwo" %a, %b {precision = "ieee"} -> tensor<8x32x32x16xf32>
    tensor.yield %0
  }
  %p = tensor.pad %h {low = [0, 1, 1, 0], high = [0, 1, 1, 0], value = 0.0} -> tensor<8x34x34x16xf32>
  %v = tensor.window %p {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<8x32x32x3x3x16xf32>
  %k = graph.get_weight @k -> tensor<3x3x16xf32>
  %y = tensor.group "depthwise"(%a = %v, %b = %k) -> (tensor<8x32x32x16xf32>) {
    %0 = tensor.contract "nhwijc,ijc->nhwc" %a, %b {precision = "ieee"} -> tensor<8x32x32x16xf32>
    tensor.yield %0
  }
  %t = tensor.transpose %y {perm = [0, 3, 1, 2]} -> tensor<8x16x32x32xf32>
  graph.return %t
}

// -----

// The weights are what takes time: each sample would read them again.
// CHECK-LABEL: graph.model @weights
// CHECK-NOT: tensor.scan
// ALWAYS-LABEL: graph.model @weights
// ALWAYS: tensor.scan to 8
graph.weight @w : tensor<1024x1024xf32>
graph.model @weights(%x: tensor<8x1024xf32>) -> (tensor<8x1024xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<1024x1024xf32>
  %h = tensor.group "first"(%a = %x, %b = %w) -> (tensor<8x1024xf32>) {
    %0 = tensor.contract "bc,co->bo" %a, %b {precision = "ieee"} -> tensor<8x1024xf32>
    tensor.yield %0
  }
  %y = tensor.group "second"(%a = %h, %b = %w) -> (tensor<8x1024xf32>) {
    %0 = tensor.contract "bc,co->bo" %a, %b {precision = "ieee"} -> tensor<8x1024xf32>
    tensor.yield %0
  }
  graph.return %y
}

// -----

// Samples are mixed between two layers, by a reduction and by a map that knows where it is: one round does not know of
// the others.
// CHECK-LABEL: graph.model @mixed
// CHECK-NOT: tensor.scan
// ALWAYS-LABEL: graph.model @mixed
// ALWAYS: tensor.group "mean"
// ALWAYS: tensor.reduce add %{{.*}} {dims = [0]}
// ALWAYS: tensor.group "which"
// ALWAYS-NEXT: tensor.map "nc->nc" {{.*}} -> tensor<8x16xf32>
// A value without samples is read from outside.
// ALWAYS: tensor.scan to 8 scanned({{.*}}) captured({{.*}}) -> (tensor<8x16xf32>) {
// ALWAYS: tensor.map "nc,c->nc" {{.*}} -> tensor<1x16xf32>
graph.model @mixed(%x: tensor<8x16xf32>) -> (tensor<8x16xf32>) inputs ["x"] outputs ["y"] {
  %m = tensor.group "mean"(%a = %x) -> (tensor<16xf32>) {
    %0 = tensor.reduce add %a {dims = [0]} -> tensor<16xf32>
    tensor.yield %0
  }
  %w = tensor.group "which"(%a = %x) -> (tensor<8x16xf32>) {
    %0 = tensor.map "nc->nc" %a -> tensor<8x16xf32> {
    ^bb0(%1: f32):
      %2 = tensor.position "n" -> i64
      %3 = tensor.scalar convert %2 -> f32
      %4 = tensor.scalar add %1, %3 -> f32
      tensor.yield %4
    }
    tensor.yield %0
  }
  %y = tensor.group "shift"(%a = %w, %b = %m) -> (tensor<8x16xf32>) {
    %0 = tensor.map "nc,c->nc" %a, %b -> tensor<8x16xf32> {
    ^bb0(%1: f32, %2: f32):
      %3 = tensor.scalar sub %1, %2 -> f32
      tensor.yield %3
    }
    tensor.yield %0
  }
  graph.return %y
}

// -----

// How many samples there are may be known at run time only; what one is made of is not split where that is unknown.
// CHECK-LABEL: graph.model @unknown
// CHECK-NOT: tensor.scan
// ALWAYS-LABEL: graph.model @unknown
// ALWAYS: tensor.scan to n scanned({{.*}}) -> (tensor<?x16xf32, #graph.dims<n>>) {
// ALWAYS: tensor.map "nc->nc" {{.*}} -> tensor<1x16xf32>
// ALWAYS: tensor.group "rows"({{.*}}) -> (tensor<?x?xf32, #graph.dims<n, s>>) {
// ALWAYS-NOT: tensor.scan
graph.dim @n from 1
graph.dim @s from 1
graph.model @unknown(%x: tensor<?x16xf32, #graph.dims<n>>, %r: tensor<?x?xf32, #graph.dims<n, s>>) -> (tensor<?x16xf32, #graph.dims<n>>, tensor<?x?xf32, #graph.dims<n, s>>) inputs ["x", "r"] outputs ["y", "z"] {
  %y = tensor.group "negate"(%a = %x) -> (tensor<?x16xf32, #graph.dims<n>>) {
    %0 = tensor.map "nc->nc" %a -> tensor<?x16xf32, #graph.dims<n>> {
    ^bb0(%1: f32):
      %2 = tensor.scalar neg %1 -> f32
      tensor.yield %2
    }
    tensor.yield %0
  }
  %z = tensor.group "rows"(%a = %r) -> (tensor<?x?xf32, #graph.dims<n, s>>) {
    %0 = tensor.map "ns->ns" %a -> tensor<?x?xf32, #graph.dims<n, s>> {
    ^bb0(%1: f32):
      %2 = tensor.scalar neg %1 -> f32
      tensor.yield %2
    }
    tensor.yield %0
  }
  graph.return %y, %z
}
