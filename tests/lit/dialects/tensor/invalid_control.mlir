// What control flow refuses.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

graph.model @scan(%x: tensor<3x4xf32>, %a: tensor<4xf32>, %b: tensor<5xf32>) -> () inputs ["x", "a", "b"] outputs [] {
  // expected-error@below {{tensor<3x4xf32> is scanned in 4 rounds: its first dim is another one}}
  %0 = tensor.scan to 4 carried(%s = %a) scanned(%e = %x) -> (tensor<4xf32>) {
    tensor.yield %s
  }
  // expected-error@below {{the region carries on (tensor<5xf32>), not (tensor<4xf32>)}}
  %1 = tensor.scan to 3 carried(%s = %a) captured(%e = %b) -> (tensor<4xf32>) {
    tensor.yield %e
  }
  // expected-error@below {{the region yields 1 values for 2 results}}
  %2, %3 = tensor.scan to 3 carried(%s = %a) -> (tensor<4xf32>, tensor<3x4xf32>) {
    tensor.yield %s
  }
  // expected-error@below {{results are (tensor<4xf32>, tensor<2x4xf32>), not (tensor<4xf32>, tensor<3x4xf32>)}}
  %4, %5 = tensor.scan to 3 carried(%s = %a) -> (tensor<4xf32>, tensor<2x4xf32>) {
    tensor.yield %s, %s
  }
  // expected-error@below {{`reverse` is 0 or 1 for each scanned and each stacked value}}
  %6 = tensor.scan to 3 carried(%s = %a) reverse [1] -> (tensor<4xf32>) {
    tensor.yield %s
  }
  graph.return
}

// -----

// A region sees nothing from above: what it reads is a capture.
graph.model @isolated(%a: tensor<4xf32>) -> () inputs ["a"] outputs [] {
  // expected-error@below {{operation using value defined out of its IsolatedFromAbove parent}}
  %0 = tensor.scan to 4 carried(%s = %a) -> (tensor<4xf32>) {
    // expected-error@below {{%a is defined outside of the isolated region}}
    tensor.yield %a
  }
  graph.return
}

// -----

graph.model @if(%c: tensor<1xi1>, %d: tensor<i1>, %a: tensor<4xf32>, %b: tensor<5xf32>) -> () inputs ["c", "d", "a", "b"] outputs [] {
  // expected-error@below {{a condition is tensor<i1>, not tensor<1xi1>}}
  %0 = tensor.if %c then(%p = %a) {
    tensor.yield %p
  } else(%p = %a) {
    tensor.yield %p
  } -> (tensor<4xf32>)
  // expected-error@below {{both regions yield (tensor<5xf32>), not (tensor<4xf32>)}}
  %1 = tensor.if %d then(%p = %a) {
    tensor.yield %p
  } else(%p = %b) {
    tensor.yield %p
  } -> (tensor<4xf32>)
  graph.return
}

// -----

graph.model @while(%c: tensor<1xi1>, %d: tensor<i1>, %a: tensor<4xf32>) -> () inputs ["c", "d", "a"] outputs [] {
  // expected-error@below {{a condition is tensor<i1>, not tensor<1xi1>}}
  %0 = tensor.while %c carried(%p = %a) captured(%e = %d) -> (tensor<4xf32>) {
    tensor.yield %e, %p
  }
  // expected-error@below {{the region yields a condition and values of the carried types}}
  %1 = tensor.while %d carried(%p = %a) -> (tensor<4xf32>) {
    tensor.yield %p
  }
  graph.return
}
