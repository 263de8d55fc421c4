// What the verifier refuses of ops that move, index and resample values.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

builtin.module {
  graph.model @views(%x: tensor<5x6xf32>, %y: tensor<5x7xf32>, %e: tensor<0x6xf32>, %b: tensor<5x6xi1>) -> ()
      inputs ["x", "y", "e", "b"] outputs [] {
    // expected-error@below {{a slice has a start, a step and a size for each dim}}
    %0 = graph.slice %x {starts = #graph.dims<0>, steps = [1, 1]} -> tensor<5x6xf32>
    // expected-error@below {{the step along axis 1 is 0}}
    %1 = graph.slice %x {starts = #graph.dims<0, 0>, steps = [1, 0]} -> tensor<5x6xf32>
    // expected-error@below {{the slice of (5, 6) reads place 5 along axis 0}}
    %2 = graph.slice %x {starts = #graph.dims<3, 0>, steps = [1, 1]} -> tensor<3x6xf32>
    // expected-error@below {{the slice of (5, 6) reads place -1 along axis 0}}
    %3 = graph.slice %x {starts = #graph.dims<3, 0>, steps = [-2, 1]} -> tensor<3x6xf32>
    // expected-error@below {{shapes (5, 6) and (5, 7) do not join along axis 0}}
    %4 = graph.concat %x, %y {axis = 0} -> tensor<10x6xf32>
    // expected-error@below {{axis 2 is outside a rank of 2}}
    %5 = graph.concat %x, %x {axis = 2} -> tensor<10x6xf32>
    // expected-error@below {{tensors of f32 and i1 are not joined}}
    %6 = graph.concat %x, %b {axis = 0} -> tensor<10x6xf32>
    // expected-error@below {{cannot expand (5, 6) to (6,)}}
    %7 = graph.expand %x -> tensor<6xf32>
    // expected-error@below {{pad mode is one of constant, reflect, edge, wrap, not mirror}}
    %8 = graph.pad %x {low = [1, 1], high = [0, 0], mode = "mirror"} -> tensor<6x7xf32>
    // expected-error@below {{have one entry of at least 0 per dim}}
    %9 = graph.pad %x {low = [-1, 1], high = [0, 0]} -> tensor<4x7xf32>
    // expected-error@below {{a dim of size 0 has no values to pad with}}
    %10 = graph.pad %e {low = [1, 0], high = [0, 0], mode = "edge"} -> tensor<1x6xf32>
    // expected-error@below {{iota gives one dim of i64}}
    %11 = graph.iota -> tensor<2x3xi64>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @indexing(%x: tensor<5x6xf32>, %i: tensor<2x3xi64>, %s: tensor<2x3xi16>, %u: tensor<2x3xf32>,
                        %b: tensor<5x6xi1>, %c: tensor<2x3xi1>, %n: tensor<4xi64>) -> ()
      inputs ["x", "i", "s", "u", "b", "c", "n"] outputs [] {
    // expected-error@below {{gather: indices are i32 or i64, got i16}}
    %0 = graph.gather %x, %s -> tensor<2x3x6xf32>
    // expected-error@below {{gather_elements: indices (4,) have another rank than (5, 6)}}
    %1 = graph.gather_elements %x, %n -> tensor<4xf32>
    // expected-error@below {{gather_nd: the last dim of the indices (2, 3) counts dims of (5, 6)}}
    %2 = graph.gather_nd %x, %i -> tensor<2xf32>
    // expected-error@below {{have no 1 common first dims}}
    %3 = graph.gather_nd %x, %i {batch_dims = 1} -> tensor<2xf32>
    // expected-error@below {{kind is one of set, add, mul, maximum, minimum, not div}}
    %4 = graph.scatter_elements %x, %i, %u {kind = "div"} -> tensor<5x6xf32>
    // expected-error@below {{updates are (2, 3), got (5, 6)}}
    %5 = graph.scatter_elements %x, %i, %x -> tensor<5x6xf32>
    // expected-error@below {{i1 has no add}}
    %6 = graph.scatter_elements %b, %i, %c {kind = "add"} -> tensor<5x6xi1>
    // expected-error@below {{updates of i1 for a tensor of f32}}
    %7 = graph.scatter_elements %x, %i, %c -> tensor<5x6xf32>
    // expected-error@below {{lengths are (4,), the batch has 6 entries}}
    %8 = graph.reverse_sequence %x, %n -> tensor<5x6xf32>
    // expected-error@below {{axis 0 is both the batch and the time}}
    %9 = graph.reverse_sequence %x, %n {batch_axis = 0, time_axis = -2} -> tensor<5x6xf32>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @resampling(%x: tensor<1x2x5x6xf32>, %i: tensor<4xi32>, %g: tensor<1x3x3x2xf32>, %h: tensor<1x3x3x2xf16>,
                          %k: tensor<1x3x3x3xf32>) -> () inputs ["x", "i", "g", "h", "k"] outputs [] {
    // expected-error@below {{cannot resize}}
    %0 = graph.resize %x -> tensor<2x5x6xf32>
    // expected-error@below {{coordinates is one of half_pixel}}
    %1 = graph.resize %x {coordinates = "pixel"} -> tensor<1x2x5x6xf32>
    // expected-error@below {{linear weighs floats, got i32}}
    %2 = graph.resize %i {mode = "linear"} -> tensor<8xi32>
    // expected-error@below {{nearest takes one place, antialias weighs several}}
    %3 = graph.resize %x {antialias = true} -> tensor<1x2x3x3xf32>
    // expected-error@below {{scales [2.0] have one positive entry for each of 4 dims}}
    %4 = graph.resize %x {scales = [2.0]} -> tensor<1x2x10x12xf32>
    // expected-error@below {{roi is given for tf_crop_and_resize, and for no other coordinates}}
    %5 = graph.resize %x {coordinates = "tf_crop_and_resize"} -> tensor<1x2x10x12xf32>
    // expected-error@below {{a grid of (1, 3, 3, 3) does not fit (1, 2, 5, 6)}}
    %6 = graph.grid_sample %x, %k -> tensor<1x2x3x3xf32>
    // expected-error@below {{grid_sample needs floats of one type}}
    %7 = graph.grid_sample %x, %h -> tensor<1x2x3x3xf32>
    // expected-error@below {{mode is one of nearest, linear, cubic, not area}}
    %8 = graph.grid_sample %x, %g {mode = "area"} -> tensor<1x2x3x3xf32>
    graph.return
  }
}
