// What Winograd convolutions and their weights refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

graph.model @weights(%w: tensor<3x3x4x8xf32>, %five: tensor<5x5x4x8xf32>, %whole: tensor<3x3x4x8xi32>) -> () inputs ["w", "five", "whole"] outputs [] {
  // expected-error@below {{a tile is of 2 or 4 places, not 3}}
  %0 = tensor.winograd_weight %w {tile = 3} -> tensor<5x5x4x8xf32>
  // expected-error@below {{the weight is [3, 3, C, O], got (5, 5, 4, 8)}}
  %1 = tensor.winograd_weight %five {tile = 2} -> tensor<6x6x4x8xf32>
  // expected-error@below {{a transformed weight is of floats, not i32}}
  %2 = tensor.winograd_weight %whole {tile = 2} -> tensor<4x4x4x8xi32>
  // expected-error@below {{result type is tensor<6x6x4x8xf32>, operands give tensor<4x4x4x8xf32>}}
  %3 = tensor.winograd_weight %w {tile = 2} -> tensor<6x6x4x8xf32>
  graph.return
}

// -----

graph.model @convolutions(%x: tensor<1x8x9x4xf32>, %u: tensor<4x4x4x8xf32>, %flat: tensor<8x9x4xf32>, %low: tensor<1x2x9x4xf32>, %wide: tensor<1x8x9x4xf64>) -> () inputs ["x", "u", "flat", "low", "wide"] outputs [] {
  // expected-error@below {{u is [6, 6, 4, O], got (4, 4, 4, 8)}}
  %0 = tensor.winograd %x, %u {tile = 4} -> tensor<1x6x7x8xf32>
  // expected-error@below {{x is [N, H, W, C], got (8, 9, 4)}}
  %1 = tensor.winograd %flat, %u {tile = 2} -> tensor<1x6x7x8xf32>
  // expected-error@below {{a window of 3 does not fit into (1, 2, 9, 4)}}
  %2 = tensor.winograd %low, %u {tile = 2} -> tensor<1x1x7x8xf32>
  // expected-error@below {{winograd of f64 and f32}}
  %3 = tensor.winograd %wide, %u {tile = 2} -> tensor<1x6x7x8xf64>
  // expected-error@below {{result type is tensor<1x8x9x8xf32>, operands give tensor<1x6x7x8xf32>}}
  %4 = tensor.winograd %x, %u {tile = 2} -> tensor<1x8x9x8xf32>
  graph.return
}
