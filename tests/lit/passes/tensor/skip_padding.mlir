// tensor-skip-padding: the rows of zeros above and below a picture that depthwise windows leave out.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-skip-padding --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-skip-padding --target cpu --mcpu haswell --remarks=passed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-skip-padding,tensor-to-kernel --target cpu --mcpu haswell | filecheck %s --check-prefix=KERNEL
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-skip-padding --target cuda --arch sm_80 | filecheck %s --check-prefix=CUDA

// The loop over the rows of a 5x5 window begins and ends with the picture; what is left and right of it stays.
// CHECK-LABEL: graph.model @depthwise
// CHECK: tensor.pad %x {high = [2, 2, 0], low = [2, 2, 0], unread = [0], value = 0.0}
// REMARK: passed: tensor.pad: the zeros around it along dims [0] are skipped
// The first run of zeros is what is left of the first row, not all that is above it.
// KERNEL: kernel.func @border(%border: !kernel.ref<[16], f32, [1]>
// KERNEL-LABEL: kernel.func @w_1
// KERNEL: %[[LOW:.+]] = arith.constant 2 : index
// KERNEL: %[[FIRST:.+]] = arith.subi %[[LOW]], %program
// KERNEL: %[[START:.+]] = arith.maxsi %[[FIRST]], %{{.+}}
// KERNEL: %[[BEHIND:.+]] = arith.addi %[[FIRST]], %{{.+}}
// KERNEL: %[[END:.+]] = arith.minsi %[[BEHIND]], %{{.+}}
// KERNEL: kernel.loop %k_i = %[[START]] to %[[END]] step 1
// CUDA-LABEL: graph.model @depthwise
// CUDA-NOT: unread
graph.weight @w : tensor<5x5x8xf32>
graph.model @depthwise(%x: tensor<3x12x8xf32>) -> (tensor<3x12x8xf32>) inputs ["x"] outputs ["y"] {
  %k = graph.get_weight @w -> tensor<5x5x8xf32>
  %p = tensor.pad %x {low = [2, 2, 0], high = [2, 2, 0], value = 0.0} -> tensor<7x16x8xf32>
  %w = tensor.window %p {dims = [0, 1], sizes = [5, 5], strides = [1, 1], dilations = [1, 1]} -> tensor<3x12x5x5x8xf32>
  %y = tensor.contract "hwijc,ijc->hwc" %w, %k -> tensor<3x12x8xf32>
  graph.return %y
}

// -----

// A 3x3 window is written out straight: a loop would cost more than its zeros.
// CHECK-LABEL: graph.model @small_window
// CHECK: tensor.pad
// CHECK-NOT: unread
graph.weight @w : tensor<3x3x8xf32>
graph.model @small_window(%x: tensor<3x12x8xf32>) -> (tensor<3x12x8xf32>) inputs ["x"] outputs ["y"] {
  %k = graph.get_weight @w -> tensor<3x3x8xf32>
  %p = tensor.pad %x {low = [1, 1, 0], high = [1, 1, 0], value = 0.0} -> tensor<5x14x8xf32>
  %w = tensor.window %p {dims = [0, 1], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<3x12x3x3x8xf32>
  %y = tensor.contract "hwijc,ijc->hwc" %w, %k -> tensor<3x12x8xf32>
  graph.return %y
}

// -----

// Zeros alone add nothing, and another reader of the padded value may want them.
// CHECK-LABEL: graph.model @read
// CHECK: tensor.pad
// CHECK: tensor.pad
// CHECK-NOT: unread
graph.weight @w : tensor<5x5x8xf32>
graph.model @read(%x: tensor<3x12x8xf32>) -> (tensor<3x12x8xf32>, tensor<3x12x8xf32>, tensor<8xf32>) inputs ["x"] outputs ["y", "z", "s"] {
  %k = graph.get_weight @w -> tensor<5x5x8xf32>
  %p = tensor.pad %x {low = [2, 2, 0], high = [2, 2, 0], value = 1.0} -> tensor<7x16x8xf32>
  %w = tensor.window %p {dims = [0, 1], sizes = [5, 5], strides = [1, 1], dilations = [1, 1]} -> tensor<3x12x5x5x8xf32>
  %y = tensor.contract "hwijc,ijc->hwc" %w, %k -> tensor<3x12x8xf32>
  %q = tensor.pad %x {low = [2, 2, 0], high = [2, 2, 0], value = 0.0} -> tensor<7x16x8xf32>
  %v = tensor.window %q {dims = [0, 1], sizes = [5, 5], strides = [1, 1], dilations = [1, 1]} -> tensor<3x12x5x5x8xf32>
  %z = tensor.contract "hwijc,ijc->hwc" %v, %k -> tensor<3x12x8xf32>
  %s = tensor.reduce maximum %q {dims = [0, 1]} -> tensor<8xf32>
  graph.return %y, %z, %s
}

// -----

// The tiles of a matrix product over windows have pixels of several rows.
// CHECK-LABEL: graph.model @product
// CHECK: tensor.pad
// CHECK-NOT: unread
graph.weight @w : tensor<5x5x8x16xf32>
graph.model @product(%x: tensor<3x12x8xf32>) -> (tensor<3x12x16xf32>) inputs ["x"] outputs ["y"] {
  %k = graph.get_weight @w -> tensor<5x5x8x16xf32>
  %p = tensor.pad %x {low = [2, 2, 0], high = [2, 2, 0], value = 0.0} -> tensor<7x16x8xf32>
  %w = tensor.window %p {dims = [0, 1], sizes = [5, 5], strides = [1, 1], dilations = [1, 1]} -> tensor<3x12x5x5x8xf32>
  %y = tensor.contract "hwijc,ijco->hwo" %w, %k -> tensor<3x12x16xf32>
  graph.return %y
}
