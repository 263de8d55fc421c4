// Rounds that do not need each other: kernel-plan-parallel gives them slots, kernel-plan-memory memory for each slot.
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{slots=2}' | filecheck %s
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{slots=2}' | neuralc-opt --target cpu --mcpu haswell -p 'kernel-plan-parallel{slots=2}' | filecheck %s
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{slots=2}' --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{slots=2},kernel-plan-memory,kernel-place-barriers,kernel-verify-target' | filecheck %s --check-prefix=MEMORY
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{slots=1}' | filecheck %s --check-prefix=ONE
// RUN: not neuralc-opt %S/Inputs/slots_share.mlir --target cpu --mcpu haswell -p kernel-verify-target 2>&1 | filecheck %s --check-prefix=WRONG
// ONE-NOT: slots

kernel.func @step(%x: !kernel.ref<[16], f32>, %y: !kernel.ref<[16], f32>) dims [] grid (1) {
  %0 = kernel.load %x[0 over 0] -> !kernel.tile<16xf32, v8>
  kernel.store %0, %y[0 over 0]
  kernel.return
}

// All work of the rounds can be shared, though each launch has one program only.
// CHECK-LABEL: kernel.host @model(
// CHECK-SAME: shared ({{[1-9][0-9]*}})
// MEMORY-LABEL: kernel.host @model(
// MEMORY-SAME: arena (320)
kernel.host @model(%x: !kernel.ref<[6, 16], f32>, %y: !kernel.ref<[6, 16], f32>, %z: !kernel.ref<[16], f32>) dims [] inputs ["x"] outputs ["y", "z"] {
  // In each slot two buffers of 64 bytes that live together; %c is alive before and behind the loop.
  %c = kernel.alloc -> !kernel.ref<[16], f32>
  %0 = kernel.view %x offset 0 -> !kernel.ref<[16], f32>
  kernel.launch @step[](%0, %c)
  // CHECK: kernel.for @t from 0 to 6 slots @slot 2 {
  // REMARK: passed: kernel.for: rounds are independent: 2 threads go through them side by side
  // MEMORY: [[C:%.*]] = kernel.arena [[AT:[0-9]+]] -> !kernel.ref<[16], f32, [1]>
  // MEMORY: kernel.for @t from 0 to 6 slots @slot 2 {
  // MEMORY: %a = kernel.arena {{.*}}slot * 128{{.*}} -> !kernel.ref<[16], f32, [1]>
  // MEMORY: %b = kernel.arena {{.*}}slot * 128{{.*}} -> !kernel.ref<[16], f32, [1]>
  kernel.for @t from 0 to 6 {
    %1 = kernel.view %x offset t * 16 -> !kernel.ref<[16], f32>
    %2 = kernel.view %y offset t * 16 -> !kernel.ref<[16], f32>
    %a = kernel.alloc -> !kernel.ref<[16], f32>
    kernel.launch @step[](%1, %a)
    %b = kernel.alloc -> !kernel.ref<[16], f32>
    kernel.launch @step[](%a, %b)
    kernel.launch @step[](%b, %2)
    kernel.launch @step[](%c, %a)
  }
  // Each round reads what the one before wrote, from the end on as in a reverse recurrence.
  // CHECK: kernel.for @back from 0 to 5 {
  // REMARK: missed: kernel.for: rounds are in order: @step in one round and @step in another meet [kernel-plan-parallel]
  kernel.for @back from 0 to 5 {
    %p = kernel.view %y offset -back * 16 + 80 -> !kernel.ref<[16], f32>
    %q = kernel.view %y offset -back * 16 + 64 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%p, %q)
  }
  // Each round reads what the one before wrote.
  // CHECK: kernel.for @u from 0 to 5 {
  // REMARK: missed: kernel.for: rounds are in order: @step in one round and @step in another meet [kernel-plan-parallel]
  kernel.for @u from 0 to 5 {
    %1 = kernel.view %y offset u * 16 -> !kernel.ref<[16], f32>
    %2 = kernel.view %y offset u * 16 + 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%1, %2)
  }
  // All rounds write the same place.
  // CHECK: kernel.for @v from 0 to 6 {
  // REMARK: missed: kernel.for: rounds are in order: @step in one round and @step in another meet
  kernel.for @v from 0 to 6 {
    %1 = kernel.view %x offset v * 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%1, %z)
  }
  // Rounds overlap by half of what they write.
  // CHECK: kernel.for @w from 0 to 6 {
  kernel.for @w from 0 to 6 {
    %1 = kernel.view %y offset w * 8 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%c, %1)
  }
  // One round is nothing to share.
  // CHECK: kernel.for @one from 0 to 1 {
  kernel.for @one from 0 to 1 {
    %1 = kernel.view %y offset one * 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%c, %1)
  }
  kernel.launch @step[](%c, %z)
  kernel.return
}
// WRONG: error[E0830]: rounds of @t have slots and are not independent: @step in one round and @step in another meet
