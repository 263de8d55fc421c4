// Functions value by value, as they are read and printed. Properties at their default are left out.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!rows = tensor<?x16xf32, #graph.dims<batch>>
!whole = tensor<?x16xi32, #graph.dims<batch>>
!truths = tensor<?x16xi1, #graph.dims<batch>>

builtin.module {
  graph.dim @batch from 1

  // CHECK-LABEL: graph.model @functions
  graph.model @functions(%x: !rows, %i: !whole) -> () inputs ["x", "i"] outputs [] {
    // CHECK: graph.sin %x -> tensor<?x16xf32
    %0 = graph.sin %x -> !rows
    // CHECK: graph.acosh %x -> tensor<?x16xf32
    %1 = graph.acosh %x -> !rows
    // CHECK: graph.round %x -> tensor<?x16xf32
    %2 = graph.round %x -> !rows
    // CHECK: graph.sign %i -> tensor<?x16xi32
    %3 = graph.sign %i -> !whole
    // CHECK: graph.hard_sigmoid %x -> tensor<?x16xf32
    %4 = graph.hard_sigmoid %x {beta = 0.5} -> !rows
    // CHECK: graph.hard_sigmoid %x {alpha = 0.2} -> tensor<?x16xf32
    %5 = graph.hard_sigmoid %x {alpha = 0.2} -> !rows
    // CHECK: graph.is_nan %x -> tensor<?x16xi1
    %6 = graph.is_nan %x -> !truths
    // CHECK: graph.is_inf %x {negative = false} -> tensor<?x16xi1
    %7 = graph.is_inf %x {negative = false, positive = true} -> !truths
    // CHECK: graph.logical_not %{{.*}} -> tensor<?x16xi1
    %8 = graph.logical_not %7 -> !truths
    // CHECK: graph.bitwise_not %i -> tensor<?x16xi32
    %9 = graph.bitwise_not %i -> !whole
    // CHECK: graph.cast %x -> tensor<?x16xi32
    %10 = graph.cast %x -> !whole
    // CHECK: graph.bitcast %x -> tensor<?x16xi32
    %11 = graph.bitcast %x -> !whole
    graph.return
  }

  // CHECK-LABEL: graph.model @pairs
  graph.model @pairs(%x: !rows, %s: tensor<16xf32>, %i: !whole, %j: tensor<i32>) -> () inputs ["x", "s", "i", "j"] outputs [] {
    // CHECK: graph.pow %x, %s -> tensor<?x16xf32
    %0 = graph.pow %x, %s -> !rows
    // CHECK: graph.remainder %i, %j -> tensor<?x16xi32
    %1 = graph.remainder %i, %j -> !whole
    // CHECK: graph.fmod %s, %x -> tensor<?x16xf32
    %2 = graph.fmod %s, %x -> !rows
    // CHECK: graph.shift_left %i, %j -> tensor<?x16xi32
    %3 = graph.shift_left %i, %j -> !whole
    // CHECK: graph.bitwise_and %j, %i -> tensor<?x16xi32
    %4 = graph.bitwise_and %j, %i -> !whole
    // CHECK: graph.less_equal %x, %s -> tensor<?x16xi1
    %5 = graph.less_equal %x, %s -> !truths
    // CHECK: graph.equal %{{.*}}, %{{.*}} -> tensor<?x16xi1
    %6 = graph.equal %5, %5 -> !truths
    // CHECK: graph.logical_xor %{{.*}}, %{{.*}} -> tensor<?x16xi1
    %7 = graph.logical_xor %5, %6 -> !truths
    // CHECK: graph.where %{{.*}}, %s, %x -> tensor<?x16xf32
    %8 = graph.where %7, %s, %x -> !rows
    graph.return
  }
}
