kernel.func @legal(%x: !kernel.ref<[64, 64], f32>, %y: !kernel.ref<[64, 64], f32>) dims [] grid (1) {
  %lhs = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<64x16xf32>
  %rhs = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<16x64xf32>
  %zero = kernel.splat 0.0 -> !kernel.tile<64x64xf32>
  %d = kernel.dot %lhs, %rhs, %zero {precision = "ieee"} -> !kernel.tile<64x64xf32>
  kernel.store %d, %y[0 over 0, 0 over 1]
  kernel.return
}

// -----

kernel.func @illegal(%x: !kernel.ref<[64, 64], f32>, %bytes: !kernel.ref<[64, 64], i8>) dims [] grid (1) {
  // expected-error@below {{has lanes, which are Triton's to choose}}
  %a = kernel.load %x[0, 0 over 0] -> !kernel.tile<8xf32, v8>
  // expected-error@below {{!kernel.tile<6x16xf32>: the sizes of a tile are powers of two}}
  %b = kernel.splat 0.0 -> !kernel.tile<6x16xf32>
  // expected-error@below {{has 2097152 elements, Triton takes 1048576}}
  %c = kernel.splat 0.0 -> !kernel.tile<2048x1024xf32>
  %lhs = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<16x8xf32>
  %rhs = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<8x16xf32>
  %zero = kernel.splat 0.0 -> !kernel.tile<16x16xf32>
  // expected-error@below {{a dot of !kernel.tile<16x8xf32> is 8 deep, tensor cores take 16 at least}}
  %d = kernel.dot %lhs, %rhs, %zero {precision = "ieee"} -> !kernel.tile<16x16xf32>
  %l = kernel.load %bytes[0 over 0, 0 over 1] -> !kernel.tile<16x16xi8>
  %sum = kernel.splat 0 -> !kernel.tile<16x16xi32>
  // expected-error@below {{is 16 deep, tensor cores take 32 at least}}
  %e = kernel.dot %l, %l, %sum {precision = "ieee"} -> !kernel.tile<16x16xi32>
  // expected-error@below {{a program of a GPU has no scratch memory}}
  %p = kernel.local -> !kernel.ref<[16, 16], f32>
  kernel.return
}
