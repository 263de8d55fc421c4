// What loops and recurrent layers refuse; the rest is as on the tensor level.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

graph.model @loop(%a: tensor<4xf32>, %b: tensor<2x4xf32>, %n: tensor<i32>, %c: tensor<i1>) -> () inputs ["a", "b", "n", "c"] outputs [] {
  // expected-error@below {{a loop has a limit, a condition or a number of rounds: this one would not end}}
  %0 = graph.loop %i carried(%s = %a) -> (tensor<4xf32>) {
    graph.yield %s
  }
  // expected-error@below {{a limit is tensor<i64>, not tensor<i32>}}
  %1 = graph.loop %i limit %n carried(%s = %a) -> (tensor<4xf32>) {
    graph.yield %s
  }
  // expected-error@below {{the region of a loop with a condition yields the next one first: tensor<i1>}}
  %2 = graph.loop %i while %c carried(%s = %a) -> (tensor<4xf32>) {
    graph.yield %s
  }
  // expected-error@below {{shapes and types of carried values do not change from round to round}}
  %3 = graph.loop %i to 3 carried(%s = %a) captured(%t = %b) -> (tensor<4xf32>) {
    graph.yield %t
  }
  // expected-error@below {{stacked results need a known number of rounds}}
  %4, %5 = graph.loop %i while %c carried(%s = %a) captured(%d = %c) -> (tensor<4xf32>, tensor<3x4xf32>) {
    graph.yield %d, %s, %s
  }
  graph.return
}

// -----

graph.model @recurrent(%x: tensor<5x3x6xf32>, %k: tensor<6x8xf32>, %r: tensor<8x8xf32>, %b: tensor<8xf32>, %h: tensor<3x8xf32>) -> () inputs ["x", "k", "r", "b", "h"] outputs [] {
  // expected-error@below {{the recurrent kernel is [units, 4 * units], got (8, 8)}}
  %0, %1, %2 = graph.lstm %x, %k, %r, %b, %h, %h -> tensor<5x3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>
  // expected-error@below {{the kernel is (6, 8), got (8, 8)}}
  %3, %4 = graph.rnn %x, %r, %r, %b, %h -> tensor<5x3x8xf32>, tensor<3x8xf32>
  // expected-error@below {{1 activations are needed, "tanh tanh" has 2}}
  %5, %6 = graph.rnn %x, %k, %r, %b, %h {activations = "tanh tanh"} -> tensor<5x3x8xf32>, tensor<3x8xf32>
  // expected-error@below {{result type is tensor<5x3x9xf32>, operands give tensor<5x3x8xf32>}}
  %7, %8 = graph.rnn %x, %k, %r, %b, %h -> tensor<5x3x9xf32>, tensor<3x8xf32>
  graph.return
}
