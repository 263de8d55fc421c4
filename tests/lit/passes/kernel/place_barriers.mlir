// kernel-place-barriers: threads wait where launches need each other, and nowhere else.
// RUN: neuralc-opt %s -p kernel-place-barriers | filecheck %s
// RUN: neuralc-opt %s -p kernel-place-barriers | neuralc-opt -p kernel-place-barriers | filecheck %s
// RUN: neuralc-opt %s -p kernel-place-barriers --remarks=analysis -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --mcpu x86-64-v3 -p kernel-place-barriers,kernel-verify-target
// RUN: not neuralc-opt %s --mcpu x86-64-v3 -p kernel-verify-target 2>&1 | filecheck %s --check-prefix=MISSING

graph.dim @batch from 1 origin "implied batch"
graph.weight @w : tensor<8xf32>

kernel.func @copy(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %t = kernel.load %x[%p, 0 over 0] -> !kernel.tile<8xf32, v8>
  kernel.store %t, %y[%p, 0 over 0]
  kernel.return
}

kernel.func @test(%x: !kernel.ref<[8], f32>, %c: !kernel.ref<[], i1>) dims [] grid (1) {
  %true = kernel.splat true -> !kernel.tile<i1, v1>
  kernel.store %true, %c[]
  kernel.return
}

kernel.func @fill(%n: index, %y: !kernel.ref<[n, 1], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %t = kernel.splat 0.0 -> !kernel.tile<f32, v1>
  kernel.store %t, %y[%p, 0]
  kernel.return
}

// CHECK-LABEL: kernel.host @values(
kernel.host @values(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>, %z: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y", "z"] arena (batch * 64) {
  %a = kernel.arena 0 -> !kernel.ref<[batch, 8], f32>
  %b = kernel.arena batch * 32 -> !kernel.ref<[batch, 8], f32>
  // Both read the input and write apart from each other.
  // CHECK: kernel.launch @copy[batch](%x, %a) {parallel}
  kernel.launch @copy[batch](%x, %a) {parallel}
  // CHECK-NEXT: kernel.launch @copy[batch](%x, %b) {parallel}
  kernel.launch @copy[batch](%x, %b) {parallel}
  // One barrier is for both values.
  // CHECK-NEXT: kernel.barrier{{$}}
  // CHECK-NEXT: kernel.launch @copy[batch](%a, %y) {parallel}
  kernel.launch @copy[batch](%a, %y) {parallel}
  // CHECK-NEXT: kernel.launch @copy[batch](%b, %z) {parallel}
  kernel.launch @copy[batch](%b, %z) {parallel}
  // Bytes that are used again: the reader of %a has to be done before they are written.
  %c = kernel.arena 0 -> !kernel.ref<[batch, 8], f32>
  // CHECK: kernel.barrier{{$}}
  // CHECK-NEXT: kernel.launch @copy[batch](%x, %c)
  kernel.launch @copy[batch](%x, %c)
  // The first thread runs both.
  // CHECK-NEXT: kernel.launch @copy[batch](%c, %b)
  kernel.launch @copy[batch](%c, %b)
  kernel.return
}

// CHECK-LABEL: kernel.host @sizes(
kernel.host @sizes(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] arena (batch * 64) {
  %a = kernel.arena 0 -> !kernel.ref<[batch, 8], f32>
  %b = kernel.arena batch * 32 -> !kernel.ref<[batch, 8], f32>
  // CHECK: kernel.launch @copy[batch](%x, %a) {parallel = 9 : i64}
  kernel.launch @copy[batch](%x, %a) {parallel = 9}
  // Below a batch of 9 the first thread runs both.
  // CHECK-NEXT: kernel.barrier if batch >= 9
  // CHECK-NEXT: kernel.launch @copy[batch](%a, %b)
  kernel.launch @copy[batch](%a, %b)
  // That barrier does not part the launch before it from this one, which more batches share.
  // CHECK-NEXT: kernel.barrier if batch >= 5
  // CHECK-NEXT: kernel.launch @copy[batch](%a, %y) {parallel = 5 : i64}
  kernel.launch @copy[batch](%a, %y) {parallel = 5}
  kernel.return
}

// CHECK-LABEL: kernel.host @rounds(
kernel.host @rounds(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] arena (batch * 64 + 64) {
  %a = kernel.arena 0 -> !kernel.ref<[batch, 8], f32>
  %b = kernel.arena batch * 32 -> !kernel.ref<[batch, 8], f32>
  %c = kernel.arena batch * 64 -> !kernel.ref<[], i1>
  %row = kernel.view %x offset 0 -> !kernel.ref<[8], f32>
  kernel.launch @copy[batch](%x, %a) {parallel}
  // CHECK: kernel.for @t from 0 to 10 {
  kernel.for @t from 0 to 10 {
    // What the round before has written is read.
    // CHECK-NEXT: kernel.barrier{{$}}
    // CHECK-NEXT: kernel.launch @copy[batch](%a, %b) {parallel}
    kernel.launch @copy[batch](%a, %b) {parallel}
    // CHECK-NEXT: kernel.barrier{{$}}
    // CHECK-NEXT: kernel.launch @copy[batch](%b, %a) {parallel}
    kernel.launch @copy[batch](%b, %a) {parallel}
  }
  // CHECK: kernel.launch @test
  kernel.launch @test[](%row, %c)
  // Every thread reads the condition, before the loop and behind each round.
  // CHECK-NEXT: kernel.barrier{{$}}
  // CHECK-NEXT: kernel.while %c @n from 0 to 4 {
  kernel.while %c @n from 0 to 4 {
    // CHECK-NEXT: kernel.barrier{{$}}
    // CHECK-NEXT: kernel.launch @test
    kernel.launch @test[](%row, %c)
    // CHECK-NEXT: kernel.barrier{{$}}
  }
  kernel.return
}

// The border of a picture lies beside what it surrounds, whatever the batch; a wider one does not.
// CHECK-LABEL: kernel.host @border(
kernel.host @border(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] arena (batch * 960) {
  %a = kernel.arena 0 -> !kernel.ref<[batch, 6, 10, 4], f32>
  %inside = kernel.view %a offset 44 -> !kernel.ref<[batch, 4, 8, 4], f32, [240, 40, 4, 1]>
  %sides = kernel.view %a offset 76 -> !kernel.ref<[batch, 3, 8], f32, [240, 40, 1]>
  %wider = kernel.view %a offset 76 -> !kernel.ref<[batch, 3, 12], f32, [240, 40, 1]>
  // CHECK: kernel.launch @fill[batch]({{%.+}}) {parallel}
  kernel.launch @fill[batch](%sides) {parallel}
  // CHECK-NEXT: kernel.launch @fill[batch]({{%.+}}) {parallel}
  kernel.launch @fill[batch](%inside) {parallel}
  // CHECK-NEXT: kernel.barrier{{$}}
  // CHECK-NEXT: kernel.launch @fill[batch]({{%.+}}) {parallel}
  kernel.launch @fill[batch](%wider) {parallel}
  kernel.return
}

// CHECK-LABEL: kernel.host @alone(
kernel.host @alone(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] arena (batch * 32) {
  // CHECK-NOT: kernel.barrier
  %a = kernel.arena 0 -> !kernel.ref<[batch, 8], f32>
  kernel.launch @copy[batch](%x, %a)
  kernel.launch @copy[batch](%a, %y)
  kernel.return
}

// REMARK: analysis: kernel.host: 2 barriers for 6 launches [kernel-place-barriers]
// MISSING: error[E0830]: @copy needs a kernel.barrier before it: it uses memory that @copy may still be using
// MISSING: `neuralc-opt -p kernel-place-barriers` places all of them
// MISSING: error[E0830]: the condition of `kernel.while` needs a kernel.barrier before it
