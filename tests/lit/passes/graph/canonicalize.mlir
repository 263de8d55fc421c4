// RUN: neuralc-opt %s -p graph-canonicalize --split-input-file | filecheck %s
// RUN: neuralc-opt %s -p graph-canonicalize --split-input-file --statistics 2>&1 | filecheck %s --check-prefix=COUNT

// Views: composed, and gone where they do nothing.
// CHECK-LABEL: graph.model @views
// CHECK-NEXT: %0 = graph.reshape %x -> tensor<24xf32>
// CHECK-NEXT: %1 = graph.transpose %x {perm = [2, 1, 0]} -> tensor<4x3x2xf32>
// CHECK-NEXT: graph.return %0, %x, %1, %x
// COUNT: 3 graph-canonicalize: ComposeReshapes
// COUNT: 3 graph-canonicalize: ComposeTransposes
builtin.module {
  graph.model @views(%x: tensor<2x3x4xf32>) -> (tensor<24xf32>, tensor<2x3x4xf32>, tensor<4x3x2xf32>, tensor<2x3x4xf32>)
      inputs ["x"] outputs ["a", "b", "c", "d"] {
    %0 = graph.reshape %x -> tensor<6x4xf32>
    %1 = graph.reshape %0 -> tensor<24xf32>
    %2 = graph.reshape %1 -> tensor<2x3x4xf32>
    %3 = graph.transpose %x {perm = [1, 2, 0]} -> tensor<3x4x2xf32>
    %4 = graph.transpose %3 {perm = [1, 0, 2]} -> tensor<4x3x2xf32>
    %5 = graph.transpose %3 {perm = [2, 0, 1]} -> tensor<2x3x4xf32>
    graph.return %1, %2, %4, %5
  }
}

// -----

// Views that must stay: another order, another shape.
// CHECK-LABEL: graph.model @view_stays
// CHECK-NEXT: graph.reshape
// CHECK-NEXT: graph.transpose
// CHECK-NEXT: graph.reshape
// CHECK-NEXT: graph.return
builtin.module {
  graph.model @view_stays(%x: tensor<2x12xf32>) -> (tensor<24xf32>) inputs ["x"] outputs ["y"] {
    %0 = graph.reshape %x -> tensor<4x6xf32>
    %1 = graph.transpose %0 {perm = [1, 0]} -> tensor<6x4xf32>
    %2 = graph.reshape %1 -> tensor<24xf32>
    graph.return %2
  }
}

// -----

// Pairs that are one function.
// CHECK-LABEL: graph.model @pairs
// CHECK-NEXT: %0 = graph.relu %x
// CHECK-NEXT: %1 = graph.relu6 %x
// CHECK-NEXT: %2 = graph.abs %x
// CHECK-NEXT: %3 = graph.softmax %x
// CHECK-NEXT: graph.return %0, %1, %2, %x, %3
builtin.module {
  graph.model @pairs(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      inputs ["x"] outputs ["a", "b", "c", "d", "e"] {
    %0 = graph.relu %x -> tensor<4xf32>
    %1 = graph.relu %0 -> tensor<4xf32>
    %2 = graph.relu6 %1 -> tensor<4xf32>
    %3 = graph.neg %x -> tensor<4xf32>
    %4 = graph.abs %3 -> tensor<4xf32>
    %5 = graph.neg %3 -> tensor<4xf32>
    %6 = graph.softmax %x -> tensor<4xf32>
    %7 = graph.relu %6 -> tensor<4xf32>
    graph.return %1, %2, %4, %5, %7
  }
}

// -----

// Pairs that are not: the negative part of abs, of tanh.
// CHECK-LABEL: graph.model @no_pairs
// CHECK-NEXT: graph.tanh
// CHECK-NEXT: graph.relu
// CHECK-NEXT: graph.neg
// CHECK-NEXT: graph.relu
// CHECK-NEXT: graph.return
builtin.module {
  graph.model @no_pairs(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) inputs ["x"] outputs ["a", "b"] {
    %0 = graph.tanh %x -> tensor<4xf32>
    %1 = graph.relu %0 -> tensor<4xf32>
    %2 = graph.neg %x -> tensor<4xf32>
    %3 = graph.relu %2 -> tensor<4xf32>
    graph.return %1, %3
  }
}

// -----

// Arithmetic with neutral constants, on either side where it commutes.
// CHECK-LABEL: graph.model @neutral
// CHECK-NEXT: graph.return %x
builtin.module {
  graph.model @neutral(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>) inputs ["x"] outputs ["y"] {
    %zero = graph.constant {value = 0.0} -> tensor<4xf32>
    %one = graph.constant {value = 1.0} -> tensor<f32>
    %0 = graph.add %x, %zero -> tensor<2x4xf32>
    %1 = graph.sub %0, %zero -> tensor<2x4xf32>
    %2 = graph.mul %one, %1 -> tensor<2x4xf32>
    %3 = graph.div %2, %one -> tensor<2x4xf32>
    %4 = graph.maximum %3, %3 -> tensor<2x4xf32>
    graph.return %4
  }
}

// -----

// Not neutral: the constant enlarges the result, stands left of a difference, or takes part in 0 * x (NaN stays NaN).
// CHECK-LABEL: graph.model @not_neutral
// CHECK-DAG: graph.add %x, %{{.*}} -> tensor<2x4xf32>
// CHECK-DAG: graph.sub %{{.*}}, %x -> tensor<1x4xf32>
// CHECK-DAG: graph.div %{{.*}}, %x -> tensor<1x4xf32>
// CHECK-DAG: graph.mul %x, %{{.*}} -> tensor<1x4xf32>
// CHECK: graph.return
builtin.module {
  graph.model @not_neutral(%x: tensor<1x4xf32>) -> (tensor<2x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>)
      inputs ["x"] outputs ["a", "b", "c", "d"] {
    %zeros = graph.constant {value = 0.0} -> tensor<2x4xf32>
    %zero = graph.constant {value = 0.0} -> tensor<f32>
    %one = graph.constant {value = 1.0} -> tensor<f32>
    %0 = graph.add %x, %zeros -> tensor<2x4xf32>
    %1 = graph.sub %zero, %x -> tensor<1x4xf32>
    %2 = graph.div %one, %x -> tensor<1x4xf32>
    %3 = graph.mul %x, %zero -> tensor<1x4xf32>
    graph.return %0, %1, %2, %3
  }
}

// -----

// One spelling: weights, then constants, to the right; small constants; sums for differences; relu for maximum.
// CHECK-LABEL: graph.model @spelling
// CHECK: graph.add %x, %w
// CHECK: %[[HALF:.*]] = graph.constant {value = -0.5} -> tensor<f32>
// CHECK: graph.add %x, %[[HALF]]
// CHECK: graph.sub %x, %w
// CHECK: graph.relu %x
// CHECK: graph.relu6 %x
// CHECK: graph.hard_swish %x
// CHECK-NOT: graph.maximum
// CHECK-NOT: graph.div
// CHECK-NOT: graph.neg
// CHECK: graph.return
builtin.module {
  graph.weight @w : tensor<4xf32>
  graph.model @spelling(%x: tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      inputs ["x"] outputs ["a", "b", "c", "d", "e", "f"] {
    %w = graph.get_weight @w -> tensor<4xf32>
    %0 = graph.add %w, %x -> tensor<4xf32>
    %half = graph.constant {value = 0.5} -> tensor<4xf32>
    %1 = graph.sub %x, %half -> tensor<4xf32>
    %2 = graph.neg %w -> tensor<4xf32>
    %3 = graph.add %x, %2 -> tensor<4xf32>
    %zero = graph.constant {value = 0.0} -> tensor<4xf32>
    %4 = graph.maximum %zero, %x -> tensor<4xf32>
    %six = graph.constant {value = 6.0} -> tensor<f32>
    %5 = graph.minimum %4, %six -> tensor<4xf32>
    %three = graph.constant {value = 3.0} -> tensor<f32>
    %6 = graph.add %x, %three -> tensor<4xf32>
    %7 = graph.relu6 %6 -> tensor<4xf32>
    %8 = graph.mul %7, %x -> tensor<4xf32>
    %9 = graph.div %8, %six -> tensor<4xf32>
    graph.return %0, %1, %3, %4, %5, %9
  }
}

// -----

// Axes: sorted and counted from the front, the last one as -1; a reduction of single places is a reshape.
// CHECK-LABEL: graph.model @axes
// CHECK-NEXT: graph.reduce %x {axes = [0, 1], kind = "sum"}
// CHECK-NEXT: graph.softmax %x -> tensor<2x3x1xf32>
// CHECK-NEXT: graph.softmax %x {axis = 1}
// CHECK-NEXT: graph.reshape %x -> tensor<2x3xf32>
// CHECK-NEXT: graph.return
builtin.module {
  graph.model @axes(%x: tensor<2x3x1xf32>) -> (tensor<1xf32>, tensor<2x3x1xf32>, tensor<2x3x1xf32>, tensor<2x3xf32>)
      inputs ["x"] outputs ["a", "b", "c", "d"] {
    %0 = graph.reduce %x {kind = "sum", axes = [1, -3]} -> tensor<1xf32>
    %1 = graph.softmax %x {axis = 2} -> tensor<2x3x1xf32>
    %2 = graph.softmax %x {axis = -2} -> tensor<2x3x1xf32>
    %3 = graph.reduce %x {kind = "mean", axes = [2]} -> tensor<2x3xf32>
    graph.return %0, %1, %2, %3
  }
}

// -----

// Layers that hand on their operand; dropout that drops stays, it is for training.
// CHECK-LABEL: graph.model @nothing
// CHECK-NEXT: %0 = graph.dropout %x {rate = 0.5}
// CHECK-NEXT: %1 = graph.max_pool %0 {strides = [2, 2], window = [1, 1]}
// CHECK-NEXT: graph.return %1
builtin.module {
  graph.model @nothing(%x: tensor<1x4x4x1xf32>) -> (tensor<1x2x2x1xf32>) inputs ["x"] outputs ["y"] {
    %0 = graph.identity %x -> tensor<1x4x4x1xf32>
    %1 = graph.dropout %0 {rate = 0.0} -> tensor<1x4x4x1xf32>
    %2 = graph.average_pool %1 {window = [1, 1], strides = [1, 1]} -> tensor<1x4x4x1xf32>
    %3 = graph.dropout %2 {rate = 0.5} -> tensor<1x4x4x1xf32>
    %4 = graph.max_pool %3 {window = [1, 1], strides = [2, 2]} -> tensor<1x2x2x1xf32>
    graph.return %4
  }
}
