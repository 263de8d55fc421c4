// Loops that do not need each other: kernel-plan-parallel makes sections of them, one for each thread.
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{sections=2 slots=1 threshold-ns=1}' | filecheck %s
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{sections=2 slots=1 threshold-ns=1}' | neuralc-opt --target cpu --mcpu haswell -p 'kernel-plan-parallel{sections=2 slots=1 threshold-ns=1}' | filecheck %s
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{sections=2 slots=1 threshold-ns=1}' --remarks=passed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{sections=2 slots=1 threshold-ns=1},kernel-plan-memory,kernel-place-barriers,kernel-verify-target' | filecheck %s --check-prefix=MEMORY
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{sections=1 slots=1 threshold-ns=1}' | filecheck %s --check-prefix=ONE
// RUN: neuralc-opt %s --target cpu --mcpu haswell -p 'kernel-plan-parallel{sections=2 slots=1 threshold-ns=100000}' | filecheck %s --check-prefix=ONE
// RUN: not neuralc-opt %S/Inputs/sections_share.mlir --target cpu --mcpu haswell -p kernel-verify-target 2>&1 | filecheck %s --check-prefix=WRONG
// ONE-NOT: section
// WRONG: error[E0830]: @step needs a kernel.barrier before it: it uses memory that @step may still be using

kernel.func @step(%x: !kernel.ref<[16], f32>, %y: !kernel.ref<[16], f32>) dims [] grid (1) {
  %0 = kernel.load %x[0 over 0] -> !kernel.tile<16xf32, v8>
  kernel.store %0, %y[0 over 0]
  kernel.return
}

// What the second direction needs moves in front of the first one; what follows stays behind.
// CHECK-LABEL: kernel.host @directions(
// MEMORY-LABEL: kernel.host @directions(
// CHECK-SAME: shared ({{[1-9][0-9]*}})
kernel.host @directions(%x: !kernel.ref<[6, 16], f32>, %y: !kernel.ref<[6, 16], f32>, %z: !kernel.ref<[6, 16], f32>) dims [] inputs ["x"] outputs ["y", "z"] {
  %0 = kernel.view %x offset 0 -> !kernel.ref<[16], f32>
  %1 = kernel.view %y offset 0 -> !kernel.ref<[16], f32>
  kernel.launch @step[](%0, %1)
  // CHECK: [[LAST:%.*]] = kernel.view %z offset 80
  // CHECK-NEXT: kernel.launch @step[]({{%.*}}, [[LAST]])
  // CHECK: kernel.for @t from 0 to 5 section 0 {
  // REMARK: passed: kernel.for: @t and @u do not need each other: a thread goes through each [kernel-plan-parallel]
  // Nobody waits between the two, for what they use lies apart.
  // MEMORY: kernel.barrier
  // MEMORY: kernel.for @t from 0 to 5 section 0 {
  // MEMORY-NOT: kernel.barrier
  // MEMORY: %a = kernel.arena 0 -> !kernel.ref<[16], f32, [1]>
  kernel.for @t from 0 to 5 {
    %2 = kernel.view %y offset t * 16 -> !kernel.ref<[16], f32>
    %3 = kernel.view %y offset t * 16 + 16 -> !kernel.ref<[16], f32>
    %a = kernel.alloc -> !kernel.ref<[16], f32>
    kernel.launch @step[](%2, %a)
    kernel.launch @step[](%a, %3)
  }
  %4 = kernel.view %x offset 80 -> !kernel.ref<[16], f32>
  %5 = kernel.view %z offset 80 -> !kernel.ref<[16], f32>
  kernel.launch @step[](%4, %5)
  // CHECK: kernel.for @u from 0 to 5 section 1 {
  // MEMORY: kernel.for @u from 0 to 5 section 1 {
  // MEMORY-NOT: kernel.barrier
  // MEMORY: %b = kernel.arena 64 -> !kernel.ref<[16], f32, [1]>
  kernel.for @u from 0 to 5 {
    %6 = kernel.view %z offset -u * 16 + 80 -> !kernel.ref<[16], f32>
    %7 = kernel.view %z offset -u * 16 + 64 -> !kernel.ref<[16], f32>
    %b = kernel.alloc -> !kernel.ref<[16], f32>
    kernel.launch @step[](%6, %b)
    kernel.launch @step[](%b, %7)
  }
  // The first thread needs the second one's rows.
  // CHECK: kernel.launch
  // MEMORY: kernel.barrier
  // MEMORY: kernel.launch
  %8 = kernel.view %z offset 0 -> !kernel.ref<[16], f32>
  %9 = kernel.view %y offset 80 -> !kernel.ref<[16], f32>
  kernel.launch @step[](%8, %9)
  kernel.return
}

// A second layer goes over what the first one leaves.
// CHECK-LABEL: kernel.host @layers(
// CHECK-NOT: section
kernel.host @layers(%x: !kernel.ref<[6, 16], f32>, %y: !kernel.ref<[6, 16], f32>, %z: !kernel.ref<[6, 16], f32>) dims [] inputs ["x"] outputs ["y", "z"] {
  kernel.for @t from 0 to 5 {
    %2 = kernel.view %y offset t * 16 -> !kernel.ref<[16], f32>
    %3 = kernel.view %y offset t * 16 + 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%2, %3)
  }
  kernel.for @u from 0 to 5 {
    %6 = kernel.view %y offset -u * 16 + 80 -> !kernel.ref<[16], f32>
    %7 = kernel.view %z offset -u * 16 + 64 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%6, %7)
  }
  kernel.return
}
