// graph-bound-dims: a symbolic size is at least what the layers need.
// RUN: neuralc-opt %s --split-input-file -p graph-bound-dims | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p graph-bound-dims --remarks=passed -o %t 2>&1 | filecheck %s --check-prefix=REMARK

// A window of 5, then one of 3 that moves by 2 over what is left: 7 is the smallest height with which both have a place.
// CHECK: graph.dim @H from 7
// CHECK: graph.dim @W from 8
// CHECK: graph.dim @batch from 1
// REMARK: bound_dims.mlir:17:3: passed: graph.max_pool: `H` is at least 7: with less, this has no values
// REMARK-NOT: graph.conv
graph.dim @H from 1
graph.dim @W from 8 origin "m.nr:3:12"
graph.dim @batch from 1
graph.model @windows(%x: tensor<?x?x?x3xf32, #graph.dims<batch, H, W>>, %k: tensor<5x5x3x4xf32>)
    -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x", "k"] outputs ["y"] {
  %c = graph.conv %x, %k -> tensor<?x?x?x4xf32, #graph.dims<batch, H - 4, W - 4>>
  %p = graph.max_pool %c {window = [3, 3], strides = [2, 2]} -> tensor<?x?x?x4xf32, #graph.dims<batch, floordiv(H - 7, 2) + 1, floordiv(W - 7, 2) + 1>>
  %y = graph.reduce %p {kind = "maximum", axes = [1, 2]} -> tensor<?x4xf32, #graph.dims<batch>>
  graph.return %y
}

// -----

// What was declared holds where the layers need less, or nothing.
// CHECK: graph.dim @S from 3 to 20
// CHECK: graph.dim @batch from 1
graph.dim @S from 3 to 20
graph.dim @batch from 1
graph.model @enough(%x: tensor<?x?x3xf32, #graph.dims<batch, S>>) -> (tensor<?x3xf32, #graph.dims<S * batch>>)
    inputs ["x"] outputs ["y"] {
  %y = graph.reshape %x -> tensor<?x3xf32, #graph.dims<S * batch>>
  graph.return %y
}

// -----

// A slice reads places that exist: the last two of S, and S of 512.
// CHECK: graph.dim @S from 2 to 512
graph.dim @S from 1
graph.model @slices(%x: tensor<?xf32, #graph.dims<S>>, %table: tensor<512x8xf32>)
    -> (tensor<2xf32>, tensor<?x8xf32, #graph.dims<S>>) inputs ["x", "table"] outputs ["a", "b"] {
  %0 = graph.slice %x {starts = #graph.dims<S - 2>, steps = [1]} -> tensor<2xf32>
  %1 = graph.slice %table {starts = #graph.dims<0, 0>, steps = [1, 1]} -> tensor<?x8xf32, #graph.dims<S>>
  graph.return %0, %1
}
