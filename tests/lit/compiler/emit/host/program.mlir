// RUN: neuralc %s --emit=llvm --mcpu x86-64-v3 --triple x86_64-unknown-linux-gnu --pass-pipeline= -o - | filecheck %s

graph.weight @first : tensor<3xf32>
graph.weight @second : tensor<16xf32>

kernel.func @copy(%n: index, %x: !kernel.ref<[n * 8], f32>, %w: !kernel.ref<[16], f32>, %y: !kernel.ref<[n * 8], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %c8 = arith.constant 8 : index
  %i = arith.muli %p, %c8 : index
  %t = kernel.load %x[%i over 0] -> !kernel.tile<8xf32, v8>
  kernel.store %t, %y[%i over 0]
  kernel.return
}

kernel.func @once(%x: !kernel.ref<[3], f32>, %y: !kernel.ref<[8], f32>) dims [] grid (1) {
  kernel.return
}

// Each thread goes through the program. Inputs, dims and outputs are read from the arrays of the caller.
// CHECK-LABEL: define internal void @nrc.program(ptr %run, i64 %thread)
// CHECK-DAG: %inputs = load ptr
// CHECK-DAG: %threads = load i64
// CHECK-DAG: %first = icmp eq i64 %thread, 0
// CHECK-DAG: %batch = load i64
// CHECK-DAG: %x = load ptr
// CHECK-DAG: %y = load ptr
kernel.host @m(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] arena (batch * 32 + 64) {
  // The second weight begins at the next multiple of 64.
  // CHECK: %second = getelementptr i8, ptr %weights, i64 64
  %first = kernel.weight @first -> !kernel.ref<[3], f32>
  %second = kernel.weight @second -> !kernel.ref<[16], f32>
  // CHECK: [[OFFSET:%.+]] = mul nsw i64 %batch, 32
  // CHECK: %h = getelementptr i8, ptr %arena, i64 [[OFFSET]]
  %h = kernel.arena batch * 32 -> !kernel.ref<[batch * 8], f32>
  // Offsets of views count elements.
  // CHECK: %v = getelementptr i8, ptr %h, i64 16
  %v = kernel.view %h offset 4 -> !kernel.ref<[8], f32>
  %xv = kernel.view %x offset 0 -> !kernel.ref<[batch * 8], f32>

  // A launch is a call over the whole grid, on the first thread.
  // CHECK: br i1 %first
  // CHECK: call void @kernel.copy(i64 0, i64 %batch, i64 %batch, ptr %x, ptr %second, ptr %h)
  kernel.launch @copy[batch](%xv, %second, %h)

  // Threads wait where there are several, and under the condition of the barrier.
  // CHECK: icmp sge i64 %batch, 9
  // CHECK: and i1 %several
  // CHECK: call void @nrc.barrier(ptr %run)
  kernel.barrier if batch >= 9

  // One that is parallel is cut into equal parts.
  // CHECK: [[GRID:%.+]] = mul nsw i64 %batch, 2
  // CHECK: [[BEFORE:%.+]] = mul i64 [[GRID]], %thread
  // CHECK: [[BEGIN:%.+]] = udiv i64 [[BEFORE]], %threads
  // CHECK: [[END:%.+]] = udiv i64 {{.+}}, %threads
  // Below the grid that is enough, the first thread runs all of it.
  // CHECK: icmp sge i64 [[GRID]], 7
  // CHECK: [[ALONE:%.+]] = select i1 %first, i64 [[GRID]], i64 0
  // CHECK: select i1 {{.+}}, i64 [[BEGIN]], i64 0
  // CHECK: select i1 {{.+}}, i64 [[END]], i64 [[ALONE]]
  // CHECK: call void @kernel.copy(i64 {{.+}}, i64 {{.+}}, i64 {{.+}}, ptr %x, ptr %second, ptr %h)
  kernel.launch @copy[batch * 2](%xv, %second, %h) {parallel = 7}

  // CHECK: br i1 %several
  // CHECK: call void @nrc.barrier(ptr %run)
  kernel.barrier

  // A grid of one program is the first thread's.
  // CHECK: br i1 %first
  // CHECK: call void @kernel.once(i64 0, i64 1, ptr %weights, ptr %v)
  kernel.launch @once[](%first, %v) {parallel}

  // CHECK: icmp sge i64 %batch, 6
  // CHECK: br i1 {{.+}}, label %then, label %else
  kernel.if batch >= 6 {
    kernel.launch @copy[batch](%xv, %second, %h)
  } else {
  }
  kernel.return
}
