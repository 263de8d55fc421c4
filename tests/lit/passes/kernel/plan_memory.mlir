// kernel-plan-memory: one arena; buffers that do not live together share its bytes.
// RUN: neuralc-opt %s -p kernel-plan-memory --split-input-file | filecheck %s
// RUN: neuralc-opt %s -p 'kernel-plan-memory{reuse=false}' --split-input-file | filecheck %s --check-prefix=APART
// RUN: neuralc-opt %s -p kernel-plan-memory --split-input-file --remarks=analysis -o %t 2>&1 | filecheck %s --check-prefix=REMARK

graph.dim @batch from 1 origin "implied batch"

kernel.func @f(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  kernel.return
}

// The third buffer has the place of the first, which is dead; the second lives beside both.
// CHECK-LABEL: kernel.host @chain(
// CHECK-SAME: arena (batch * 6144) {
// APART-LABEL: kernel.host @chain(
// APART-SAME: arena (batch * 7168) {
// REMARK: analysis: kernel.host: arena of batch * 6144 bytes for 3 buffers, batch * 7168 without reuse [kernel-plan-memory]
kernel.host @chain(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] {
  // CHECK-NEXT: %a = kernel.arena 0 -> !kernel.ref<[batch, 1024], f32, [1024, 1]>
  // APART-NEXT: %a = kernel.arena 0
  %a = kernel.alloc -> !kernel.ref<[batch, 1024], f32>
  // CHECK-NEXT: %b = kernel.arena batch * 4096
  // APART-NEXT: %b = kernel.arena batch * 4096
  %b = kernel.alloc -> !kernel.ref<[batch, 512], f32>
  // CHECK-NEXT: %c = kernel.arena 0
  // APART-NEXT: %c = kernel.arena batch * 6144
  %c = kernel.alloc -> !kernel.ref<[batch, 256], f32>
  // A buffer that nobody uses goes.
  %unused = kernel.alloc -> !kernel.ref<[batch, 999], f32>
  // CHECK-NEXT: kernel.launch @f[batch](%x, %a)
  kernel.launch @f[batch](%x, %a)
  kernel.launch @f[batch](%a, %b)
  kernel.launch @f[batch](%b, %c)
  kernel.launch @f[batch](%c, %y)
  kernel.return
}

// -----

kernel.func @f(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  kernel.return
}

// A view keeps its buffer alive. The skip connection %a lives beside everything.
// CHECK-LABEL: kernel.host @views(
// CHECK-SAME: arena (batch * 192) {
kernel.host @views(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] {
  // CHECK-NEXT: %a = kernel.arena 0
  %a = kernel.alloc -> !kernel.ref<[batch, 16], f32>
  %v = kernel.view %a offset 8 -> !kernel.ref<[batch, 8], f32, [16, 1]>
  %w = kernel.view %v offset 0 -> !kernel.ref<[batch, 4], f32, [16, 1]>
  // CHECK: %b = kernel.arena batch * 64
  %b = kernel.alloc -> !kernel.ref<[batch, 16], f32>
  // CHECK-NEXT: %c = kernel.arena batch * 128
  %c = kernel.alloc -> !kernel.ref<[batch, 16], f32>
  kernel.launch @f[batch](%x, %a)
  kernel.launch @f[batch](%x, %b)
  kernel.launch @f[batch](%b, %c)
  kernel.launch @f[batch](%w, %c)
  kernel.launch @f[batch](%c, %y)
  kernel.return
}

// -----

kernel.func @f(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  kernel.return
}

// The two sides of a choice never live together; what they write lives on.
// CHECK-LABEL: kernel.host @sides(
// CHECK-SAME: arena (512) {
kernel.host @sides(%x: !kernel.ref<[8, 8], f32>, %n: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[8, 8], f32>) dims [batch] inputs ["x", "n"] outputs ["y"] {
  // CHECK-NEXT: %result = kernel.arena 256
  %result = kernel.alloc -> !kernel.ref<[8, 8], f32>
  kernel.if batch >= 6 {
    // CHECK: %left = kernel.arena 0
    %left = kernel.alloc -> !kernel.ref<[8, 8], f32>
    kernel.launch @f[8](%x, %left)
    kernel.launch @f[8](%left, %result)
  } else {
    // CHECK: %right = kernel.arena 0
    %right = kernel.alloc -> !kernel.ref<[8, 8], f32>
    kernel.launch @f[8](%x, %right)
    kernel.launch @f[8](%right, %result)
  }
  kernel.launch @f[8](%result, %y)
  kernel.return
}

// -----

kernel.func @f(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  kernel.return
}

// %bytes lives beside %big, and beside %other: it lies behind the larger one of the two, whichever that is in a run.
// 100 bytes are 128, and 40 bytes a row 64: offsets stay multiples of 64.
// CHECK-LABEL: kernel.host @incomparable(
// CHECK-SAME: arena (max(a * 1024, b * 512) + 128) {
kernel.host @incomparable(%x: !kernel.ref<[a, 8], f32>, %z: !kernel.ref<[b, 8], f32>, %y: !kernel.ref<[a, 8], f32>) dims [a, b] inputs ["x", "z"] outputs ["y"] {
  // CHECK-NEXT: %big = kernel.arena 0
  %big = kernel.alloc -> !kernel.ref<[a, 256], f32>
  // CHECK-NEXT: %other = kernel.arena 0
  %other = kernel.alloc -> !kernel.ref<[b, 128], f32>
  // CHECK-NEXT: %bytes = kernel.arena max(a * 1024, b * 512)
  %bytes = kernel.alloc -> !kernel.ref<[25], f32>
  // CHECK-NEXT: %rows = kernel.arena 0
  %rows = kernel.alloc -> !kernel.ref<[a, 10], f32>
  kernel.launch @f[a](%x, %big)
  kernel.launch @f[3](%big, %bytes)
  kernel.launch @f[b](%z, %other)
  kernel.launch @f[3](%other, %bytes)
  kernel.launch @f[a](%x, %rows)
  kernel.launch @f[3](%bytes, %y)
  kernel.launch @f[a](%rows, %y)
  kernel.return
}

// -----

kernel.func @f(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  kernel.return
}
kernel.func @add(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>, %z: !kernel.ref<[n, 8], f32>) dims [n] grid (n)
    attributes {in_place = array<i64: 0, 1>} {
  %p = kernel.program_id
  %0 = kernel.load %x[%p, %p over 0] -> !kernel.tile<8xf32>
  kernel.store %0, %z[%p, %p over 0]
  kernel.return
}

// %c is written in the place of %b, for %a is read again; %d in that of %a, the first that is free. %g may not lie in that
// of %e, which its launch reads twice, and %y is the caller's.
// CHECK-LABEL: kernel.host @in_place(
// CHECK-SAME: arena (batch * 128) {
// CHECK: %a = kernel.arena 0
// CHECK: %b = kernel.arena batch * 64
// CHECK: %c = kernel.arena batch * 64
// CHECK: %d = kernel.arena 0
// CHECK: %e = kernel.arena batch * 64
// CHECK: %g = kernel.arena 0
kernel.host @in_place(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] {
  %a = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  %b = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  %c = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  %d = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  %e = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  %g = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  kernel.launch @f[batch](%x, %a)
  kernel.launch @f[batch](%x, %b)
  kernel.launch @add[batch](%a, %b, %c)
  kernel.launch @add[batch](%a, %c, %d)
  kernel.launch @f[batch](%d, %e)
  kernel.launch @add[batch](%e, %e, %g)
  kernel.launch @add[batch](%g, %x, %y)
  kernel.return
}
