// RUN: not neuralc %s --emit=obj --pass-pipeline= -o %t.o 2>&1 | filecheck %s
// RUN: not test -e %t.o

// CHECK: error[E0840]: `kernel.alloc` has no native form
// CHECK: refused.mlir:8
// CHECK: help: kernel-plan-memory places it
kernel.host @m(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] inputs ["x"] outputs ["y"] {
  %h = kernel.alloc -> !kernel.ref<[8], f32>
  kernel.return
}
