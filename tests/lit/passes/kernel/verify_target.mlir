// kernel-verify-target: all that a target cannot run, at once.
// RUN: neuralc-opt %s --mcpu x86-64-v3 -p kernel-verify-target --split-input-file --verify-diagnostics
// RUN: neuralc-opt %S/Inputs/gpu_kernels.mlir --target cuda --arch sm_80 -p kernel-verify-target --split-input-file --verify-diagnostics
// RUN: not neuralc-opt %S/Inputs/register_budget.mlir --mcpu x86-64-v3 -p kernel-verify-target 2>&1 | filecheck %s --check-prefix=AVX2
// RUN: neuralc-opt %S/Inputs/register_budget.mlir --mcpu x86-64-v4 -p kernel-verify-target | filecheck %s --check-prefix=AVX512
// RUN: not neuralc-opt %s -p kernel-verify-target 2>&1 | filecheck %s --check-prefix=TARGET

// Legal on a CPU: nothing is said.
kernel.func @legal(%x: !kernel.ref<[64, 64], f32>, %ids: !kernel.ref<[64], i32>, %y: !kernel.ref<[64, 64], f32>) dims [] grid (1) {
  %rows = kernel.load %ids[0 over 0] -> !kernel.tile<6xi32, v1>
  %t = kernel.load %x[%rows over 0, 0 over 1 masked] -> !kernel.tile<6x16xf32, v8>
  %lhs = kernel.load %x[0 over 1, 0 over 0] -> !kernel.tile<6x1xf32, v1>
  %rhs = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<1x16xf32, v8>
  %d = kernel.dot %lhs, %rhs, %t {precision = "ieee"} -> !kernel.tile<6x16xf32, v8>
  // A wider type in between takes two registers.
  %wide = kernel.convert %d -> !kernel.tile<6x16xf64, v8>
  %p = kernel.local -> !kernel.ref<[6, 16], f32>
  kernel.store %d, %p[0 over 0, 0 over 1]
  kernel.store %d, %y[0 over 0, 0 over 1]
  kernel.return
}

// -----

kernel.func @illegal(%x: !kernel.ref<[64, 64], f32>, %turned: !kernel.ref<[64, 64], f32, [1, 64]>, %ids: !kernel.ref<[64], i32>) dims [] grid (1) {
  // expected-error@below {{`kernel.load` in @illegal: !kernel.tile<8xf32> has no lanes}}
  %a = kernel.load %x[0, 0 over 0] -> !kernel.tile<8xf32>
  // expected-error@below {{has vectors wider than the 32 bytes of a register of x86-64-v3}}
  %b = kernel.load %x[0, 0 over 0] -> !kernel.tile<16xf32, v16>
  // expected-error@below {{3 lanes are not a power of two}}
  %c = kernel.splat 0.0 -> !kernel.tile<6xf32, v3>
  // expected-error@below {{has its vectors along dim 1 of the reference, where the stride is 64, not 1}}
  %d = kernel.load %turned[0, 0 over 0] -> !kernel.tile<8xf32, v8>
  %rows = kernel.load %ids[0 over 0] -> !kernel.tile<8xi32, v1>
  // expected-error@below {{is gathered along its vectors}}
  %e = kernel.load %x[0, %rows over 0] -> !kernel.tile<8xf32, v8>
  %vectors = kernel.load %ids[0 over 0] -> !kernel.tile<8xi32, v8>
  // expected-error@below {{index tile !kernel.tile<8xi32, v8> has vectors}}
  %f = kernel.load %x[%vectors over 0, 0 over 1] -> !kernel.tile<8x8xf32, v8>
  %zero = kernel.splat 0.0 -> !kernel.tile<8x16xf32, v8>
  %lhs = kernel.splat 0.0 -> !kernel.tile<8x1xf32, v1>
  %rhs = kernel.splat 0.0 -> !kernel.tile<1x16xf32, v8>
  // expected-error@below {{needs 19 vector registers, x86-64-v3 has 16}}
  %g = kernel.dot %lhs, %rhs, %zero {precision = "ieee"} -> !kernel.tile<8x16xf32, v8>
  // expected-error@below {{has its vectors along dim 1}}
  kernel.store %d, %turned[0, 0 over 0]
  kernel.return
}

// AVX2: error[E0831]: `kernel.dot` in @budget: a dot into !kernel.tile<14x16xf32, v8> needs 31 vector registers, x86-64-v3 has 16
// AVX2: = help: take fewer rows or columns
// AVX512: kernel.func @budget(

// TARGET: error[E0824]: pass `kernel-verify-target` needs a target
// TARGET: = help: name one: `--target cpu` or `--target cuda`
