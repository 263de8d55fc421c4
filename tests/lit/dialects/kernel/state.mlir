// Memory of states.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

graph.dim @batch from 1
graph.state @h : tensor<?x4xf32, #graph.dims<batch>>

// CHECK-LABEL: kernel.host @model
kernel.host @model(%x: !kernel.ref<[batch, 4], f32>) dims [batch] inputs ["x"] outputs [] {
  // CHECK-NEXT: %h = kernel.state @h -> !kernel.ref<[batch, 4], f32, [4, 1]>
  %h = kernel.state @h -> !kernel.ref<[batch, 4], f32>
  // CHECK-NEXT: %n = kernel.next_state @h -> !kernel.ref<[batch, 4], f32, [4, 1]>
  %n = kernel.next_state @h -> !kernel.ref<[batch, 4], f32>
  kernel.return
}
