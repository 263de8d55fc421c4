// Round trips of products of matrices and sums of products.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

graph.dim @S from 1
graph.model @m(%a: tensor<4x?x8xf32, #graph.dims<S>>, %b: tensor<8x?xf32, #graph.dims<S>>, %v: tensor<8xf32>,
               %q: tensor<2x3x3xf32>, %i: tensor<3x4xi32>) -> () inputs ["a", "b", "v", "q", "i"] outputs [] {
  // CHECK: %0 = graph.matmul %a, %b -> tensor<4x?x?xf32, #graph.dims<S, S>>
  %0 = graph.matmul %a, %b -> tensor<4x?x?xf32, #graph.dims<S, S>>
  // CHECK: %1 = graph.matmul %a, %v -> tensor<4x?xf32, #graph.dims<S>>
  %1 = graph.matmul %a, %v -> tensor<4x?xf32, #graph.dims<S>>
  // CHECK: %2 = graph.matmul %v, %v -> tensor<f32>
  %2 = graph.matmul %v, %v -> tensor<f32>
  // CHECK: %3 = graph.einsum "bij,jk,j->bk" %a, %b, %v -> tensor<4x?xf32, #graph.dims<S>>
  %3 = graph.einsum "bij,jk,j->bk" %a, %b, %v -> tensor<4x?xf32, #graph.dims<S>>
  // CHECK: %4 = graph.einsum "bii->b" %q -> tensor<2xf32>
  %4 = graph.einsum "bii->b" %q -> tensor<2xf32>
  // CHECK: %5 = graph.det %q -> tensor<2xf32>
  %5 = graph.det %q -> tensor<2xf32>
  // CHECK: %6 = graph.einsum "ij,kj->ik" %i, %i -> tensor<3x3xi32>
  %6 = graph.einsum "ij,kj->ik" %i, %i -> tensor<3x3xi32>
  graph.return
}
