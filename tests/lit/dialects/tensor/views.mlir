// Ops that lay values out another way, as they are read and printed.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!image = tensor<?x8x9x4xf32, #graph.dims<batch>>

builtin.module {
  graph.dim @batch from 1

  // CHECK-LABEL: graph.model @views
  graph.model @views(%x: !image, %w: tensor<9x20xf32>) -> () inputs ["x", "w"] outputs [] {
    // CHECK: tensor.fill "-inf" -> tensor<2x3xf32>
    %0 = tensor.fill "-inf" -> tensor<2x3xf32>
    // CHECK: tensor.fill 3 -> tensor<?xi32, #graph.dims<batch * 2 + 1>>
    %1 = tensor.fill 3 -> tensor<?xi32, #graph.dims<1 + 2 * batch>>
    // CHECK: tensor.reshape %x -> tensor<?x4xf32, #graph.dims<batch * 72>>
    %2 = tensor.reshape %x -> tensor<?x4xf32, #graph.dims<batch * 72>>
    // CHECK: tensor.transpose %x {perm = [0, 3, 1, 2]} -> tensor<?x4x8x9xf32, #graph.dims<batch>>
    %3 = tensor.transpose %x {perm = [0, 3, 1, 2]} -> tensor<?x4x8x9xf32, #graph.dims<batch>>
    // CHECK: tensor.pad %x {high = [0, 0, 1, 0], low = [0, 2, 0, 0], value = 0.0} -> tensor<?x10x10x4xf32, #graph.dims<batch>>
    %4 = tensor.pad %x {low = [0, 2, 0, 0], high = [0, 0, 1, 0], value = 0.0} -> tensor<?x10x10x4xf32, #graph.dims<batch>>
    // A window of 3x2, every second place of it, moved by 2 and 1: the window dims follow the last windowed dim.
    // CHECK: tensor.window %x {dilations = [2, 1], dims = [1, 2], sizes = [3, 2], strides = [2, 1]} -> tensor<?x2x8x3x2x4xf32, #graph.dims<batch>>
    %5 = tensor.window %x {dims = [1, 2], sizes = [3, 2], strides = [2, 1], dilations = [2, 1]} -> tensor<?x2x8x3x2x4xf32, #graph.dims<batch>>
    // CHECK: tensor.pack %w {panel = 8} -> tensor<3x9x8xf32>
    %6 = tensor.pack %w {panel = 8} -> tensor<3x9x8xf32>
    // CHECK: tensor.unpack %{{.+}} -> tensor<9x20xf32>
    %7 = tensor.unpack %6 -> tensor<9x20xf32>
    graph.return
  }
}
