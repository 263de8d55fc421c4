// RUN: neuralc-opt %s -p 'graph-fold-constants{max-bytes=64}' --split-input-file | filecheck %s
// RUN: neuralc-opt %s -p 'graph-fold-constants{max-bytes=64}' --split-input-file --remarks=passed,missed 2>&1 | filecheck %s --check-prefix=REMARK

// A chain becomes one region; constants move into it; the name is that of the largest source.
//      CHECK: graph.weight @conv2d.kernel.folded : tensor<1x1x2x4xf32> from (@conv2d.kernel, @norm.gamma) {
// CHECK-NEXT: ^bb0(%k: tensor<1x1x2x4xf32>, %gamma: tensor<4xf32>):
// CHECK-NEXT:   %two = graph.constant {value = 2.0} -> tensor<f32>
// CHECK-NEXT:   %0 = graph.mul %gamma, %two -> tensor<4xf32>
// CHECK-NEXT:   %1 = graph.mul %k, %0 -> tensor<1x1x2x4xf32>
// CHECK-NEXT:   graph.return %1
// CHECK-NEXT: }
// CHECK-NEXT: graph.model @chain
// CHECK-NEXT:   %0 = graph.get_weight @conv2d.kernel.folded -> tensor<1x1x2x4xf32>
// CHECK-NEXT:   %1 = graph.conv %x, %0 -> tensor<1x8x8x4xf32>
// CHECK-NEXT:   graph.return %1
// REMARK: passed: graph.mul: folded 3 ops into @conv2d.kernel.folded [graph-fold-constants]
builtin.module {
  graph.weight @conv2d.kernel : tensor<1x1x2x4xf32>
  graph.weight @norm.gamma : tensor<4xf32>
  graph.model @chain(%x: tensor<1x8x8x2xf32>) -> (tensor<1x8x8x4xf32>) inputs ["x"] outputs ["y"] {
    %k = graph.get_weight @conv2d.kernel -> tensor<1x1x2x4xf32>
    %gamma = graph.get_weight @norm.gamma -> tensor<4xf32>
    %two = graph.constant {value = 2.0} -> tensor<f32>
    %0 = graph.mul %gamma, %two -> tensor<4xf32>
    %1 = graph.mul %k, %0 -> tensor<1x1x2x4xf32>
    %2 = graph.conv %x, %1 -> tensor<1x8x8x4xf32>
    graph.return %2
  }
}

// -----

// A value that is read at run time and by another derivation is derived once; names do not clash.
// CHECK: graph.weight @w.folded_1 : tensor<4xf32> from (@w) {
// CHECK: graph.weight @w.folded_2 : tensor<4xf32> from (@w.folded_1) {
// CHECK: graph.model @shared
// CHECK-NEXT: %[[EXP:.*]] = graph.get_weight @w.folded_1
// CHECK-NEXT: graph.mul %x, %[[EXP]]
// CHECK-NEXT: %[[NEG:.*]] = graph.get_weight @w.folded_2
// CHECK-NEXT: graph.add %{{.*}}, %[[NEG]]
builtin.module {
  graph.weight @w : tensor<4xf32>
  graph.weight @w.folded : tensor<4xf32>
  graph.model @shared(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
    %w = graph.get_weight @w -> tensor<4xf32>
    %0 = graph.exp %w -> tensor<4xf32>
    %1 = graph.mul %x, %0 -> tensor<2x4xf32>
    %2 = graph.neg %0 -> tensor<4xf32>
    %3 = graph.add %1, %2 -> tensor<2x4xf32>
    graph.return %3
  }
}

// -----

// Constants alone give a constant.
// CHECK: graph.model @splat
// CHECK-NEXT: %0 = graph.constant {value = 5.0} -> tensor<2x3xf32>
// CHECK-NEXT: graph.mul %x, %0
builtin.module {
  graph.model @splat(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>) inputs ["x"] outputs ["y"] {
    %0 = graph.constant {value = 2.0} -> tensor<2x3xf32>
    %1 = graph.constant {value = 3.0} -> tensor<3xf32>
    %2 = graph.add %0, %1 -> tensor<2x3xf32>
    %3 = graph.mul %x, %2 -> tensor<2x3xf32>
    graph.return %3
  }
}

// -----

// Must not fold: 256 bytes out of 32. What it is computed from is folded; a weight that is read as it is needs nothing.
// CHECK: graph.model @outer
// CHECK-NEXT: %w = graph.get_weight @w
// CHECK-NEXT: %[[COLUMN:.*]] = graph.get_weight @w.folded -> tensor<8x1xf32>
// CHECK-NEXT: %[[OUTER:.*]] = graph.mul %w, %[[COLUMN]]
// CHECK-NEXT: graph.add %x, %[[OUTER]]
// REMARK: missed: graph.mul: not folded: 256 bytes from 32 bytes of weights [graph-fold-constants]
builtin.module {
  graph.weight @w : tensor<8xf32>
  graph.model @outer(%x: tensor<8x8xf32>) -> (tensor<8x8xf32>) inputs ["x"] outputs ["y"] {
    %w = graph.get_weight @w -> tensor<8xf32>
    %0 = graph.reshape %w -> tensor<8x1xf32>
    %1 = graph.mul %w, %0 -> tensor<8x8xf32>
    %2 = graph.add %x, %1 -> tensor<8x8xf32>
    graph.return %2
  }
}

// -----

// Must not fold: the size is not known.
// CHECK: graph.model @symbolic
// CHECK: graph.constant {value = 1.0} -> tensor<?xf32, #graph.dims<batch>>
// CHECK: graph.neg
builtin.module {
  graph.dim @batch from 1
  graph.model @symbolic(%x: tensor<?xf32, #graph.dims<batch>>) -> (tensor<?xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
    %0 = graph.constant {value = 1.0} -> tensor<?xf32, #graph.dims<batch>>
    %1 = graph.neg %0 -> tensor<?xf32, #graph.dims<batch>>
    %2 = graph.add %x, %1 -> tensor<?xf32, #graph.dims<batch>>
    graph.return %2
  }
}

// -----

// What is made of counts is a table; one of more than `max-table-bytes` is made when the model runs.
// CHECK: graph.weight @table.folded : tensor<4xi64> from () {
// CHECK-NEXT: %0 = graph.iota -> tensor<4xi64>
// CHECK: graph.return
// CHECK: graph.model @counts
// CHECK-NEXT: %0 = graph.get_weight @table.folded -> tensor<4xi64>
// CHECK-NEXT: graph.add %x, %0
builtin.module {
  graph.model @counts(%x: tensor<4xi64>) -> (tensor<4xi64>) inputs ["x"] outputs ["y"] {
    %0 = graph.iota -> tensor<4xi64>
    %1 = graph.mul %0, %0 -> tensor<4xi64>
    %2 = graph.add %x, %1 -> tensor<4xi64>
    graph.return %2
  }
}
