// Ops along axes and normalizations, as they are read and printed.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!image = tensor<?x4x8x8xf32, #graph.dims<batch>>

builtin.module {
  graph.dim @batch from 1

  // CHECK-LABEL: graph.model @reductions
  graph.model @reductions(%x: !image, %c: tensor<3x5xi1>) -> () inputs ["x", "c"] outputs [] {
    // CHECK: graph.reduce %x {axes = [1], kind = "prod"} -> tensor<?x8x8xf32
    %0 = graph.reduce %x {kind = "prod", axes = [1]} -> tensor<?x8x8xf32, #graph.dims<batch>>
    // CHECK: graph.reduce %c {axes = [0, 1], keepdims = true, kind = "any"} -> tensor<1x1xi1>
    %1 = graph.reduce %c {kind = "any", axes = [0, 1], keepdims = true} -> tensor<1x1xi1>
    // CHECK: graph.arg_reduce %x {axis = 1, kind = "max"} -> tensor<?x8x8xi64
    %2 = graph.arg_reduce %x {kind = "max", axis = 1} -> tensor<?x8x8xi64, #graph.dims<batch>>
    // CHECK: graph.arg_reduce %x {axis = -1, keepdims = true, kind = "min", last = true} -> tensor<?x4x8x1xi64
    %3 = graph.arg_reduce %x {kind = "min", axis = -1, last = true, keepdims = true} -> tensor<?x4x8x1xi64, #graph.dims<batch>>
    // CHECK: graph.cumulate %x {axis = 2, kind = "sum"} -> tensor<?x4x8x8xf32
    %4 = graph.cumulate %x {kind = "sum", axis = 2} -> !image
    // CHECK: graph.cumulate %x {axis = 0, exclusive = true, kind = "prod", reverse = true} -> tensor<?x4x8x8xf32
    %5 = graph.cumulate %x {kind = "prod", axis = 0, exclusive = true, reverse = true} -> !image
    // CHECK: graph.top_k %x {k = #graph.dims<3>} -> tensor<?x4x8x3xf32, #graph.dims<batch>>, tensor<?x4x8x3xi64
    %6, %7 = graph.top_k %x {k = #graph.dims<3>} -> tensor<?x4x8x3xf32, #graph.dims<batch>>, tensor<?x4x8x3xi64, #graph.dims<batch>>
    // CHECK: graph.top_k %x {axis = 0, k = #graph.dims<batch>, largest = false} -> tensor<?x4x8x8xf32
    %8, %9 = graph.top_k %x {k = #graph.dims<batch>, axis = 0, largest = false} -> !image, tensor<?x4x8x8xi64, #graph.dims<batch>>
    graph.return
  }

  // CHECK-LABEL: graph.model @norms
  graph.model @norms(%x: !image, %s: tensor<4xf32>, %r: tensor<8xf32>, %q: tensor<8x1xf32>) -> () inputs ["x", "s", "r", "q"] outputs [] {
    // CHECK: graph.group_norm %x, %s, %s {groups = 2} -> tensor<?x4x8x8xf32
    %0 = graph.group_norm %x, %s, %s {groups = 2, axis = 1, epsilon = 1.0e-5} -> !image
    // CHECK: graph.layer_norm %x, %r -> tensor<?x4x8x8xf32
    %1 = graph.layer_norm %x, %r -> !image
    // CHECK: graph.layer_norm %x, %q, %r {axis = 2, epsilon = 0.1} -> tensor<?x4x8x8xf32
    %2 = graph.layer_norm %x, %q, %r {axis = 2, epsilon = 0.1} -> !image
    // CHECK: graph.rms_norm %x, %r -> tensor<?x4x8x8xf32
    %3 = graph.rms_norm %x, %r -> !image
    // CHECK: graph.lrn %x {size = 5} -> tensor<?x4x8x8xf32
    %4 = graph.lrn %x {size = 5} -> !image
    // CHECK: graph.lrn %x {alpha = 0.1, axis = -1, beta = 1.0, bias = 2.0, size = 3} -> tensor<?x4x8x8xf32
    %5 = graph.lrn %x {size = 3, alpha = 0.1, beta = 1.0, bias = 2.0, axis = -1} -> !image
    graph.return
  }
}
