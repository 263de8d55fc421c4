// What the verifier refuses of elementwise ops, ops along axes and normalizations.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

builtin.module {
  graph.model @m(%x: tensor<2x8xf32>, %i: tensor<2x8xi32>, %c: tensor<2x8xi1>, %d: tensor<3xi1>) -> ()
      inputs ["x", "i", "c", "d"] outputs [] {
    // expected-error@below {{graph.sin needs floats, got i32}}
    %0 = graph.sin %i -> tensor<2x8xi32>
    // expected-error@below {{graph.sign needs numbers, got i1}}
    %1 = graph.sign %c -> tensor<2x8xi1>
    // expected-error@below {{graph.logical_and needs truth values, got f32}}
    %2 = graph.logical_and %x, %x -> tensor<2x8xf32>
    // expected-error@below {{graph.bitwise_or needs integers, got f32}}
    %3 = graph.bitwise_or %x, %x -> tensor<2x8xf32>
    // expected-error@below {{graph.less needs numbers, got i1}}
    %4 = graph.less %c, %c -> tensor<2x8xi1>
    // expected-error@below {{graph.equal: operands are of types f32 and i32}}
    %5 = graph.equal %x, %i -> tensor<2x8xi1>
    // expected-error@below {{result type is tensor<2x8xf32>, operands give tensor<2x8xi1>}}
    %6 = graph.greater %x, %x -> tensor<2x8xf32>
    // expected-error@below {{graph.where needs a condition of i1, got i32}}
    %7 = graph.where %i, %x, %x -> tensor<2x8xf32>
    // expected-error@below {{shapes (3,) and (2, 8) do not broadcast}}
    %8 = graph.where %d, %x, %x -> tensor<2x8xf32>
    // expected-error@below {{graph.where: operands are of types f32 and i32}}
    %9 = graph.where %c, %x, %i -> tensor<2x8xf32>
    // expected-error@below {{graph.cast keeps the shape (2, 8), not (8, 2)}}
    %10 = graph.cast %x -> tensor<8x2xi32>
    // expected-error@below {{a bitcast keeps the width: f32 to i64}}
    %11 = graph.bitcast %x -> tensor<2x8xi64>
    // expected-error@below {{i1 has no bits of its own in memory}}
    %12 = graph.bitcast %c -> tensor<2x8xi8>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @m(%x: tensor<2x8xf32>, %i: tensor<2x8xi32>, %c: tensor<2x8xi1>, %e: tensor<0x4xf32>) -> ()
      inputs ["x", "i", "c", "e"] outputs [] {
    // expected-error@below {{graph.reduce mean needs floats, got i32}}
    %0 = graph.reduce %i {kind = "mean", axes = [0]} -> tensor<8xi32>
    // expected-error@below {{graph.reduce all needs truth values, got f32}}
    %1 = graph.reduce %x {kind = "all", axes = [0]} -> tensor<8xf32>
    // expected-error@below {{arg_reduce kind is one of max, min, not maximum}}
    %2 = graph.arg_reduce %x {kind = "maximum", axis = 0} -> tensor<8xi64>
    // expected-error@below {{axis 0 of size 0 has no largest value}}
    %3 = graph.arg_reduce %e {kind = "max", axis = 0} -> tensor<4xi64>
    // expected-error@below {{cumulate kind is one of sum, prod, not maximum}}
    %4 = graph.cumulate %x {kind = "maximum", axis = 0} -> tensor<2x8xf32>
    // expected-error@below {{the 9 first of 8 values}}
    %5, %6 = graph.top_k %x {k = #graph.dims<9>} -> tensor<2x9xf32>, tensor<2x9xi64>
    // expected-error@below {{k is one size, got 2}}
    %7, %8 = graph.top_k %x {k = #graph.dims<1, 2>} -> tensor<2x1xf32>, tensor<2x1xi64>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @m(%x: tensor<2x6x4xf32>, %s: tensor<6xf32>, %r: tensor<4xf32>, %i: tensor<2x6x4xi32>) -> ()
      inputs ["x", "s", "r", "i"] outputs [] {
    // expected-error@below {{6 channels do not make 4 groups}}
    %0 = graph.group_norm %x, %s, %s {groups = 4} -> tensor<2x6x4xf32>
    // expected-error@below {{dim 0 is the batch, the channels are another one}}
    %1 = graph.group_norm %x, %s, %s {groups = 1, axis = 0} -> tensor<2x6x4xf32>
    // expected-error@below {{scale is (4,), expected (6,)}}
    %2 = graph.group_norm %x, %r, %s {groups = 2} -> tensor<2x6x4xf32>
    // expected-error@below {{shapes (4,) and (6,) do not broadcast}}
    %3 = graph.layer_norm %x, %s -> tensor<2x6x4xf32>
    // expected-error@below {{axis 3 is outside a rank of 3}}
    %4 = graph.rms_norm %x, %r {axis = 3} -> tensor<2x6x4xf32>
    // expected-error@below {{a window of 0 channels}}
    %5 = graph.lrn %x {size = 0} -> tensor<2x6x4xf32>
    graph.return
  }
}
