kernel.func @budget(%x: !kernel.ref<[14, 64], f32>, %w: !kernel.ref<[64, 16], f32>, %y: !kernel.ref<[14, 16], f32>) dims [] grid (1) {
  %zero = kernel.splat 0.0 -> !kernel.tile<14x16xf32, v8>
  %lhs = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<14x1xf32, v1>
  %rhs = kernel.load %w[0 over 0, 0 over 1] -> !kernel.tile<1x16xf32, v8>
  %d = kernel.dot %lhs, %rhs, %zero {precision = "ieee"} -> !kernel.tile<14x16xf32, v8>
  kernel.store %d, %y[0 over 0, 0 over 1]
  kernel.return
}
