// Winograd convolutions and their weights, as they are read and printed.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

builtin.module {
  graph.dim @batch from 1
  graph.weight @kernel : tensor<3x3x4x8xf32>

  // CHECK-LABEL: graph.model @winograd
  graph.model @winograd(%x: tensor<?x8x9x4xf32, #graph.dims<batch>>) -> () inputs ["x"] outputs [] {
    %w = graph.get_weight @kernel -> tensor<3x3x4x8xf32>
    // CHECK: %[[U:.+]] = tensor.winograd_weight %{{.+}} {tile = 2} -> tensor<4x4x4x8xf32>
    %u = tensor.winograd_weight %w {tile = 2} -> tensor<4x4x4x8xf32>
    // CHECK: tensor.winograd %x, %[[U]] {tile = 2} -> tensor<?x6x7x8xf32, #graph.dims<batch>>
    %0 = tensor.winograd %x, %u {tile = 2} -> tensor<?x6x7x8xf32, #graph.dims<batch>>
    // CHECK: %[[U4:.+]] = tensor.winograd_weight %{{.+}} {tile = 4} -> tensor<6x6x4x8xf32>
    %v = tensor.winograd_weight %w {tile = 4} -> tensor<6x6x4x8xf32>
    // CHECK: tensor.winograd %x, %[[U4]] {tile = 4} -> tensor<?x6x7x8xf32, #graph.dims<batch>>
    %1 = tensor.winograd %x, %v {tile = 4} -> tensor<?x6x7x8xf32, #graph.dims<batch>>
    graph.return
  }
}
