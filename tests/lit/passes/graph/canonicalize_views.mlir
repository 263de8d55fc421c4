// The rules for ops that move values.
// RUN: neuralc-opt %s -p graph-canonicalize --split-input-file | filecheck %s

// Slices: composed, gone where they take everything, read from the operand of a concat they lie in.
// CHECK-LABEL: graph.model @slices
// CHECK-NEXT: %0 = graph.slice %x {starts = #graph.dims<7, 0>, steps = [-2, 1]} -> tensor<2x4xf32>
// CHECK-NEXT: %1 = graph.slice %y {starts = #graph.dims<1, 0>, steps = [1, 1]} -> tensor<2x4xf32>
// CHECK-NEXT: graph.return %0, %x, %1
builtin.module {
  graph.model @slices(%x: tensor<9x4xf32>, %y: tensor<3x4xf32>) -> (tensor<2x4xf32>, tensor<9x4xf32>, tensor<2x4xf32>)
      inputs ["x", "y"] outputs ["a", "b", "c"] {
    %0 = graph.slice %x {starts = #graph.dims<1, 0>, steps = [2, 1]} -> tensor<4x4xf32>
    %1 = graph.slice %0 {starts = #graph.dims<3, 0>, steps = [-1, 1]} -> tensor<2x4xf32>
    %2 = graph.slice %x {starts = #graph.dims<0, 0>, steps = [1, 1]} -> tensor<9x4xf32>
    %3 = graph.concat %x, %y {axis = 0} -> tensor<12x4xf32>
    %4 = graph.slice %3 {starts = #graph.dims<10, 0>, steps = [1, 1]} -> tensor<2x4xf32>
    graph.return %1, %2, %4
  }
}

// -----

// A slice over the seam of a concat, and a symbolic one that may be anywhere, stay.
// CHECK-LABEL: graph.model @slices_stay
// CHECK-NEXT: %0 = graph.concat %x, %y
// CHECK-NEXT: %1 = graph.slice %0
// CHECK-NEXT: %2 = graph.slice %0
// CHECK-NEXT: graph.return %1, %2
builtin.module {
  graph.dim @S from 1
  graph.model @slices_stay(%x: tensor<9xf32>, %y: tensor<?xf32, #graph.dims<S>>) -> (tensor<2xf32>, tensor<1xf32>)
      inputs ["x", "y"] outputs ["a", "b"] {
    %0 = graph.concat %x, %y {axis = 0} -> tensor<?xf32, #graph.dims<S + 9>>
    %1 = graph.slice %0 {starts = #graph.dims<8>, steps = [1]} -> tensor<2xf32>
    %2 = graph.slice %0 {starts = #graph.dims<S>, steps = [1]} -> tensor<1xf32>
    graph.return %1, %2
  }
}

// -----

// A part behind a symbolic part is found where the sizes cancel.
// CHECK-LABEL: graph.model @behind_symbol
// CHECK-NEXT: %0 = graph.slice %y {starts = #graph.dims<2>, steps = [1]} -> tensor<3xf32>
// CHECK-NEXT: graph.return %0
builtin.module {
  graph.dim @S from 1
  graph.model @behind_symbol(%x: tensor<?xf32, #graph.dims<S>>, %y: tensor<5xf32>) -> (tensor<3xf32>)
      inputs ["x", "y"] outputs ["a"] {
    %0 = graph.concat %x, %y {axis = 0} -> tensor<?xf32, #graph.dims<S + 5>>
    %1 = graph.slice %0 {starts = #graph.dims<S + 2>, steps = [1]} -> tensor<3xf32>
    graph.return %1
  }
}

// -----

// Concats: of one, of nothing, and one that only the next one reads.
// CHECK-LABEL: graph.model @concats
// CHECK-NEXT: %0 = graph.concat %x, %y, %x {axis = 0} -> tensor<12xf32>
// CHECK-NEXT: graph.return %0, %x
builtin.module {
  graph.model @concats(%x: tensor<4xf32>, %y: tensor<4xf32>, %z: tensor<0xf32>) -> (tensor<12xf32>, tensor<4xf32>)
      inputs ["x", "y", "z"] outputs ["a", "b"] {
    %0 = graph.concat %x, %z, %y {axis = -1} -> tensor<8xf32>
    %1 = graph.concat %0, %x {axis = 0} -> tensor<12xf32>
    %2 = graph.concat %z, %x {axis = 0} -> tensor<4xf32>
    graph.return %1, %2
  }
}

// -----

// A concat that two ops read is made once.
// CHECK-LABEL: graph.model @shared_concat
// CHECK-NEXT: %0 = graph.concat %x, %y
// CHECK-NEXT: %1 = graph.concat %0, %x
// CHECK-NEXT: graph.return %0, %1
builtin.module {
  graph.model @shared_concat(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<8xf32>, tensor<12xf32>)
      inputs ["x", "y"] outputs ["a", "b"] {
    %0 = graph.concat %x, %y {axis = 0} -> tensor<8xf32>
    %1 = graph.concat %0, %x {axis = 0} -> tensor<12xf32>
    graph.return %0, %1
  }
}

// -----

// An expand before an op that broadcasts goes; one that makes the result larger stays.
// CHECK-LABEL: graph.model @expands
// CHECK-NEXT: %0 = graph.add %b, %x -> tensor<3x4xf32>
// CHECK-NEXT: %1 = graph.expand %b -> tensor<2x3x4xf32>
// CHECK-NEXT: %2 = graph.mul %1, %x -> tensor<2x3x4xf32>
// CHECK-NEXT: %3 = graph.constant {value = 2.0} -> tensor<3x4xf32>
// CHECK-NEXT: graph.return %0, %2, %3
builtin.module {
  graph.model @expands(%x: tensor<3x4xf32>, %b: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<2x3x4xf32>, tensor<3x4xf32>)
      inputs ["x", "b"] outputs ["a", "b", "c"] {
    %0 = graph.expand %b -> tensor<3x4xf32>
    %1 = graph.add %0, %x -> tensor<3x4xf32>
    %2 = graph.expand %0 -> tensor<2x3x4xf32>
    %3 = graph.mul %2, %x -> tensor<2x3x4xf32>
    %4 = graph.constant {value = 2.0} -> tensor<4xf32>
    %5 = graph.expand %4 -> tensor<3x4xf32>
    graph.return %1, %3, %5
  }
}

// -----

// Pads: of nothing, of a pad, and before a conv. Another value, a mode, or a pad of channels stays.
// CHECK-LABEL: graph.model @pads
// CHECK-NEXT: %0 = graph.conv %x, %k {pads = [1, 2, 0, 3]} -> tensor<1x6x10x4xf32>
// CHECK-NEXT: %1 = graph.pad %x {high = [0, 0, 0, 0], low = [0, 1, 0, 0], value = 1.0} -> tensor<1x8x7x3xf32>
// CHECK-NEXT: %2 = graph.conv %1, %k -> tensor<1x6x5x4xf32>
// CHECK-NEXT: graph.return %0, %2, %x
builtin.module {
  graph.model @pads(%x: tensor<1x7x7x3xf32>, %k: tensor<3x3x3x4xf32>)
      -> (tensor<1x6x10x4xf32>, tensor<1x6x5x4xf32>, tensor<1x7x7x3xf32>) inputs ["x", "k"] outputs ["a", "b", "c"] {
    %0 = graph.pad %x {low = [0, 1, 1, 0], high = [0, 0, 3, 0]} -> tensor<1x8x11x3xf32>
    %1 = graph.pad %0 {low = [0, 0, 1, 0], high = [0, 0, 0, 0]} -> tensor<1x8x12x3xf32>
    %2 = graph.conv %1, %k -> tensor<1x6x10x4xf32>
    %3 = graph.pad %x {low = [0, 1, 0, 0], high = [0, 0, 0, 0], value = 1.0} -> tensor<1x8x7x3xf32>
    %4 = graph.conv %3, %k -> tensor<1x6x5x4xf32>
    %5 = graph.pad %x {low = [0, 0, 0, 0], high = [0, 0, 0, 0], mode = "edge"} -> tensor<1x7x7x3xf32>
    graph.return %2, %4, %5
  }
}

// -----

// A gather of one known place is a slice; a place outside, or of a symbolic dim, is looked up when the model runs.
// CHECK-LABEL: graph.model @gathers
// CHECK-NEXT: %out = graph.constant {value = 9} -> tensor<i64>
// CHECK-NEXT: %0 = graph.slice %x {starts = #graph.dims<0, 4>, steps = [1, 1]} -> tensor<3x1xf32>
// CHECK-NEXT: %1 = graph.reshape %0 -> tensor<3xf32>
// CHECK-NEXT: %2 = graph.gather %x, %out {axis = 1} -> tensor<3xf32>
// CHECK-NEXT: graph.return %1, %2
builtin.module {
  graph.model @gathers(%x: tensor<3x6xf32>) -> (tensor<3xf32>, tensor<3xf32>) inputs ["x"] outputs ["a", "b"] {
    %last = graph.constant {value = -2} -> tensor<i64>
    %out = graph.constant {value = 9} -> tensor<i64>
    %0 = graph.gather %x, %last {axis = 1} -> tensor<3xf32>
    %1 = graph.gather %x, %out {axis = 1} -> tensor<3xf32>
    graph.return %0, %1
  }
}

// -----

// A transpose that moves no value is a reshape; sizes without symbols are constants.
// CHECK-LABEL: graph.model @others
// CHECK-NEXT: %0 = graph.reshape %x -> tensor<1x3x4x1xf32>
// CHECK-NEXT: %1 = graph.constant {value = 6} -> tensor<i64>
// CHECK-NEXT: %2 = graph.size {dim = #graph.size<S>} -> tensor<i64>
// CHECK-NEXT: %3 = graph.constant {value = 0} -> tensor<1xi64>
// CHECK-NEXT: graph.return %0, %1, %2, %3
builtin.module {
  graph.dim @S from 1
  graph.model @others(%x: tensor<1x1x3x4xf32>, %y: tensor<?xf32, #graph.dims<S>>)
      -> (tensor<1x3x4x1xf32>, tensor<i64>, tensor<i64>, tensor<1xi64>) inputs ["x", "y"] outputs ["a", "b", "c", "d"] {
    %0 = graph.transpose %x {perm = [0, 2, 3, 1]} -> tensor<1x3x4x1xf32>
    %1 = graph.size {dim = #graph.size<6>} -> tensor<i64>
    %2 = graph.size {dim = #graph.size<S>} -> tensor<i64>
    %3 = graph.iota -> tensor<1xi64>
    graph.return %0, %1, %2, %3
  }
}
