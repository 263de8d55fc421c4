// The host program, before and after the memory plan.
// RUN: neuralc-opt %s | filecheck %s
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

graph.dim @batch from 1 origin "implied batch"
graph.weight @w : tensor<16xf32>

kernel.func @scale(%rows: index, %x: !kernel.ref<[rows, 16], f32>, %w: !kernel.ref<[16], f32>, %y: !kernel.ref<[rows, 16], f32>) dims [rows] grid (rows) {
  kernel.return
}

// CHECK-LABEL: kernel.host @model(
// CHECK-SAME: %x: !kernel.ref<[batch, 16], f32, [16, 1]>, %y: !kernel.ref<[batch, 16], f32, [16, 1]>)
// CHECK-SAME: dims [batch] inputs ["x"] outputs ["y"] arena (batch * 64 + 128) shared (batch * 910) {
kernel.host @model(%x: !kernel.ref<[batch, 16], f32>, %y: !kernel.ref<[batch, 16], f32>) dims [batch] inputs ["x"] outputs ["y"] arena (64 * batch + 128) shared (batch * 910) {
  // CHECK-NEXT: %w = kernel.weight @w -> !kernel.ref<[16], f32, [1]>
  %w = kernel.weight @w -> !kernel.ref<[16], f32>
  // CHECK-NEXT: %a = kernel.alloc -> !kernel.ref<[batch, 16], f32, [16, 1]>
  %a = kernel.alloc -> !kernel.ref<[batch, 16], f32>
  // CHECK-NEXT: %b = kernel.arena batch * 64 -> !kernel.ref<[32], f32, [1]>
  %b = kernel.arena 64 * batch -> !kernel.ref<[32], f32>
  // CHECK-NEXT: %s = kernel.status -> !kernel.ref<[1], i32, [1]>
  %s = kernel.status -> !kernel.ref<[1], i32>
  // CHECK-NEXT: %v = kernel.view %b offset 16 -> !kernel.ref<[4, 4], f32, [4, 1]>
  %v = kernel.view %b offset 16 -> !kernel.ref<[4, 4], f32>
  // CHECK-NEXT: kernel.launch @scale[batch](%x, %w, %a) {parallel}
  kernel.launch @scale[batch](%x, %w, %a) {parallel}
  // CHECK-NEXT: kernel.launch @scale[batch](%x, %w, %a) {parallel = 22 : i64}
  kernel.launch @scale[batch](%x, %w, %a) {parallel = 22}
  // CHECK-NEXT: kernel.barrier
  kernel.barrier
  // CHECK-NEXT: kernel.barrier if batch >= 11, batch * 2 >= 6
  kernel.barrier if batch >= 11, 2 * batch >= 6
  // CHECK-NEXT: kernel.if batch * 2 >= 6 {
  kernel.if 2 * batch >= 6 {
    // CHECK-NEXT: kernel.launch @scale[batch](%a, %w, %y){{$}}
    kernel.launch @scale[batch](%a, %w, %y)
  // CHECK-NEXT: } else {
  } else {
    kernel.if batch == 1 {
    } else {
    }
    kernel.if batch <= 2 {
    } else {
    }
  }
  // CHECK: kernel.return
  kernel.return
}
