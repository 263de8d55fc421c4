// A layer of which only the name is known, as it is read and printed.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s -p graph-cse,graph-dce,graph-canonicalize | filecheck %s

!rows = tensor<?x4xf32, #graph.dims<batch>>

builtin.module {
  graph.dim @batch from 1

  // CHECK-LABEL: graph.model @custom
  graph.model @custom(%x: !rows, %y: tensor<3xi64>) -> (!rows, !rows) inputs ["x", "y"] outputs ["a", "b"] {
    // Two of them are never merged: each may have weights of its own.
    // CHECK: %0 = graph.custom "MyLayer" %x -> tensor<?x4xf32
    %0 = graph.custom "MyLayer" %x -> !rows
    // CHECK: %1 = graph.custom "MyLayer" %x -> tensor<?x4xf32
    %1 = graph.custom "MyLayer" %x -> !rows
    // CHECK: %2, %3 = graph.custom "Several" %0, %y {big = 1.0e+30, flag = true, list = [1, 2.5, ["a", none], []], name = "x", nothing = none, number = -3} -> tensor<?x4xf32, #graph.dims<batch>>, tensor<2xi1>
    %2, %3 = graph.custom "Several" %0, %y {number = -3, big = 1.0e30, flag = true, list = [1, 2.5, ["a", none], []], name = "x", nothing = none} -> !rows, tensor<2xi1>
    // CHECK: %4 = graph.custom "org.other/From nothing" {a = 1.0} attributes {note = "kept"} -> tensor<2xf32>
    %4 = graph.custom "org.other/From nothing" {a = 1.0} attributes {note = "kept"} -> tensor<2xf32>
    graph.return %1, %2
  }
}
