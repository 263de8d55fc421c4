// tensor-fuse-groups: what becomes one kernel, by loops and not by layers.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups{fuse=false} | filecheck %s --check-prefix=ALONE
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK

// Epilogue: maps join the contraction they read at the place it was written. The weight's layer names the kernel, and
// the group sees nothing but its operands.
// CHECK-LABEL: graph.model @epilogue
// CHECK: %z = tensor.group "block_dense"(%x_1 = %x, %w_1 = %w, %b_1 = %b) -> (tensor<4x5xf32>) {
// CHECK-NEXT: %y = tensor.contract "mk,kn->mn" %x_1, %w_1
// CHECK-NEXT: %{{.+}} = tensor.map "ab,b->ab" %y, %b_1
// CHECK: tensor.yield
// CHECK: tensor.yield
// CHECK: graph.return %z
// REMARK: passed: tensor.map: one kernel: tensor.contract + tensor.map [tensor-fuse-groups]
// Every op is a kernel of its own without fusion.
// ALONE-LABEL: graph.model @epilogue
// ALONE: tensor.group "block_dense"
// ALONE: tensor.group "z"
graph.weight @block.dense.kernel : tensor<6x5xf32>
graph.model @epilogue(%x: tensor<4x6xf32>, %b: tensor<5xf32>) -> (tensor<4x5xf32>) inputs ["x", "b"] outputs ["z"] {
  %w = graph.get_weight @block.dense.kernel -> tensor<6x5xf32>
  %y = tensor.contract "mk,kn->mn" %x, %w -> tensor<4x5xf32>
  %z = tensor.map "ab,b->ab" %y, %b -> tensor<4x5xf32> {
  ^bb0(%v: f32, %c: f32):
    %s = tensor.scalar add %v, %c -> f32
    tensor.yield %s
  }
  graph.return %z
}

// -----

// No epilogue where the value has another user, or is read transposed: the tile is gone, or not there yet.
// CHECK-LABEL: graph.model @no_epilogue
// CHECK: tensor.group "y"
// CHECK: tensor.group "z"
// CHECK: tensor.group "u"
// CHECK: tensor.group "v"
// REMARK: missed: tensor.reduce: its value has 2 users
// REMARK: missed: tensor.map: it reads the value at other places than it was written
graph.model @no_epilogue(%x: tensor<4x6x3xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>, tensor<6x4xf32>)
    inputs ["x"] outputs ["a", "b", "c"] {
  %y = tensor.reduce add %x {dims = [2]} -> tensor<4x6xf32>
  %z = tensor.map "ab->ab" %y -> tensor<4x6xf32> {
  ^bb0(%a: f32):
    %s = tensor.scalar exp %a -> f32
    tensor.yield %s
  }
  %u = tensor.reduce maximum %x {dims = [2]} -> tensor<4x6xf32>
  %v = tensor.map "ba->ab" %u -> tensor<6x4xf32> {
  ^bb0(%a: f32):
    %s = tensor.scalar exp %a -> f32
    tensor.yield %s
  }
  graph.return %y, %z, %v
}

// -----

// Rows: the reductions over the last dim and the maps over the same rows. Here, softmax.
// CHECK-LABEL: graph.model @rows
// CHECK-NEXT: %y = tensor.group "y"(%x_1 = %x) -> (tensor<4x6xf32>) {
// CHECK-NEXT: tensor.reduce maximum %x_1
// CHECK-NEXT: tensor.map "ab,a->ab"
// CHECK: tensor.reduce add
// CHECK-NEXT: tensor.map "ab,a->ab"
// CHECK: tensor.yield %y_1
// CHECK-NEXT: }
// CHECK-NEXT: graph.return %y
// REMARK: passed: tensor.map: one kernel: tensor.reduce + tensor.map + tensor.reduce + tensor.map
graph.model @rows(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>) inputs ["x"] outputs ["y"] {
  %m = tensor.reduce maximum %x {dims = [1]} -> tensor<4xf32>
  %e = tensor.map "ab,a->ab" %x, %m -> tensor<4x6xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar sub %a, %b -> f32
    %t = tensor.scalar exp %s -> f32
    tensor.yield %t
  }
  %d = tensor.reduce add %e {dims = [1]} -> tensor<4xf32>
  %y = tensor.map "ab,a->ab" %e, %d -> tensor<4x6xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar div %a, %b -> f32
    tensor.yield %s
  }
  graph.return %y
}

// -----

// Rows over another dim are not one kernel; rows of a length known at run time only are.
// CHECK-LABEL: graph.model @no_rows
// CHECK-COUNT-3: tensor.group
// CHECK-NOT: tensor.group
graph.dim @S from 1
graph.model @no_rows(%x: tensor<4x6xf32>, %t: tensor<4x?xf32, #graph.dims<S>>)
    -> (tensor<4x6xf32>, tensor<4x?xf32, #graph.dims<S>>) inputs ["x", "t"] outputs ["y", "u"] {
  %m = tensor.reduce maximum %x {dims = [0]} -> tensor<6xf32>
  %y = tensor.map "ab,b->ab" %x, %m -> tensor<4x6xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar sub %a, %b -> f32
    tensor.yield %s
  }
  %n = tensor.reduce maximum %t {dims = [1]} -> tensor<4xf32>
  %u = tensor.map "ab,a->ab" %t, %n -> tensor<4x?xf32, #graph.dims<S>> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar sub %a, %b -> f32
    tensor.yield %s
  }
  graph.return %y, %u
}

// -----

// A row value that leaves the group stays outside of it: a kernel writes one result.
// CHECK-LABEL: graph.model @leaves
// CHECK: %e = tensor.group
// CHECK: %y = tensor.group
// CHECK: graph.return %e, %y
graph.model @leaves(%x: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) inputs ["x"] outputs ["e", "y"] {
  %m = tensor.reduce maximum %x {dims = [1]} -> tensor<4xf32>
  %e = tensor.map "ab,a->ab" %x, %m -> tensor<4x6xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar sub %a, %b -> f32
    tensor.yield %s
  }
  %d = tensor.reduce add %e {dims = [1]} -> tensor<4xf32>
  %y = tensor.map "ab,a->ab" %e, %d -> tensor<4x6xf32> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar div %a, %b -> f32
    tensor.yield %s
  }
  graph.return %e, %y
}

// -----

// A filled tensor that is left is made by a kernel; views stay outside of groups.
// CHECK-LABEL: graph.model @fill
// CHECK-NEXT: %f = tensor.group "f"() -> (tensor<2x3xf32>) {
// CHECK-NEXT: tensor.map "->ab" -> tensor<2x3xf32> {
// CHECK: }
// CHECK: tensor.transpose %f
graph.model @fill() -> (tensor<3x2xf32>) inputs [] outputs ["y"] {
  %f = tensor.fill 2.0 -> tensor<2x3xf32>
  %y = tensor.transpose %f {perm = [1, 0]} -> tensor<3x2xf32>
  graph.return %y
}
