// RUN: neuralc %s --emit=llvm --mcpu x86-64-v3 --triple x86_64-unknown-linux-gnu --pass-pipeline= -o - | filecheck %s
// RUN: not neuralc %s --target cuda --pass-pipeline= --emit=triton -o - 2>&1 | filecheck %s --check-prefix=CUDA

// CUDA: error[E0860]: kernel.next_state as Triton: what a model keeps between runs is not compiled for cuda yet

graph.dim @batch from 1
graph.weight @start : tensor<4xf32>
graph.state @swapped : tensor<?x4xf32, #graph.dims<batch>> init @start
graph.state @in_place : tensor<8xi16> init 3
graph.state @other : tensor<f64>

kernel.func @step(%n: index, %x: !kernel.ref<[n, 4], f32>, %y: !kernel.ref<[n, 4], f32>) dims [n] grid (n) {
  kernel.return
}
kernel.func @count(%x: !kernel.ref<[8], i16>) dims [] grid (1) {
  kernel.return
}
kernel.func @once(%x: !kernel.ref<[], f64>) dims [] grid (1) {
  kernel.return
}

// CHECK-DAG: @nrc.initial.in_place = internal constant [2 x i8] c"\03\00"
// CHECK-DAG: @nrc.initial.other = internal constant [8 x i8] zeroinitializer
// CHECK-DAG: @nrc.model = internal constant {{.*}} i32 3, i32 1, ptr @nrc.state_bytes, ptr @nrc.state_sizes, ptr @nrc.begin_states, ptr @nrc.shared_work }

// States that are swapped lie in both halves, one of which has the turn; behind both lie those that stay.
// CHECK-LABEL: define internal void @nrc.program(
kernel.host @m(%x: !kernel.ref<[batch, 4], f32>) dims [batch] inputs ["x"] outputs [] arena (0) {
  // CHECK: [[ROWS:%.+]] = mul nsw i64 %batch, 64
  // CHECK: [[HALF:%.+]] = add nsw i64 [[ROWS]], 64
  // CHECK: [[OTHER:%.+]] = xor i64 %turn, 1
  // CHECK: [[FOUND:%.+]] = mul i64 %turn, [[HALF]]
  // CHECK: [[LEFT:%.+]] = mul i64 [[OTHER]], [[HALF]]
  // CHECK: %found = getelementptr i8, ptr %states, i64 [[FOUND]]
  // CHECK: %left = getelementptr i8, ptr %states, i64 [[LEFT]]
  %next = kernel.next_state @swapped -> !kernel.ref<[batch, 4], f32>
  %now = kernel.state @swapped -> !kernel.ref<[batch, 4], f32>
  // CHECK: call void @kernel.step(i64 0, i64 %batch, i64 %batch, ptr %found, ptr %left)
  kernel.launch @step[batch](%now, %next)
  // CHECK: [[BOTH:%.+]] = mul nsw i64 %batch, 128
  // CHECK: [[BEHIND:%.+]] = add nsw i64 [[BOTH]], 128
  // CHECK: %stays = getelementptr i8, ptr %states, i64 [[BEHIND]]
  %stays = kernel.state @in_place -> !kernel.ref<[8], i16>
  // CHECK: call void @kernel.count(i64 0, i64 1, ptr %stays)
  kernel.launch @count[](%stays)
  // CHECK: %other = getelementptr i8, ptr %left
  %other = kernel.next_state @other -> !kernel.ref<[], f64>
  kernel.launch @once[](%other)
  // CHECK: ret void
  kernel.return
}

// CHECK-LABEL: define internal i64 @nrc.state_bytes(ptr %dims)

// The sizes that runs have to agree in.
// CHECK-LABEL: define internal void @nrc.state_sizes(ptr %dims, ptr %shape)

// What states hold at first: a weight as often as it fits, or a number.
// CHECK-LABEL: define internal void @nrc.begin_states(ptr %dims, ptr %states, ptr %weights)
// CHECK: call void @nrc.fill(ptr %swapped, i64 %{{.*}}, ptr %{{.*}}, i64 16)
// CHECK: call void @nrc.fill(ptr %other, i64 8, ptr @nrc.initial.other, i64 8)
// CHECK: call void @nrc.fill(ptr %in_place, i64 16, ptr @nrc.initial.in_place, i64 2)
