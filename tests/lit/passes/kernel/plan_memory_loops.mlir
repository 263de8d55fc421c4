// kernel-plan-memory in loops: what comes from outside lives in every round, what is made in a round only there.
// RUN: neuralc-opt %s -p kernel-plan-memory | filecheck %s

kernel.func @step(%x: !kernel.ref<[16], f32>, %y: !kernel.ref<[16], f32>) dims [] grid (1) {
  %0 = kernel.load %x[0 over 0] -> !kernel.tile<16xf32, v8>
  kernel.store %0, %y[0 over 0]
  kernel.return
}

// %a is written before the loop and read at the beginning of its body: the rest of the body must not take its bytes.
// %b and %c are not alive together; %d is made behind the loop, where %a is dead.
// CHECK-LABEL: kernel.host @model(
// CHECK-SAME: arena (128)
// CHECK-NEXT: %a = kernel.arena [[A:0|64]] ->
// CHECK: kernel.for @t from 0 to 4 {
// CHECK-NEXT: %b = kernel.arena [[B:0|64]] ->
// CHECK-NOT: arena [[A]] ->
// CHECK: %c = kernel.arena [[B]] ->
// CHECK: %d = kernel.arena 0 ->
kernel.host @model(%x: !kernel.ref<[16], f32>, %y: !kernel.ref<[4, 16], f32>) dims [] inputs ["x"] outputs ["y"] {
  %a = kernel.alloc -> !kernel.ref<[16], f32>
  kernel.launch @step[](%x, %a)
  kernel.for @t from 0 to 4 {
    %b = kernel.alloc -> !kernel.ref<[16], f32>
    %0 = kernel.view %y offset t * 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%a, %b)
    kernel.launch @step[](%b, %0)
    %c = kernel.alloc -> !kernel.ref<[16], f32>
    kernel.launch @step[](%x, %c)
    kernel.launch @step[](%c, %0)
  }
  %d = kernel.alloc -> !kernel.ref<[16], f32>
  kernel.launch @step[](%x, %d)
  %1 = kernel.view %y offset 0 -> !kernel.ref<[16], f32>
  kernel.launch @step[](%d, %1)
  kernel.return
}
