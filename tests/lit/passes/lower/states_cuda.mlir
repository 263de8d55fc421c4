// What a model keeps between runs is refused for a GPU.
// RUN: not neuralc-opt %s --target cuda -p graph-to-tensor,tensor-fuse-groups,tensor-to-kernel 2>&1 | filecheck %s

// CHECK: error[E0702]: state @h: what a model keeps between runs is not compiled for cuda yet
// CHECK: states_cuda.mlir:10:3
// CHECK: help: compile for the CPU, or let the state be an input and an output of the model
graph.state @h : tensor<4xf32>
graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] {
  %0 = graph.exp %x -> tensor<4xf32>
  %h = graph.get_state @h -> tensor<4xf32>
  graph.set_state @h, %0
  graph.return %h
}
