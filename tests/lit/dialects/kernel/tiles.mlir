// Every op on tiles, as it is written and read back.
// RUN: neuralc-opt %s | filecheck %s
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

// CHECK-LABEL: kernel.func @tiles(
kernel.func @tiles(%n: index, %x: !kernel.ref<[n, 16], f32>, %w: !kernel.ref<[4, 16], f32>) dims [n] grid (n) {
  // CHECK-NEXT: %p = kernel.program_id
  %p = kernel.program_id
  // CHECK-NEXT: %zero = kernel.splat 0.0 -> !kernel.tile<4x16xf32, v8>
  %zero = kernel.splat 0.0 -> !kernel.tile<4x16xf32, v8>
  // CHECK-NEXT: %lowest = kernel.splat "-inf" -> !kernel.tile<4x16xf32, v8>
  %lowest = kernel.splat "-inf" -> !kernel.tile<4x16xf32, v8>
  // CHECK-NEXT: %three = kernel.splat 3 -> !kernel.tile<16xi32, v8>
  %three = kernel.splat 3 -> !kernel.tile<16xi32, v8>
  // CHECK-NEXT: %ids = kernel.splat %p -> !kernel.tile<16xi32, v8>
  %ids = kernel.splat %p -> !kernel.tile<16xi32, v8>
  // CHECK-NEXT: %count = kernel.iota -> !kernel.tile<16xi32, v8>
  %count = kernel.iota -> !kernel.tile<16xi32, v8>
  // CHECK-NEXT: %count_1 = kernel.iota %p -> !kernel.tile<16xi32, v8>
  %count_1 = kernel.iota %p -> !kernel.tile<16xi32, v8>
  // CHECK-NEXT: %sum = kernel.map add %ids, %count -> !kernel.tile<16xi32, v8>
  %sum = kernel.map add %ids, %count -> !kernel.tile<16xi32, v8>
  // CHECK-NEXT: %less = kernel.map lt %sum, %three -> !kernel.tile<16xi1, v8>
  %less = kernel.map lt %sum, %three -> !kernel.tile<16xi1, v8>
  // CHECK-NEXT: %chosen = kernel.map select %less, %sum, %three -> !kernel.tile<16xi32, v8>
  %chosen = kernel.map select %less, %sum, %three -> !kernel.tile<16xi32, v8>
  // CHECK-NEXT: %line = kernel.convert %chosen -> !kernel.tile<16xf32, v8>
  %line = kernel.convert %chosen -> !kernel.tile<16xf32, v8>
  // CHECK-NEXT: %scalars = kernel.convert %line -> !kernel.tile<16xf32, v1>
  %scalars = kernel.convert %line -> !kernel.tile<16xf32, v1>
  // CHECK-NEXT: %wide = kernel.broadcast %line {dims = [1]} -> !kernel.tile<4x16xf32, v8>
  %wide = kernel.broadcast %line {dims = [1]} -> !kernel.tile<4x16xf32, v8>
  // CHECK-NEXT: %folded = kernel.reshape %wide -> !kernel.tile<2x2x16xf32, v8>
  %folded = kernel.reshape %wide -> !kernel.tile<2x2x16xf32, v8>
  // CHECK-NEXT: %turned = kernel.transpose %folded {perm = [1, 0, 2]} -> !kernel.tile<2x2x16xf32, v8>
  %turned = kernel.transpose %folded {perm = [1, 0, 2]} -> !kernel.tile<2x2x16xf32, v8>
  // CHECK-NEXT: %peak = kernel.reduce maximum %wide {axis = 1} -> !kernel.tile<4xf32, v1>
  %peak = kernel.reduce maximum %wide {axis = 1} -> !kernel.tile<4xf32, v1>
  // CHECK-NEXT: %lhs = kernel.load %w[0 over 0, %p over 1] -> !kernel.tile<4x1xf32, v1>
  %lhs = kernel.load %w[0 over 0, %p over 1] -> !kernel.tile<4x1xf32, v1>
  // CHECK-NEXT: %rhs = kernel.load %w[0 over 0, 0 over 1] -> !kernel.tile<1x16xf32, v8>
  %rhs = kernel.load %w[0 over 0, 0 over 1] -> !kernel.tile<1x16xf32, v8>
  // CHECK-NEXT: %product = kernel.dot %lhs, %rhs, %zero {precision = "ieee"} -> !kernel.tile<4x16xf32, v8>
  %product = kernel.dot %lhs, %rhs, %zero {precision = "ieee"} -> !kernel.tile<4x16xf32, v8>
  // CHECK-NEXT: kernel.return
  kernel.return
}
