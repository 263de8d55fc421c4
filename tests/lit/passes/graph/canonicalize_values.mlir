// Conversions, choices, truth values and powers in one form.
// RUN: neuralc-opt %s --split-input-file -p graph-canonicalize | filecheck %s

// A cast by way of a type that holds every value; one that loses something stays.
// CHECK-LABEL: graph.model @casts
// CHECK-NEXT: %[[A:.*]] = graph.cast %h -> tensor<4xi32>
// CHECK-NEXT: %[[B:.*]] = graph.cast %i -> tensor<4xf32>
// CHECK-NEXT: %[[C:.*]] = graph.cast %[[B]] -> tensor<4xi64>
// CHECK-NEXT: %[[D:.*]] = graph.constant {value = 3} -> tensor<2xi32>
// CHECK-NEXT: graph.return %[[A]], %h, %[[C]], %[[D]]
builtin.module {
  graph.model @casts(%h: tensor<4xf16>, %i: tensor<4xi32>) -> (tensor<4xi32>, tensor<4xf16>, tensor<4xi64>, tensor<2xi32>)
      inputs ["h", "i"] outputs ["a", "b", "c", "d"] {
    %0 = graph.cast %h -> tensor<4xf32>
    %1 = graph.cast %0 -> tensor<4xi32>
    %2 = graph.cast %0 -> tensor<4xf16>
    %3 = graph.cast %i -> tensor<4xf32>
    %4 = graph.cast %3 -> tensor<4xi64>
    %5 = graph.constant {value = 3.75} -> tensor<2xf32>
    %6 = graph.cast %5 -> tensor<2xi32>
    graph.return %1, %2, %4, %6
  }
}

// -----

// A condition that is known leaves its branch, where that is as large as the result.
// CHECK-LABEL: graph.model @choices
// CHECK: %[[W:.*]] = graph.where %{{.*}}, %y, %x -> tensor<4xf32>
// CHECK-NEXT: graph.return %x, %[[W]], %x
builtin.module {
  graph.model @choices(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      inputs ["c", "x", "y"] outputs ["a", "b", "d"] {
    %true = graph.constant {value = 1} -> tensor<i1>
    %0 = graph.where %true, %x, %y -> tensor<4xf32>
    %1 = graph.where %true, %y, %x -> tensor<4xf32>
    %2 = graph.where %c, %x, %x -> tensor<4xf32>
    graph.return %0, %1, %2
  }
}

// -----

// Two negations undo each other. `not (a < b)` is not `a >= b`: both relations of NaN are false.
// CHECK-LABEL: graph.model @truths
// CHECK-NEXT: %[[A:.*]] = graph.not_equal %x, %y
// CHECK-NEXT: %[[B:.*]] = graph.less %x, %y
// CHECK-NEXT: %[[C:.*]] = graph.logical_not %[[B]]
// CHECK-NEXT: graph.return %c, %[[A]], %[[C]], %c, %c
builtin.module {
  graph.model @truths(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>)
      -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>)
      inputs ["c", "x", "y"] outputs ["a", "b", "d", "e", "f"] {
    %0 = graph.logical_not %c -> tensor<4xi1>
    %1 = graph.logical_not %0 -> tensor<4xi1>
    %2 = graph.equal %x, %y -> tensor<4xi1>
    %3 = graph.logical_not %2 -> tensor<4xi1>
    %4 = graph.less %x, %y -> tensor<4xi1>
    %5 = graph.logical_not %4 -> tensor<4xi1>
    %true = graph.constant {value = 1} -> tensor<i1>
    %false = graph.constant {value = 0} -> tensor<i1>
    %6 = graph.logical_and %true, %c -> tensor<4xi1>
    %7 = graph.logical_or %c, %false -> tensor<4xi1>
    graph.return %1, %3, %5, %6, %7
  }
}

// -----

// Powers as products; no root, that of -inf is another.
// CHECK-LABEL: graph.model @numbers
// CHECK-NEXT: %half = graph.constant {value = 0.5}
// CHECK-NEXT: %[[A:.*]] = graph.mul %x, %x
// CHECK-NEXT: %[[S:.*]] = graph.mul %x, %x
// CHECK-NEXT: %[[B:.*]] = graph.mul %[[S]], %x
// CHECK-NEXT: %[[C:.*]] = graph.pow %x, %half
// CHECK-NEXT: %[[D:.*]] = graph.floor %x
// CHECK-NEXT: graph.return %x, %[[A]], %[[B]], %[[C]], %[[D]]
builtin.module {
  graph.model @numbers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
      inputs ["x"] outputs ["a", "b", "c", "d", "e"] {
    %one = graph.constant {value = 1.0} -> tensor<f32>
    %two = graph.constant {value = 2.0} -> tensor<f32>
    %three = graph.constant {value = 3.0} -> tensor<4xf32>
    %half = graph.constant {value = 0.5} -> tensor<f32>
    %0 = graph.pow %x, %one -> tensor<4xf32>
    %1 = graph.pow %x, %two -> tensor<4xf32>
    %2 = graph.pow %x, %three -> tensor<4xf32>
    %3 = graph.pow %x, %half -> tensor<4xf32>
    %4 = graph.floor %x -> tensor<4xf32>
    %5 = graph.round %4 -> tensor<4xf32>
    graph.return %0, %1, %2, %3, %5
  }
}
