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

// Inputs, dims and outputs are read from the arrays of the caller.
// CHECK-LABEL: define internal i32 @nrc.program(ptr %inputs, ptr %dims, ptr %outputs, ptr %arena, ptr %weights, ptr %pool, ptr %states, i64 %turn)
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

  // A launch is a call over the whole grid, whatever the context has.
  // CHECK: call void @kernel.copy(i64 0, i64 %batch, i64 %batch, ptr %x, ptr %second, ptr %h)
  kernel.launch @copy[batch](%xv, %second, %h)

  // One that is parallel goes through the pool where there is one.
  // CHECK: icmp eq ptr %pool, null
  // CHECK: call void @kernel.copy(i64 0, i64 [[GRID:.+]], i64 {{.+}}, ptr %x, ptr %second, ptr %h)
  // CHECK: call void @nrc.parallel(ptr %pool, ptr @nrc.task.kernel.copy, ptr %arguments, i64 {{.+}})
  kernel.launch @copy[batch * 2](%xv, %second, %h) {parallel}

  // A grid of one program is not worth a fork.
  // CHECK-NOT: nrc.task.kernel.once
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

// The pool calls kernels with a range of programs and the arguments in memory.
// CHECK-LABEL: define internal void @nrc.task.kernel.copy(i64 %begin, i64 %end, ptr %arguments)
// CHECK: call void @kernel.copy(i64 %begin, i64 %end,
