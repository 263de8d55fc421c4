// tensor-fuse-gates: a product and what is made of slices of it become one group where a program can have all gates of some units.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-gates --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-gates --target cpu --mcpu haswell --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-gates --target cuda | filecheck %s --check-prefix=CUDA
// RUN: not neuralc-opt %s --split-input-file -p tensor-fuse-gates 2>&1 | filecheck %s --check-prefix=TARGET

// TARGET: error[E0824]
// CUDA-COUNT-3: tensor.group

// The state and the output of a step, from two gates; the weight and what is added are sliced.
// CHECK-LABEL: graph.model @step
// CHECK: [[W0:%.+]] = tensor.slice %w {starts = #graph.dims<0, 0>, strides = [1, 1]} -> tensor<16x8xf32>
// CHECK-NEXT: [[X0:%.+]] = tensor.slice %x {starts = #graph.dims<0, 0>, strides = [1, 1]} -> tensor<2x8xf32>
// CHECK-NEXT: [[W1:%.+]] = tensor.slice %w {starts = #graph.dims<0, 8>, strides = [1, 1]} -> tensor<16x8xf32>
// CHECK-NEXT: [[X1:%.+]] = tensor.slice %x {starts = #graph.dims<0, 8>, strides = [1, 1]} -> tensor<2x8xf32>
// CHECK-NEXT: %out, %state = tensor.group "step"({{%.+}} = %h, {{%.+}} = [[W0]], {{%.+}} = [[X0]], {{%.+}} = [[W1]], {{%.+}} = [[X1]], {{%.+}} = %c) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
// CHECK-NEXT: [[A:%.+]] = tensor.contract "bh,hg->bg" {{.*}} -> tensor<2x8xf32>
// CHECK-NEXT: [[Z0:%.+]] = tensor.map "bg,bg->bg" [[A]]
// CHECK: [[B:%.+]] = tensor.contract "bh,hg->bg" {{.*}} -> tensor<2x8xf32>
// CHECK-NEXT: [[Z1:%.+]] = tensor.map "bg,bg->bg" [[B]]
// CHECK: [[C:%.+]] = tensor.map "bg,bg->bg" [[Z0]]
// CHECK: [[Y:%.+]] = tensor.map "bg,bg->bg" [[Z1]], [[C]]
// CHECK: tensor.yield [[Y]], [[C]]
// CHECK-NOT: tensor.group
// REMARK: passed: tensor.group: one kernel: 2 gates and what is made of them [tensor-fuse-gates]
graph.weight @w : tensor<16x16xf32>
graph.model @step(%h: tensor<2x16xf32>, %x: tensor<2x16xf32>, %c: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) inputs ["h", "x", "c"] outputs ["y", "s"] {
  %w = graph.get_weight @w -> tensor<16x16xf32>
  %z = tensor.group "step"(%a = %h, %b = %w, %d = %x) -> (tensor<2x16xf32>) {
    %0 = tensor.contract "bh,hg->bg" %a, %b {precision = "ieee"} -> tensor<2x16xf32>
    %1 = tensor.map "bg,bg->bg" %0, %d -> tensor<2x16xf32> {
    ^bb0(%p: f32, %q: f32):
      %2 = tensor.scalar add %p, %q -> f32
      tensor.yield %2
    }
    tensor.yield %1
  }
  %z1 = tensor.slice %z {starts = #graph.dims<0, 8>, strides = [1, 1]} -> tensor<2x8xf32>
  %z0 = tensor.slice %z {starts = #graph.dims<0, 0>, strides = [1, 1]} -> tensor<2x8xf32>
  %state = tensor.group "state"(%a = %z0, %b = %c) -> (tensor<2x8xf32>) {
    %0 = tensor.map "bg,bg->bg" %a, %b -> tensor<2x8xf32> {
    ^bb0(%p: f32, %q: f32):
      %1 = tensor.scalar tanh %p -> f32
      %2 = tensor.scalar add %1, %q -> f32
      tensor.yield %2
    }
    tensor.yield %0
  }
  %out = tensor.group "out"(%a = %z1, %b = %state) -> (tensor<2x8xf32>) {
    %0 = tensor.map "bg,bg->bg" %a, %b -> tensor<2x8xf32> {
    ^bb0(%p: f32, %q: f32):
      %1 = tensor.scalar mul %p, %q -> f32
      tensor.yield %1
    }
    tensor.yield %0
  }
  graph.return %out, %state
}

// -----

// Somebody reads the whole product.
// CHECK-LABEL: graph.model @read_whole
// CHECK-COUNT-2: tensor.group
// REMARK-NOT: read_whole
graph.weight @w : tensor<16x16xf32>
graph.model @read_whole(%h: tensor<2x16xf32>) -> (tensor<2x8xf32>, tensor<2x16xf32>) inputs ["h"] outputs ["y", "z"] {
  %w = graph.get_weight @w -> tensor<16x16xf32>
  %z = tensor.group "step"(%a = %h, %b = %w) -> (tensor<2x16xf32>) {
    %0 = tensor.contract "bh,hg->bg" %a, %b {precision = "ieee"} -> tensor<2x16xf32>
    tensor.yield %0
  }
  %z0 = tensor.slice %z {starts = #graph.dims<0, 0>, strides = [1, 1]} -> tensor<2x8xf32>
  %z1 = tensor.slice %z {starts = #graph.dims<0, 8>, strides = [1, 1]} -> tensor<2x8xf32>
  %y = tensor.group "y"(%a = %z0, %b = %z1) -> (tensor<2x8xf32>) {
    %0 = tensor.map "bg,bg->bg" %a, %b -> tensor<2x8xf32> {
    ^bb0(%p: f32, %q: f32):
      %1 = tensor.scalar mul %p, %q -> f32
      tensor.yield %1
    }
    tensor.yield %0
  }
  graph.return %y, %z
}

// -----

// Units that are no whole vectors.
// CHECK-LABEL: graph.model @units
// CHECK-COUNT-2: tensor.group
// REMARK: missed: tensor.group: its gates go through memory: 6 units are no whole vectors [tensor-fuse-gates]
graph.weight @w : tensor<16x12xf32>
graph.model @units(%h: tensor<2x16xf32>) -> (tensor<2x6xf32>) inputs ["h"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<16x12xf32>
  %z = tensor.group "step"(%a = %h, %b = %w) -> (tensor<2x12xf32>) {
    %0 = tensor.contract "bh,hg->bg" %a, %b {precision = "ieee"} -> tensor<2x12xf32>
    tensor.yield %0
  }
  %z0 = tensor.slice %z {starts = #graph.dims<0, 0>, strides = [1, 1]} -> tensor<2x6xf32>
  %z1 = tensor.slice %z {starts = #graph.dims<0, 6>, strides = [1, 1]} -> tensor<2x6xf32>
  %y = tensor.group "y"(%a = %z0, %b = %z1) -> (tensor<2x6xf32>) {
    %0 = tensor.map "bg,bg->bg" %a, %b -> tensor<2x6xf32> {
    ^bb0(%p: f32, %q: f32):
      %1 = tensor.scalar mul %p, %q -> f32
      tensor.yield %1
    }
    tensor.yield %0
  }
  graph.return %y
}

// -----

// As many rows as the run has.
// CHECK-LABEL: graph.model @rows
// CHECK: tensor.group "step"
// CHECK-COUNT-2: tensor.contract "bh,hg->bg" {{.*}} -> tensor<?x8xf32, #graph.dims<batch>>
// CHECK-NOT: tensor.group
// REMARK: passed: tensor.group: one kernel: 2 gates and what is made of them [tensor-fuse-gates]
graph.dim @batch from 1 origin "implied batch"
graph.weight @w : tensor<16x16xf32>
graph.model @rows(%h: tensor<?x16xf32, #graph.dims<batch>>) -> (tensor<?x8xf32, #graph.dims<batch>>) inputs ["h"] outputs ["y"] {
  %w = graph.get_weight @w -> tensor<16x16xf32>
  %z = tensor.group "step"(%a = %h, %b = %w) -> (tensor<?x16xf32, #graph.dims<batch>>) {
    %0 = tensor.contract "bh,hg->bg" %a, %b {precision = "ieee"} -> tensor<?x16xf32, #graph.dims<batch>>
    tensor.yield %0
  }
  %z0 = tensor.slice %z {starts = #graph.dims<0, 0>, strides = [1, 1]} -> tensor<?x8xf32, #graph.dims<batch>>
  %z1 = tensor.slice %z {starts = #graph.dims<0, 8>, strides = [1, 1]} -> tensor<?x8xf32, #graph.dims<batch>>
  %y = tensor.group "y"(%a = %z0, %b = %z1) -> (tensor<?x8xf32, #graph.dims<batch>>) {
    %0 = tensor.map "bg,bg->bg" %a, %b -> tensor<?x8xf32, #graph.dims<batch>> {
    ^bb0(%p: f32, %q: f32):
      %1 = tensor.scalar mul %p, %q -> f32
      tensor.yield %1
    }
    tensor.yield %0
  }
  graph.return %y
}

// -----

// A factor that the run brings has no panels.
// CHECK-LABEL: graph.model @factor
// CHECK-COUNT-2: tensor.group
// REMARK: missed: tensor.group: its gates go through memory: its columns are not those of a weight [tensor-fuse-gates]
graph.model @factor(%h: tensor<2x16xf32>, %w: tensor<16x16xf32>) -> (tensor<2x8xf32>) inputs ["h", "w"] outputs ["y"] {
  %z = tensor.group "step"(%a = %h, %b = %w) -> (tensor<2x16xf32>) {
    %0 = tensor.contract "bh,hg->bg" %a, %b {precision = "ieee"} -> tensor<2x16xf32>
    tensor.yield %0
  }
  %z0 = tensor.slice %z {starts = #graph.dims<0, 0>, strides = [1, 1]} -> tensor<2x8xf32>
  %z1 = tensor.slice %z {starts = #graph.dims<0, 8>, strides = [1, 1]} -> tensor<2x8xf32>
  %y = tensor.group "y"(%a = %z0, %b = %z1) -> (tensor<2x8xf32>) {
    %0 = tensor.map "bg,bg->bg" %a, %b -> tensor<2x8xf32> {
    ^bb0(%p: f32, %q: f32):
      %1 = tensor.scalar mul %p, %q -> f32
      tensor.yield %1
    }
    tensor.yield %0
  }
  graph.return %y
}
