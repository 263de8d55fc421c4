// Control flow of the graph level, as it is read and printed.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!rows = tensor<?x4xf32, #graph.dims<S>>

builtin.module {
  graph.dim @S from 1

  // CHECK-LABEL: graph.model @control
  graph.model @control(%x: !rows, %a: tensor<4xf32>, %c: tensor<i1>, %n: tensor<i64>) -> () inputs ["x", "a", "c", "n"] outputs [] {
    // CHECK: %0 = graph.if %c then(%p = %a) {
    // CHECK-NEXT: graph.yield %p
    // CHECK-NEXT: } else(%q = %a) {
    // CHECK-NEXT: %1 = graph.relu %q -> tensor<4xf32>
    // CHECK-NEXT: graph.yield %1
    // CHECK-NEXT: } -> (tensor<4xf32>)
    %0 = graph.if %c then(%p = %a) {
      graph.yield %p
    } else(%q = %a) {
      %1 = graph.relu %q -> tensor<4xf32>
      graph.yield %1
    } -> (tensor<4xf32>)

    // CHECK: = graph.scan to S carried(%s = %a) scanned(%e = %x) reverse [1, 0] -> (tensor<4xf32>, tensor<?x4xf32, #graph.dims<S>>) {
    // CHECK-NEXT: = graph.add %s, %e -> tensor<4xf32>
    %2, %3 = graph.scan to S carried(%s = %a) scanned(%e = %x) reverse [1, 0] -> (tensor<4xf32>, !rows) {
      %4 = graph.add %s, %e -> tensor<4xf32>
      graph.yield %4, %4
    }

    // A loop has a number of rounds, a limit and a condition, or some of them.
    // CHECK: = graph.loop %i to S limit %n while %c carried(%s = %a) captured(%d = %c) -> (tensor<4xf32>, tensor<?xi64, #graph.dims<S>>) {
    // CHECK-NEXT: graph.yield %d, %s, %i
    %5, %6 = graph.loop %i to S limit %n while %c carried(%s_1 = %a) captured(%d = %c) -> (tensor<4xf32>, tensor<?xi64, #graph.dims<S>>) {
      graph.yield %d, %s_1, %i
    }
    // CHECK: = graph.loop %i limit %n carried(%s = %a) -> (tensor<4xf32>) {
    %7 = graph.loop %i_1 limit %n carried(%s_2 = %a) -> (tensor<4xf32>) {
      graph.yield %s_2
    }
    graph.return
  }
}
