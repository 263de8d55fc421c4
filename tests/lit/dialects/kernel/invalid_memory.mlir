// What loads, stores and references refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

kernel.func @access(%n: index, %x: !kernel.ref<[n, 16], f32>, %ids: !kernel.ref<[n], i32>) dims [n] grid (n) {
  %p = kernel.program_id
  %rows = kernel.load %ids[%p over 0 masked] -> !kernel.tile<4xi32>
  // expected-error@below {{has 2 dims, the access has 1 indices}}
  %a = kernel.load %x[%p over 0] -> !kernel.tile<4xf32>
  // expected-error@below {{an index spans tile dim 1 of}}
  %b = kernel.load %x[%p, 0 over 1] -> !kernel.tile<4xf32>
  // expected-error@below {{two scalar starts span tile dim 0}}
  %c = kernel.load %x[%p over 0, 0 over 0] -> !kernel.tile<4xf32>
  // expected-error@below {{no index spans tile dims [1]}}
  %d = kernel.load %x[%p, 0 over 0] -> !kernel.tile<4x2xf32>
  // expected-error@below {{holds f32, the tile f16}}
  %e = kernel.load %x[%p, 0 over 0] -> !kernel.tile<4xf16>
  // expected-error@below {{must span a tile dim of its size}}
  %f = kernel.load %x[%rows over 0, 0 over 1] -> !kernel.tile<8x4xf32>
  // expected-error@below {{must span a tile dim of its size}}
  %g = kernel.load %x[%rows, 0 over 0] -> !kernel.tile<4xf32>
  // expected-error@below {{no index spans tile dims [0]}}
  kernel.store %rows, %ids[%p]
  // expected-error@below {{holds f32, the tile i32}}
  kernel.store %rows, %x[%p, 0 over 0]
  kernel.return
}

// -----

kernel.func @place(%x: !kernel.ref<[16], f32>) dims [] grid (1) {
  %i = arith.constant 1 : i32
  // expected-error@below {{an index is an index value or an index tile, not i32}}
  %a = kernel.load %x[%i over 0] -> !kernel.tile<4xf32>
  kernel.return
}

// -----

kernel.func @scratch(%n: index) dims [n] grid (n) {
  // expected-error@below {{scratch memory has constant sizes}}
  %a = kernel.local -> !kernel.ref<[n, 4], f32>
  kernel.return
}

// -----

// expected-error@below {{2 dims but 1 strides}}
kernel.func @strides(%x: !kernel.ref<[4, 4], f32, [4]>) dims [] grid (1) {
  kernel.return
}
