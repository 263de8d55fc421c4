// RUN: not neuralc %s --emit=llvm --pass-pipeline= -o - 2>&1 | filecheck %s

// CHECK: error[E0830]: the lanes of !kernel.tile<8xf32> are not decided
// CHECK: refused.mlir:8
// CHECK: kernel-verify-target
kernel.func @gpu_form(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] grid (1) {
  // The form for a GPU, which chooses vectors itself.
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
  kernel.store %t, %y[0 over 0]
  kernel.return
}

kernel.host @m(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] inputs ["x"] outputs ["y"] arena (0) {
  kernel.launch @gpu_form[](%x, %y)
  kernel.return
}
