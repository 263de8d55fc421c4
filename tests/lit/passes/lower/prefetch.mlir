// tensor-to-kernel: each step of a matrix product asks for a part of the next panel of weights.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-pack-weights,tensor-to-kernel,kernel-canonicalize --target cpu --mcpu haswell | filecheck %s

// Six tiles of four rows: a sixth of the panel each, four of 24 elements for a step of k, eight in a round of two.
// CHECK-LABEL: kernel.func @dense_1(
// CHECK: %[[NEXT:.+]] = arith.addi %{{.+}}, %c1
// CHECK: %[[PANEL:.+]] = arith.remui %[[NEXT]], %c10
// CHECK: %[[BEGIN:.+]] = arith.muli %[[PANEL]], %c1536
// CHECK: kernel.loop %{{.+}} step 4 {
// CHECK: %[[AHEAD:.+]] = arith.addi %[[BEGIN]], %{{.+}}
// CHECK: kernel.loop %[[K:.+]] = 0 to 64 step 2
// CHECK: kernel.load %{{.+}} align 32 -> !kernel.tile<2x24xf32, v8>
// CHECK: %[[STEP:.+]] = arith.muli %[[K]], %c4
// CHECK: %[[AT:.+]] = arith.addi %[[AHEAD]], %[[STEP]]
// CHECK: kernel.prefetch %{{.+}}, %[[AT]]
// CHECK: kernel.dot
graph.weight @dense : tensor<64x240xf32>
graph.model @few(%x: tensor<24x64xf32>) -> (tensor<24x240xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @dense -> tensor<64x240xf32>
  %y = tensor.contract "mk,kn->mn" %x, %w -> tensor<24x240xf32>
  graph.return %y
}

// -----

// So many rows that the wait for a panel does not count.
// CHECK-LABEL: kernel.func @dense_1(
// CHECK-NOT: kernel.prefetch
graph.weight @dense : tensor<64x240xf32>
graph.model @many(%x: tensor<2400x64xf32>) -> (tensor<2400x240xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @dense -> tensor<64x240xf32>
  %y = tensor.contract "mk,kn->mn" %x, %w -> tensor<2400x240xf32>
  graph.return %y
}
