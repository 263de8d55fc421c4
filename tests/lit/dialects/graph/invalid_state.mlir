// What states refuse: how they begin, and accesses that do not fit them.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

graph.dim @batch from 1
graph.weight @wide : tensor<8xf32>
graph.weight @whole : tensor<4xi64>
// expected-error@below {{weight @wide of f32 (8,) does not fill a state of f32 (batch, 4): it has the shape of the state, or its last dims}}
graph.state @a : tensor<?x4xf32, #graph.dims<batch>> init @wide
// expected-error@below {{weight @whole of i64 (4,) does not fill a state of f32 (4,): it has the shape of the state, or its last dims}}
graph.state @b : tensor<4xf32> init @whole
// expected-error@below {{symbol @nowhere is not defined}}
graph.state @c : tensor<4xf32> init @nowhere
// expected-error@below {{@batch is no graph.weight: a state begins with a number or a weight}}
graph.state @d : tensor<4xf32> init @batch
// expected-error@below {{a state of i64 does not begin with 0.5}}
"graph.state"() <{sym_name = "e", type = tensor<4xi64>, initial = 0.5 : f64}> : () -> ()

// -----

graph.weight @w : tensor<4xf32>
graph.state @h : tensor<4xf32>
graph.model @m(%x: tensor<4xf32>, %n: tensor<4xi64>, %c: tensor<i1>) -> () inputs ["x", "n", "c"] outputs [] {
  // expected-error@below {{state @h is tensor<4xf32>, not tensor<4xf64>}}
  %0 = graph.get_state @h -> tensor<4xf64>
  // expected-error@below {{@w is no graph.state}}
  %1 = graph.get_state @w -> tensor<4xf32>
  // expected-error@below {{symbol @g is not defined}}
  %2 = graph.get_state @g -> tensor<4xf32>
  // expected-error@below {{state @h is tensor<4xf32>, not tensor<4xi64>}}
  graph.set_state @h, %n
  graph.return
}

// -----

graph.state @h : tensor<4xf32>
graph.func @f(%x: tensor<4xf32>) -> (tensor<4xf32>) {
  // expected-error@below {{a state is accessed in graph.model itself, not in graph.func: hand its value on}}
  %0 = graph.get_state @h -> tensor<4xf32>
  graph.return %0
}
graph.model @m(%x: tensor<4xf32>, %c: tensor<i1>) -> () inputs ["x", "c"] outputs [] {
  %0 = graph.if %c then(%a = %x) {
    // expected-error@below {{a state is accessed in graph.model itself, not in graph.if: hand its value on}}
    graph.set_state @h, %a
    graph.yield %a
  } else {
    // expected-error@below {{a state is accessed in graph.model itself, not in graph.if: hand its value on}}
    %h = graph.get_state @h -> tensor<4xf32>
    graph.yield %h
  } -> (tensor<4xf32>)
  // expected-error@below {{state @h is set more than once}}
  graph.set_state @h, %x
  // expected-error@below {{state @h is set more than once}}
  graph.set_state @h, %0
  graph.return
}
