// What the verifier refuses of ops that act in training only.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

builtin.module {
  graph.model @m(%x: tensor<2x8xf32>, %i: tensor<2xi32>) -> () inputs ["x", "i"] outputs [] {
    // expected-error@below {{dropout rate 1.5 is outside [0, 1]}}
    %0 = graph.dropout %x {rate = 1.5} -> tensor<2x8xf32>
    // expected-error@below {{dropout rate 1.0 is outside [0, 1)}}
    %1 = graph.dropout %x {rate = 1.0, kind = "gaussian"} -> tensor<2x8xf32>
    // expected-error@below {{the kind of a dropout is one of zeros, alpha, gaussian, not beta}}
    %2 = graph.dropout %x {rate = 0.5, kind = "beta"} -> tensor<2x8xf32>
    // expected-error@below {{shared axes [2] are not some of 2 dims in order}}
    %3 = graph.dropout %x {rate = 0.5, shared = [2]} -> tensor<2x8xf32>
    // expected-error@below {{shared axes [1, 0] are not some of 2 dims in order}}
    %4 = graph.dropout %x {rate = 0.5, shared = [1, 0]} -> tensor<2x8xf32>
    // expected-error@below {{gaussian dropout shares no axes}}
    %5 = graph.dropout %x {rate = 0.5, kind = "gaussian", shared = [0]} -> tensor<2x8xf32>
    // expected-error@below {{graph.dropout needs floats, got i32}}
    %6 = graph.dropout %i {rate = 0.5} -> tensor<2xi32>
    // expected-error@below {{a deviation of -0.5}}
    %7 = graph.gaussian_noise %x {stddev = -0.5} -> tensor<2x8xf32>
    // expected-error@below {{the weights of a regularizer are at least 0}}
    %8 = graph.activity_regularizer %x {l1 = -1.0} -> tensor<2x8xf32>
    graph.return
  }
}
