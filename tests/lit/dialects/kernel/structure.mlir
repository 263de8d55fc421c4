// Kernels and loops.
// RUN: neuralc-opt %s | filecheck %s
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

// A kernel without dims, with the launch hints of a target.
// CHECK-LABEL: kernel.func @hinted(%x: !kernel.ref<[64], f32, [1]>) dims [] grid (4) attributes {num_warps = 4 : i64} {
kernel.func @hinted(%x: !kernel.ref<[64], f32>) dims [] grid (4) attributes {num_warps = 4 : i64} {
  kernel.return
}

// CHECK-LABEL: kernel.func @loops(
kernel.func @loops(%n: index, %x: !kernel.ref<[n], f32>) dims [n] grid (1) {
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
  // CHECK: kernel.loop %i = 0 to %n step 4 {
  kernel.loop %i = 0 to %n step 4 {
    // CHECK-NEXT: %total, %last = kernel.loop %j = %i to 8 step 1 iter(%a = %zero, %b = %zero) attributes {num_stages = 2 : i64} {
    %total, %last = kernel.loop %j = %i to 8 step 1 iter(%a = %zero, %b = %zero) attributes {num_stages = 2 : i64} {
      %line = kernel.load %x[%j over 0 masked] -> !kernel.tile<8xf32>
      %sum = kernel.map add %a, %line -> !kernel.tile<8xf32>
      // CHECK: kernel.yield %sum, %line
      kernel.yield %sum, %line
    }
    // CHECK: kernel.yield
    // CHECK-NEXT: }
    kernel.yield
  }
  kernel.return
}
