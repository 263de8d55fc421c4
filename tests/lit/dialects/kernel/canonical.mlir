// What may be left out is left out: dense strides read, all strides written; products and sums of sizes in one order.
// RUN: neuralc-opt %s | filecheck %s

// CHECK: kernel.func @sizes(%a: index, %b: index,
// CHECK-SAME: %x: !kernel.ref<[a * b + 1, 2], f32, [2, 1]>,
// CHECK-SAME: %y: !kernel.ref<[a, b], f32, [b, 1]>)
// CHECK-SAME: dims [a, b] grid (a * b * 2)
kernel.func @sizes(%a: index, %b: index, %x: !kernel.ref<[1 + b * a, 2], f32>, %y: !kernel.ref<[a, b], f32, [b, 1]>) dims [a, b] grid (b * 2 * a) {
  // Zero is written as the type of its tile has it, without lanes where there are none.
  // CHECK: kernel.splat 0.0 -> !kernel.tile<f32>
  %zero = kernel.splat 0.0 -> !kernel.tile<f32>
  // CHECK: kernel.splat 1.0e-07 -> !kernel.tile<4xf32, v4>
  %tiny = kernel.splat 0.0000001 -> !kernel.tile<4xf32, v4>
  kernel.return
}
