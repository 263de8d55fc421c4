// Loads and stores: places, spans, index tiles, masks; scratch memory.
// RUN: neuralc-opt %s | filecheck %s
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

// Strides that are not written are dense; sizes and strides may be expressions, and strides may overlap.
// CHECK-LABEL: kernel.func @memory(
// CHECK-SAME: %x: !kernel.ref<[n, 8, 16], f32, [128, 16, 1]>,
// CHECK-SAME: %windows: !kernel.ref<[n, n * 2 - 1, 3], f32, [n * 2 + 1, 1, 1]>,
// CHECK-SAME: %rows: !kernel.ref<[n], i32, [1]>) dims [n] grid (ceildiv(n, 4) * 8)
kernel.func @memory(%n: index, %x: !kernel.ref<[n, 8, 16], f32>, %windows: !kernel.ref<[n, 2 * n - 1, 3], f32, [2 * n + 1, 1, 1]>, %rows: !kernel.ref<[n], i32>) dims [n] grid (8 * ceildiv(n, 4)) {
  %p = kernel.program_id
  // CHECK: %one = kernel.load %x[%p, 3, 0 over 0] -> !kernel.tile<16xf32, v8>
  %one = kernel.load %x[%p, 3, 0 over 0] -> !kernel.tile<16xf32, v8>
  // CHECK-NEXT: %edge = kernel.load %x[%p over 0 masked, 3 masked, -1 over 1 masked] other "-inf" align 64 -> !kernel.tile<4x8xf32, v8>
  %edge = kernel.load %x[%p over 0 masked, 3 masked, -1 over 1 masked] other "-inf" align 64 -> !kernel.tile<4x8xf32, v8>
  // CHECK-NEXT: %where = kernel.load %rows[%p over 0 masked] other 0 -> !kernel.tile<4xi32, v1>
  %where = kernel.load %rows[%p over 0 masked] other 0 -> !kernel.tile<4xi32, v1>
  // CHECK-NEXT: %gathered = kernel.load %x[%where over 0, 0, 0 over 1] -> !kernel.tile<4x16xf32, v8>
  %gathered = kernel.load %x[%where over 0, 0, 0 over 1] -> !kernel.tile<4x16xf32, v8>
  // A launch hint of a target stands between the access and its type.
  // CHECK-NEXT: %hinted = kernel.load %windows[%p, 0, 0 over 0] {via = "descriptor"} -> !kernel.tile<3xf32>
  %hinted = kernel.load %windows[%p, 0, 0 over 0] {via = "descriptor"} -> !kernel.tile<3xf32>
  // CHECK-NEXT: kernel.prefetch %windows, %p
  kernel.prefetch %windows, %p
  // CHECK-NEXT: %scratch = kernel.local -> !kernel.ref<[4, 16], f32, [16, 1]>
  %scratch = kernel.local -> !kernel.ref<[4, 16], f32>
  // CHECK-NEXT: kernel.store %gathered, %scratch[0 over 0, 0 over 1]
  kernel.store %gathered, %scratch[0 over 0, 0 over 1]
  // CHECK-NEXT: kernel.store %edge, %x[%p over 0 masked, 0, 8 over 1 masked]
  kernel.store %edge, %x[%p over 0 masked, 0, 8 over 1 masked]
  kernel.return
}
