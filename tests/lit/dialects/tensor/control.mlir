// Control flow, as it is read and printed: regions with captures, which see nothing else of what is around them.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!row = tensor<2x4xf32>
!rows = tensor<?x2x4xf32, #graph.dims<S>>

builtin.module {
  graph.dim @S from 0
  graph.weight @w : tensor<4x4xf32>

  // CHECK-LABEL: graph.model @control
  graph.model @control(%x: !rows, %a: !row, %c: tensor<i1>, %n: tensor<f32>) -> () inputs ["x", "a", "c", "n"] outputs [] {
    // Carried values, a slice of each scanned value, captures; then the next carried values and the stacked ones.
    // CHECK: %h, %ys = tensor.scan to S carried(%s = %a) scanned(%x_t = %x) captured(%k = %a) -> (tensor<2x4xf32>, tensor<?x2x4xf32, #graph.dims<S>>) {
    // CHECK-NEXT: %w = graph.get_weight @w -> tensor<4x4xf32>
    // CHECK-NEXT: %r = tensor.contract "bh,hg->bg" %s, %w -> tensor<2x4xf32>
    // CHECK-NEXT: tensor.yield %r, %x_t
    // CHECK-NEXT: }
    %h, %ys = tensor.scan to S carried(%s = %a) scanned(%x_t = %x) captured(%k = %a) -> (!row, !rows) {
      %w = graph.get_weight @w -> tensor<4x4xf32>
      %r = tensor.contract "bh,hg->bg" %s, %w -> !row
      tensor.yield %r, %x_t
    }

    // Each scanned value, then each stacked one, has its direction. What is not there is not written.
    // CHECK: = tensor.scan to S * 2 + 1 reverse [1] -> (tensor<?x4xf32, #graph.dims<S * 2 + 1>>) {
    // CHECK-NEXT: = tensor.fill 1.0 -> tensor<4xf32>
    %ones = tensor.scan to S * 2 + 1 reverse [1] -> (tensor<?x4xf32, #graph.dims<S * 2 + 1>>) {
      %one = tensor.fill 1.0 -> tensor<4xf32>
      tensor.yield %one
    }

    // CHECK: %v, %u = tensor.if %c then(%p = %h) {
    // CHECK-NEXT: tensor.yield %p, %p
    // CHECK-NEXT: } else(%q = %a, %r = %h) {
    // CHECK-NEXT: tensor.yield %q, %r
    // CHECK-NEXT: } -> (tensor<2x4xf32>, tensor<2x4xf32>)
    %v, %u = tensor.if %c then(%p = %h) {
      tensor.yield %p, %p
    } else(%q = %a, %r_1 = %h) {
      tensor.yield %q, %r_1
    } -> (!row, !row)

    // CHECK: %z = tensor.if %c then {
    %z = tensor.if %c then {
      %0 = tensor.fill 0.0 -> tensor<f32>
      tensor.yield %0
    // CHECK: } else(%e = %n) {
    } else(%e = %n) {
      tensor.yield %e
    } -> (tensor<f32>)

    // CHECK: %i, %y = tensor.while %c to 7 carried(%j = %n, %f = %h) captured(%g = %c) -> (tensor<f32>, tensor<2x4xf32>) {
    // CHECK-NEXT: tensor.yield %g, %j, %f
    %i, %y = tensor.while %c to 7 carried(%j = %n, %f = %h) captured(%g = %c) -> (tensor<f32>, !row) {
      tensor.yield %g, %j, %f
    }
    // CHECK: = tensor.while %c carried(%j = %n) -> (tensor<f32>) {
    %o = tensor.while %c carried(%j_1 = %n) -> (tensor<f32>) {
      %no = tensor.fill false -> tensor<i1>
      tensor.yield %no, %j_1
    }
    graph.return
  }
}
