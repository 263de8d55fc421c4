// Loops and branches of the host program. A counter is a size in its body, and behind the loop.
// RUN: neuralc-opt %s | filecheck %s
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s

graph.dim @S from 0

kernel.func @step(%x: !kernel.ref<[16], f32>, %y: !kernel.ref<[16], f32>) dims [] grid (1) {
  kernel.return
}

// CHECK-LABEL: kernel.host @model(
kernel.host @model(%x: !kernel.ref<[S, 16], f32>, %c: !kernel.ref<[], i1>, %y: !kernel.ref<[16], f32>) dims [S] inputs ["x", "c"] outputs ["y"] {
  // CHECK-NEXT: %a = kernel.alloc -> !kernel.ref<[2, 16], f32, [16, 1]>
  %a = kernel.alloc -> !kernel.ref<[2, 16], f32>
  // CHECK-NEXT: kernel.for @t from 0 to S {
  kernel.for @t from 0 to S {
    // CHECK-NEXT: %0 = kernel.view %x offset S * 16 - t * 16 - 16 -> !kernel.ref<[16], f32, [1]>
    %0 = kernel.view %x offset S * 16 - t * 16 - 16 -> !kernel.ref<[16], f32>
    // CHECK-NEXT: %1 = kernel.view %a offset mod(t + 1, 2) * 16 -> !kernel.ref<[16], f32, [1]>
    %1 = kernel.view %a offset mod(t + 1, 2) * 16 -> !kernel.ref<[16], f32>
    // CHECK-NEXT: kernel.launch @step[](%0, %1)
    kernel.launch @step[](%0, %1)
    // CHECK-NEXT: kernel.if t == 0 {
    kernel.if t == 0 {
      kernel.launch @step[](%1, %y)
    } else {
    }
  // CHECK: }
  }
  // CHECK: kernel.for @r from 0 to S slots @slot 2 {
  kernel.for @r from 0 to S slots @slot 2 {
    // CHECK-NEXT: kernel.view %a offset slot * 16 -> !kernel.ref<[16], f32, [1]>
    %5 = kernel.view %a offset slot * 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%5, %y)
  }
  // CHECK: kernel.for @d from 0 to 4 section 1 {
  kernel.for @d from 0 to 4 section 1 {
    kernel.launch @step[](%y, %y)
  }
  // CHECK: kernel.while %c @n from 0 to S * 2 {
  kernel.while %c @n from 0 to S * 2 {
    // CHECK-NEXT: kernel.while %c @m {
    kernel.while %c @m {
      // CHECK-NEXT: kernel.view %a offset mod(m + n, 2) * 16
      %4 = kernel.view %a offset mod(m + n, 2) * 16 -> !kernel.ref<[16], f32>
      kernel.launch @step[](%4, %y)
    }
  }
  // CHECK: kernel.view %a offset mod(n, 2) * 16 + mod(t, 2)
  %5 = kernel.view %a offset mod(n, 2) * 16 + mod(t, 2) -> !kernel.ref<[15], f32>
  // CHECK-NEXT: kernel.branch %c {
  kernel.branch %c {
    // CHECK-NEXT: kernel.launch @step[](%y, %y)
    kernel.launch @step[](%y, %y)
  // CHECK-NEXT: } else {
  } else {
  }
  kernel.return
}
