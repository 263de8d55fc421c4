// What memory of states refuses.
// RUN: neuralc-opt %s --verify-diagnostics

graph.weight @w : tensor<4xf32>
graph.state @h : tensor<?x4xf32, #graph.dims<batch>>

kernel.host @model(%x: !kernel.ref<[batch, 4], f32>) dims [batch] inputs ["x"] outputs [] {
  // expected-error@below {{the memory of @h is f32 (batch, 4) without gaps, not !kernel.ref<[4, batch], f32, [batch, 1]>}}
  %0 = kernel.state @h -> !kernel.ref<[4, batch], f32>
  // expected-error@below {{the memory of @h is f32 (batch, 4) without gaps, not !kernel.ref<[batch, 4], f32, [8, 1]>}}
  %1 = kernel.next_state @h -> !kernel.ref<[batch, 4], f32, [8, 1]>
  // expected-error@below {{@w is no graph.state}}
  %2 = kernel.state @w -> !kernel.ref<[4], f32>
  // expected-error@below {{symbol @g is not defined}}
  %3 = kernel.state @g -> !kernel.ref<[4], f32>
  kernel.return
}
