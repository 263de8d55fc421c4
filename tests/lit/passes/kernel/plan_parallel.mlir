// kernel-plan-parallel: launches that threads share, from some grid on, and how much work that is.
// RUN: neuralc-opt %s --mcpu x86-64-v3 -p 'kernel-plan-parallel{threshold-ns=20000}' | filecheck %s
// RUN: neuralc-opt %s --mcpu x86-64-v3 -p kernel-plan-parallel | neuralc-opt --mcpu x86-64-v3 -p 'kernel-plan-parallel{threshold-ns=20000}' | filecheck %s
// RUN: neuralc-opt %s --mcpu x86-64-v3 -p 'kernel-plan-parallel{threshold-ns=20000}' --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --mcpu x86-64-v3 -p 'kernel-plan-parallel{threshold-ns=1}' | filecheck %s --check-prefix=EAGER
// RUN: not neuralc-opt %s -p kernel-plan-parallel 2>&1 | filecheck %s --check-prefix=TARGET

graph.dim @batch from 1 origin "implied batch"
graph.dim @small from 1 to 4 origin "fixed"

// 6 x 16 products, 1024 deep: 12 vector multiply-adds and 8 loads a step.
kernel.func @products(%n: index, %x: !kernel.ref<[n, 1024], f32>, %w: !kernel.ref<[1024, 64], f32>, %y: !kernel.ref<[n, 64], f32>) dims [n] grid (ceildiv(n, 6) * 4) {
  %p = kernel.program_id
  %c4 = arith.constant 4 : index
  %c6 = arith.constant 6 : index
  %c16 = arith.constant 16 : index
  %pm = arith.divui %p, %c4 : index
  %pn = arith.remui %p, %c4 : index
  %row = arith.muli %pm, %c6 : index
  %column = arith.muli %pn, %c16 : index
  %zero = kernel.splat 0.0 -> !kernel.tile<6x16xf32, v8>
  %acc = kernel.loop %k = 0 to 1024 step 1 iter(%a = %zero) {
    %xt = kernel.load %x[%row over 0 masked, %k over 1] -> !kernel.tile<6x1xf32, v1>
    %wt = kernel.load %w[%k over 0, %column over 1] -> !kernel.tile<1x16xf32, v8>
    %d = kernel.dot %xt, %wt, %a {precision = "ieee"} -> !kernel.tile<6x16xf32, v8>
    kernel.yield %d
  }
  kernel.store %acc, %y[%row over 0 masked, %column over 1]
  kernel.return
}

kernel.func @single(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
  kernel.loop %k = 0 to 1000000 step 1 {
    %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
    kernel.store %t, %x[0 over 0]
    kernel.yield
  }
  kernel.return
}

kernel.func @copy(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %t = kernel.load %x[%p, 0 over 0] -> !kernel.tile<8xf32, v8>
  kernel.store %t, %y[%p, 0 over 0]
  kernel.return
}

// What threads share of it, in nanoseconds of one: 400 programs of the first launch and some more of the others.
// CHECK-LABEL: kernel.host @model(
// CHECK-SAME: outputs ["y"] shared ({{.*}}ceildiv(batch, 6) * {{[0-9]+}} + 1{{[0-9]+}}) {
// EAGER-LABEL: kernel.host @model(
kernel.host @model(%x: !kernel.ref<[batch, 1024], f32>, %s: !kernel.ref<[small, 8], f32>, %y: !kernel.ref<[batch, 64], f32>) dims [batch, small] inputs ["x", "s"] outputs ["y"] {
  %w = kernel.alloc -> !kernel.ref<[1024, 64], f32>
  %a = kernel.alloc -> !kernel.ref<[600, 1024], f32>
  %b = kernel.alloc -> !kernel.ref<[600, 64], f32>
  // Large for sure.
  // CHECK: kernel.launch @products[600](%a, %w, %b) {parallel}
  kernel.launch @products[600](%a, %w, %b)
  // From 6 programs on.
  // CHECK-NEXT: kernel.launch @products[batch](%x, %w, %y) {parallel = 6 : i64}
  // EAGER: kernel.launch @products[batch](%x, %w, %y) {parallel}
  kernel.launch @products[batch](%x, %w, %y)
  // What a choice says about the batch counts: 13 are 12 programs at least, 12 are 8 at most, 2 are 4.
  kernel.if batch >= 13 {
    kernel.if batch <= 20 {
      // CHECK: kernel.launch @products[batch](%x, %w, %y) {parallel}
      kernel.launch @products[batch](%x, %w, %y)
    } else {
    }
  } else {
    // CHECK: kernel.launch @products[batch](%x, %w, %y) {parallel = 6 : i64}
    kernel.launch @products[batch](%x, %w, %y)
    kernel.if batch == 2 {
      // CHECK: kernel.launch @products[batch](%x, %w, %y){{$}}
      kernel.launch @products[batch](%x, %w, %y)
    } else {
    }
  }
  // One program cannot be shared.
  // CHECK: kernel.launch @single[](%s){{$}}
  // EAGER: kernel.launch @single[](%s){{$}}
  kernel.launch @single[](%s)
  // Never large: `small` is 4 at most.
  // CHECK-NEXT: kernel.launch @copy[small](%s, %b){{$}}
  // EAGER-NEXT: kernel.launch @copy[small](%s, %b) {parallel = 2 : i64}
  kernel.launch @copy[small](%s, %b)
  kernel.return
}

// REMARK: passed: kernel.launch: shared by threads: a program takes about {{[0-9]+}} ns, the grid is 400 [kernel-plan-parallel]
// REMARK: passed: kernel.launch: shared by threads from 6 programs: a program takes about {{[0-9]+}} ns, the grid is ceildiv(batch, 6) * 4
// REMARK: missed: kernel.launch: not worth 20000 ns of waiting: a program takes about {{[0-9]+}} ns, the grid is 1
// REMARK: missed: kernel.launch: not worth 20000 ns of waiting: a program takes about {{[0-9]+}} ns, the grid is small

// TARGET: error[E0824]: pass `kernel-plan-parallel` needs a target
