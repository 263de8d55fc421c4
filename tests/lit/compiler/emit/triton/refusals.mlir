// RUN: not neuralc %s --target cuda --pass-pipeline= --emit=triton -o - 2>&1 | filecheck %s

// All that Triton cannot say is listed at once, each with its place.

// CHECK: error[E0830]: `kernel.local` in @f: a program of a GPU has no scratch memory
// CHECK: refusals.mlir:11:3
// CHECK: error[E0830]: `kernel.load` in @f: !kernel.tile<6xf32>: the sizes of a tile are powers of two
// CHECK: error[E0860]: kernel @f as Triton: it has no function `logb`
// CHECK-NOT: Traceback
kernel.func @f(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
  %scratch = kernel.local -> !kernel.ref<[8], f32>
  %t = kernel.load %x[0 over 0] -> !kernel.tile<6xf32>
  %e = kernel.map logb %t -> !kernel.tile<6xf32>
  kernel.store %e, %x[0 over 0]
  kernel.return
}
