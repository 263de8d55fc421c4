// RUN: neuralc-opt %s -p graph-raise-layers,graph-dce | filecheck %s

// Transposes around an einsum go into its letters, and what is a matmul is one. A transposed weight stays transposed
// once; a transpose that others read stays.
// CHECK: %0 = graph.transpose %q {perm = [0, 2, 1]}
// CHECK-NEXT: %scores = graph.einsum "abc,adc->adb" %q, %k
// CHECK-NEXT: %product = graph.matmul %q, %0
// CHECK-NEXT: graph.return %scores, %product, %0
builtin.module {
  graph.model @products(%q: tensor<2x5x4xf32>, %k: tensor<2x6x4xf32>) -> (tensor<2x6x5xf32>, tensor<2x5x5xf32>, tensor<2x4x5xf32>) inputs ["q", "k"] outputs ["a", "b", "c"] {
    %0 = graph.transpose %q {perm = [0, 2, 1]} -> tensor<2x4x5xf32>
    %1 = graph.transpose %k {perm = [0, 2, 1]} -> tensor<2x4x6xf32>
    %2 = graph.einsum "abc,acd->abd" %q, %1 -> tensor<2x5x6xf32>
    %scores = graph.transpose %2 {perm = [0, 2, 1]} -> tensor<2x6x5xf32>
    %product = graph.einsum "abc,acd->abd" %q, %0 -> tensor<2x5x5xf32>
    graph.return %scores, %product, %0
  }
}
