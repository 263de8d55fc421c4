// Ops that compute, as they are read and printed.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!rows = tensor<?x16xf32, #graph.dims<batch>>

builtin.module {
  graph.dim @batch from 1

  // CHECK-LABEL: graph.model @compute
  graph.model @compute(%x: !rows, %w: tensor<16x5xf32>, %b: tensor<16xf32>, %s: tensor<f32>, %i: tensor<4xi32>)
      -> () inputs ["x", "w", "b", "s", "i"] outputs [] {
    // CHECK: tensor.map "ab,b->ab" %x, %b -> tensor<?x16xf32, #graph.dims<batch>> {
    // CHECK-NEXT: ^bb0(%a0: f32, %a1: f32):
    // CHECK-NEXT: %a2 = tensor.number 0.5 -> f32
    // CHECK-NEXT: %a3 = tensor.scalar mul %a1, %a2 -> f32
    // CHECK-NEXT: %a4 = tensor.scalar add %a0, %a3 -> f32
    // CHECK-NEXT: tensor.yield %a4
    // CHECK-NEXT: }
    %0 = tensor.map "ab,b->ab" %x, %b -> !rows {
    ^bb0(%a0: f32, %a1: f32):
      %a2 = tensor.number 0.5 -> f32
      %a3 = tensor.scalar mul %a1, %a2 -> f32
      %a4 = tensor.scalar add %a0, %a3 -> f32
      tensor.yield %a4
    }

    // A map may have no operand, a transposed one, one without dims, one that it broadcasts from size one.
    // CHECK: tensor.map "->ab" -> tensor<2x3xi32> {
    // CHECK-NEXT: = tensor.number 7 -> i32
    %1 = tensor.map "->ab" -> tensor<2x3xi32> {
      %a0 = tensor.number 7 -> i32
      tensor.yield %a0
    }
    // CHECK: tensor.map "ba->ab" %w -> tensor<5x16xi1>
    %2 = tensor.map "ba->ab" %w -> tensor<5x16xi1> {
    ^bb0(%a0: f32):
      %a1 = tensor.scalar gt %a0, %a0 -> i1
      tensor.yield %a1
    }
    // CHECK: tensor.map "->" %s -> tensor<f64>
    %3 = tensor.map "->" %s -> tensor<f64> {
    ^bb0(%a0: f32):
      // CHECK: tensor.scalar convert %{{.+}} -> f64
      %a1 = tensor.scalar convert %a0 -> f64
      tensor.yield %a1
    }
    %one = tensor.fill 1.0 -> tensor<1x5xf32>
    // CHECK: tensor.map "ab,1b->ab" %w, %{{.+}} -> tensor<16x5xf32>
    %4 = tensor.map "ab,1b->ab" %w, %one -> tensor<16x5xf32> {
    ^bb0(%a0: f32, %a1: f32):
      tensor.yield %a1
    }

    // CHECK: tensor.contract "mk,kn->mn" %x, %w -> tensor<?x5xf32, #graph.dims<batch>>
    %5 = tensor.contract "mk,kn->mn" %x, %w {precision = "ieee"} -> tensor<?x5xf32, #graph.dims<batch>>
    // CHECK: tensor.contract "mk,kn->nm" %x, %w {precision = "tf32"} -> tensor<5x?xf32, #graph.dims<batch>>
    %6 = tensor.contract "mk,kn->nm" %x, %w {precision = "tf32"} -> tensor<5x?xf32, #graph.dims<batch>>

    // CHECK: tensor.reduce maximum %x {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
    %7 = tensor.reduce maximum %x {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
    // CHECK: tensor.reduce add %i {dims = [0]} -> tensor<i32>
    %8 = tensor.reduce add %i {dims = [0]} -> tensor<i32>

    // CHECK: tensor.group "both"(%g0 = %x, %g1 = %b) {tile_rows = 6 : i64} -> (tensor<?x16xf32, #graph.dims<batch>>) {
    %9 = tensor.group "both"(%g0 = %x, %g1 = %b) {tile_rows = 6 : i64} -> (!rows) {
      // CHECK-NEXT: tensor.map "ab,b->ab"
      %g2 = tensor.map "ab,b->ab" %g0, %g1 -> !rows {
      ^bb0(%a0: f32, %a1: f32):
        %a2 = tensor.scalar maximum %a0, %a1 -> f32
        tensor.yield %a2
      }
      // CHECK: tensor.yield %g2
      tensor.yield %g2
    }
    graph.return
  }
}
