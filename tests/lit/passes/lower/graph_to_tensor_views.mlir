// Ops that move, index and resample values, as loops.
// RUN: neuralc-opt %s -p graph-to-tensor --split-input-file | filecheck %s

// Forward slices are views, backward ones maps that read from the end.
// CHECK-LABEL: graph.model @slices
// CHECK-NEXT: %0 = tensor.slice %x {starts = #graph.dims<1>, strides = [2]} -> tensor<4xf32>
// CHECK-NEXT: %1 = tensor.map "*->a" %x -> tensor<3xf32> {
// CHECK-NEXT: ^bb0(%2: tensor<9xf32>):
// CHECK-NEXT:   %3 = tensor.position a -> i32
// CHECK-NEXT:   %4 = tensor.number -2 -> i32
// CHECK-NEXT:   %5 = tensor.scalar mul %3, %4 -> i32
// CHECK-NEXT:   %6 = tensor.number 8 -> i32
// CHECK-NEXT:   %7 = tensor.scalar add %5, %6 -> i32
// CHECK-NEXT:   %8 = tensor.at %2, %7 -> f32
// CHECK-NEXT:   tensor.yield %8
builtin.module {
  graph.model @slices(%x: tensor<9xf32>) -> (tensor<4xf32>, tensor<3xf32>) inputs ["x"] outputs ["a", "b"] {
    %0 = graph.slice %x {starts = #graph.dims<1>, steps = [2]} -> tensor<4xf32>
    %1 = graph.slice %x {starts = #graph.dims<8>, steps = [-2]} -> tensor<3xf32>
    graph.return %0, %1
  }
}

// -----

// A gather counts negative indices from the end and is checked; dims behind the axis are read in order.
// CHECK-LABEL: graph.model @gather
// CHECK-NEXT: %0 = tensor.map "*,a->ab" %x, %i -> tensor<3x4xf32> {
// CHECK-NEXT: ^bb0(%1: tensor<9x4xf32>, %2: i64):
// CHECK-NEXT:   %3 = tensor.position b -> i64
// CHECK-NEXT:   %4 = tensor.number 9 -> i64
// CHECK-NEXT:   %5 = tensor.scalar add %2, %4 -> i64
// CHECK-NEXT:   %6 = tensor.number 0 -> i64
// CHECK-NEXT:   %7 = tensor.scalar lt %2, %6 -> i1
// CHECK-NEXT:   %8 = tensor.scalar select %7, %5, %2 -> i64
// CHECK-NEXT:   %9 = tensor.at %1, %8, %3 {checked = true} -> f32
// CHECK-NEXT:   tensor.yield %9
builtin.module {
  graph.model @gather(%x: tensor<9x4xf32>, %i: tensor<3xi64>) -> (tensor<3x4xf32>) inputs ["x", "i"] outputs ["y"] {
    %0 = graph.gather %x, %i -> tensor<3x4xf32>
    graph.return %0
  }
}

// -----

// A resize of known sizes reads places and weights that are computed at compile time.
// CHECK: graph.weight @resize.places : tensor<8xi32> from () {
// CHECK: graph.weight @resize.weights : tensor<8xf32> from () {
// CHECK: graph.weight @resize.places_1 : tensor<8xi32> from () {
// CHECK: graph.weight @resize.weights_1 : tensor<8xf32> from () {
// CHECK-LABEL: graph.model @resize
// CHECK: tensor.map "*,a,a,a,a->ab" %x, %0, %1, %2, %3 -> tensor<8x3xf32> {
// CHECK-COUNT-2: tensor.at
builtin.module {
  graph.model @resize(%x: tensor<4x3xf32>) -> (tensor<8x3xf32>) inputs ["x"] outputs ["y"] {
    %0 = graph.resize %x {mode = "linear"} -> tensor<8x3xf32>
    graph.return %0
  }
}

// -----

// Indices of a scatter become vectors; one outside is an error of the run.
// CHECK-LABEL: graph.model @scatter
// CHECK-NEXT: %0 = tensor.map "ab->abc" %i -> tensor<2x4x2xi64> {
// CHECK: %[[Y:.*]] = tensor.scatter add %x, %0, %u {checked = true} -> tensor<9x4xf32>
// CHECK-NEXT: graph.return %[[Y]]
builtin.module {
  graph.model @scatter(%x: tensor<9x4xf32>, %i: tensor<2x4xi64>, %u: tensor<2x4xf32>) -> (tensor<9x4xf32>)
      inputs ["x", "i", "u"] outputs ["y"] {
    %0 = graph.scatter_elements %x, %i, %u {kind = "add"} -> tensor<9x4xf32>
    graph.return %0
  }
}
