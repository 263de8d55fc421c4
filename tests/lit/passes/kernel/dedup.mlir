// kernel-dedup: kernels that do the same thing become one.
// RUN: neuralc-opt %s -p kernel-dedup | filecheck %s
// RUN: neuralc-opt %s -p kernel-dedup --remarks=passed -o %t 2>&1 | filecheck %s --check-prefix=REMARK

// CHECK: kernel.func @first(
kernel.func @first(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
  %sum = kernel.loop %k = 0 to 4 step 1 iter(%a = %zero) {
    %t = kernel.load %x[%p, %k over 0 masked] -> !kernel.tile<8xf32>
    %b = kernel.map add %a, %t -> !kernel.tile<8xf32>
    kernel.yield %b
  }
  kernel.store %sum, %y[%p, 0 over 0]
  kernel.return
}

// Other names of values, arguments and dims: the same kernel.
// CHECK-NOT: kernel.func @second(
kernel.func @second(%rows: index, %in: !kernel.ref<[rows, 8], f32>, %out: !kernel.ref<[rows, 8], f32>) dims [rows] grid (rows) {
  %id = kernel.program_id
  %start = kernel.splat 0.0 -> !kernel.tile<8xf32>
  %total = kernel.loop %i = 0 to 4 step 1 iter(%c = %start) {
    %line = kernel.load %in[%id, %i over 0 masked] -> !kernel.tile<8xf32>
    %d = kernel.map add %c, %line -> !kernel.tile<8xf32>
    kernel.yield %d
  }
  kernel.store %total, %out[%id, 0 over 0]
  kernel.return
}

// Another constant, another order of operands, another stride, another hint: other kernels.
// CHECK: kernel.func @trips(
kernel.func @trips(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
  %sum = kernel.loop %k = 0 to 5 step 1 iter(%a = %zero) {
    %t = kernel.load %x[%p, %k over 0 masked] -> !kernel.tile<8xf32>
    %b = kernel.map add %a, %t -> !kernel.tile<8xf32>
    kernel.yield %b
  }
  kernel.store %sum, %y[%p, 0 over 0]
  kernel.return
}

// CHECK: kernel.func @swapped(
kernel.func @swapped(%n: index, %y: !kernel.ref<[n, 8], f32>, %x: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
  %sum = kernel.loop %k = 0 to 4 step 1 iter(%a = %zero) {
    %t = kernel.load %x[%p, %k over 0 masked] -> !kernel.tile<8xf32>
    %b = kernel.map add %a, %t -> !kernel.tile<8xf32>
    kernel.yield %b
  }
  kernel.store %sum, %y[%p, 0 over 0]
  kernel.return
}

// CHECK: kernel.func @copy(
kernel.func @copy(%x: !kernel.ref<[8, 8], f32>) dims [] grid (1) {
  kernel.return
}

// CHECK: kernel.func @pitched(
kernel.func @pitched(%x: !kernel.ref<[8, 8], f32, [16, 1]>) dims [] grid (1) {
  kernel.return
}

// CHECK: kernel.func @hinted(
kernel.func @hinted(%x: !kernel.ref<[8, 8], f32>) dims [] grid (1) attributes {num_warps = 4 : i64} {
  kernel.return
}

// CHECK-LABEL: kernel.host @model(
kernel.host @model(%x: !kernel.ref<[batch, 8], f32>, %y: !kernel.ref<[batch, 8], f32>) dims [batch] inputs ["x"] outputs ["y"] {
  %h = kernel.alloc -> !kernel.ref<[batch, 8], f32>
  // CHECK: kernel.launch @first[batch](%x, %h)
  kernel.launch @first[batch](%x, %h)
  // CHECK-NEXT: kernel.if batch >= 2 {
  kernel.if batch >= 2 {
    // CHECK-NEXT: kernel.launch @first[batch](%h, %y)
    kernel.launch @second[batch](%h, %y)
  } else {
    // CHECK: kernel.launch @trips[batch](%h, %y)
    kernel.launch @trips[batch](%h, %y)
  }
  kernel.return
}

// REMARK-COUNT-1: passed: kernel.func: @second is the same as @first [kernel-dedup]
