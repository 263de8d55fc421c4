// Recurrent layers, as they are read and printed: properties at their defaults are not.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

!ys = tensor<?x3x8xf32, #graph.dims<S>>
!h = tensor<3x8xf32>

builtin.module {
  graph.dim @S from 1
  // CHECK-LABEL: graph.model @recurrent
  graph.model @recurrent(%x: tensor<?x3x6xf32, #graph.dims<S>>, %k: tensor<6x32xf32>, %r: tensor<8x32xf32>, %b: tensor<32xf32>,
      %h: !h, %c: !h, %mask: tensor<?x3xi1, #graph.dims<S>>, %p: tensor<24xf32>, %k3: tensor<6x24xf32>, %r3: tensor<8x24xf32>,
      %b3: tensor<2x24xf32>, %k1: tensor<6x8xf32>, %r1: tensor<8x8xf32>, %b1: tensor<8xf32>)
      -> () inputs ["x", "k", "r", "b", "h", "c", "mask", "p", "k3", "r3", "b3", "k1", "r1", "b1"] outputs [] {
    // CHECK: = graph.lstm %x, %k, %r, %b, %h, %c -> tensor<?x3x8xf32, #graph.dims<S>>, tensor<3x8xf32>, tensor<3x8xf32>
    %0, %1, %2 = graph.lstm %x, %k, %r, %b, %h, %c {activations = "sigmoid tanh tanh"} -> !ys, !h, !h
    // CHECK: = graph.lstm %x, %k, %r, %b, %h, %c, %mask, %p {clip = 3.0, input_forget = true, reverse = true}
    %3, %4, %5 = graph.lstm %x, %k, %r, %b, %h, %c, %mask, %p {reverse = true, clip = 3.0, input_forget = true} -> !ys, !h, !h
    // CHECK: = graph.gru %x, %k3, %r3, %b3, %h, %mask {activations = "hard_sigmoid(0.2, 0.5) tanh", reset_after = true}
    %6, %7 = graph.gru %x, %k3, %r3, %b3, %h, %mask {activations = "hard_sigmoid(0.2, 0.5) tanh", reset_after = true} -> !ys, !h
    // CHECK: = graph.rnn %x, %k1, %r1, %b1, %h {activations = "relu", dropout = 0.25, recurrent_dropout = 0.5, seed = 3}
    %8, %9 = graph.rnn %x, %k1, %r1, %b1, %h {activations = "relu", dropout = 0.25, recurrent_dropout = 0.5, seed = 3} -> !ys, !h
    graph.return
  }
}
