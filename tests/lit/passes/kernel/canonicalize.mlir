// kernel-canonicalize: one written form for each thing a kernel can say.
// RUN: neuralc-opt %s -p kernel-canonicalize | filecheck %s
// RUN: neuralc-opt %s -p kernel-canonicalize | neuralc-opt -p kernel-canonicalize | filecheck %s
// RUN: neuralc-opt %s -p kernel-canonicalize --remarks=passed -o %t 2>&1 | filecheck %s --check-prefix=REMARK

// Index arithmetic is folded; constants become numbers where they are used.
// CHECK-LABEL: kernel.func @addresses(
kernel.func @addresses(%n: index, %x: !kernel.ref<[n, 64], f32>, %y: !kernel.ref<[n, 64], f32>) dims [n] grid (n * 4) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  // CHECK-NEXT: %c4 = arith.constant 4 : index
  // CHECK-NEXT: %c16 = arith.constant 16 : index
  // CHECK-NEXT: %p = kernel.program_id
  %p = kernel.program_id
  // CHECK-NEXT: %row = arith.divui %p, %c4 : index
  %row = arith.divui %p, %c4 : index
  // CHECK-NEXT: %block = arith.remui %p, %c4 : index
  %block = arith.remui %p, %c4 : index
  %same = arith.addi %c0, %row : index
  %scaled = arith.muli %c16, %block : index
  // CHECK-NEXT: %scaled = arith.muli %block, %c16 : index
  %column = arith.muli %scaled, %c1 : index
  %back = arith.divui %column, %c16 : index
  %zero = arith.remui %column, %c4 : index
  // CHECK-NEXT: %t = kernel.load %x[%row, %scaled over 0] -> !kernel.tile<16xf32, v8>
  %t = kernel.load %x[%same, %column over 0] -> !kernel.tile<16xf32, v8>
  // CHECK-NEXT: %u = kernel.load %x[%block, 0 over 0] -> !kernel.tile<16xf32, v8>
  %u = kernel.load %x[%back, %zero over 0] -> !kernel.tile<16xf32, v8>
  // CHECK-NEXT: %v = kernel.map add %t, %u
  %v = kernel.map add %t, %u -> !kernel.tile<16xf32, v8>
  // CHECK-NEXT: kernel.store %v, %y[%row, %scaled over 0]
  kernel.store %v, %y[%row, %column over 0]
  kernel.return
}

// Constants are joined: the number of row blocks, (n + 6 - 1) / 6.
// CHECK-LABEL: kernel.func @sums(
kernel.func @sums(%n: index, %y: !kernel.ref<[n], i32>) dims [n] grid (1) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c6 = arith.constant 6 : index
  %a = arith.addi %n, %c6 : index
  // CHECK: %c5 = arith.constant 5 : index
  // CHECK-NEXT: %b = arith.addi %n, %c5 : index
  %b = arith.subi %a, %c1 : index
  // CHECK: %c12 = arith.constant 12 : index
  // CHECK-NEXT: %d = arith.divui %b, %c12 : index
  %c = arith.divui %b, %c6 : index
  %d = arith.divui %c, %c2 : index
  %t = kernel.splat %d -> !kernel.tile<1xi32>
  kernel.store %t, %y[0 over 0]
  kernel.return
}

// A gather by consecutive places is a start.
// CHECK-LABEL: kernel.func @gather(
kernel.func @gather(%x: !kernel.ref<[64], f32>, %y: !kernel.ref<[64], f32>) dims [] grid (8) {
  %p = kernel.program_id
  %c8 = arith.constant 8 : index
  // CHECK: %start = arith.muli %p, %c8 : index
  %start = arith.muli %p, %c8 : index
  %places = kernel.iota %start -> !kernel.tile<8xi32>
  // CHECK-NEXT: %t = kernel.load %x[%start over 0] -> !kernel.tile<8xf32>
  %t = kernel.load %x[%places over 0] -> !kernel.tile<8xf32>
  // CHECK-NEXT: kernel.store %t, %y[%start over 0]
  kernel.store %t, %y[%places over 0]
  kernel.return
}

// Loops: one that runs once is inlined, one that never runs or that nobody needs goes, values that do not change are
// not carried.
// CHECK-LABEL: kernel.func @loops(
kernel.func @loops(%x: !kernel.ref<[64], f32>, %y: !kernel.ref<[64], f32>) dims [] grid (8) {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  // CHECK-NEXT: %t = kernel.load %x[0 over 0]
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
  %u = kernel.loop %k = 3 to %c4 step 1 iter(%a = %t) {
    // CHECK-NEXT: %next = kernel.load %x[3 over 0]
    %next = kernel.load %x[%k over 0] -> !kernel.tile<8xf32>
    // CHECK-NEXT: %b = kernel.map add %t, %next
    %b = kernel.map add %a, %next -> !kernel.tile<8xf32>
    kernel.yield %b
  }
  %v = kernel.loop %k = 8 to 2 step 1 iter(%a = %u) {
    %b = kernel.map exp %a -> !kernel.tile<8xf32>
    kernel.yield %b
  }
  kernel.loop %k = 0 to 100 step 1 {
    %unread = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
    kernel.yield
  }
  // CHECK-NEXT: %w = kernel.loop %k = 0 to 4 step 1 iter(%a = %b) {
  %w, %fixed, %unread = kernel.loop %k = 0 to %c4 step 1 iter(%a = %v, %f = %t, %d = %t) {
    // CHECK-NEXT: %e = kernel.map mul %a, %t
    %e = kernel.map mul %a, %f -> !kernel.tile<8xf32>
    // CHECK-NEXT: kernel.yield %e
    kernel.yield %e, %f, %e
  }
  // CHECK-NEXT: }
  // CHECK-NEXT: %g = kernel.map add %w, %t
  %g = kernel.map add %w, %fixed -> !kernel.tile<8xf32>
  // CHECK-NEXT: kernel.store %g, %y[0 over 0]
  kernel.store %g, %y[0 over 0]
  kernel.return
}

// Maps, broadcasts, reshapes, transposes and conversions that change nothing; constants.
// CHECK-LABEL: kernel.func @tiles(
kernel.func @tiles(%x: !kernel.ref<[4, 8], f32>, %y: !kernel.ref<[4, 8], f32>) dims [] grid (1) {
  // CHECK-NEXT: %t = kernel.load %x[0 over 0, 0 over 1]
  %t = kernel.load %x[0 over 0, 0 over 1] -> !kernel.tile<4x8xf32, v8>
  %one = kernel.splat 1.0 -> !kernel.tile<4x8xf32, v8>
  %zero = kernel.splat 0.0 -> !kernel.tile<4x8xf32, v8>
  %a = kernel.map mul %one, %t -> !kernel.tile<4x8xf32, v8>
  %b = kernel.map sub %a, %zero -> !kernel.tile<4x8xf32, v8>
  %lowest = kernel.splat "-inf" -> !kernel.tile<4x8xf32, v8>
  %b2 = kernel.map maximum %lowest, %b -> !kernel.tile<4x8xf32, v8>
  %c = kernel.map maximum %b2, %b2 -> !kernel.tile<4x8xf32, v8>
  %d = kernel.map neg %c -> !kernel.tile<4x8xf32, v8>
  %e = kernel.map neg %d -> !kernel.tile<4x8xf32, v8>
  %f = kernel.reshape %e -> !kernel.tile<2x2x8xf32, v8>
  %g = kernel.transpose %f {perm = [1, 0, 2]} -> !kernel.tile<2x2x8xf32, v8>
  %h = kernel.transpose %g {perm = [1, 0, 2]} -> !kernel.tile<2x2x8xf32, v8>
  %i = kernel.reshape %h -> !kernel.tile<4x8xf32, v8>
  %j = kernel.convert %i -> !kernel.tile<4x8xf32, v1>
  %k = kernel.convert %j -> !kernel.tile<4x8xf32, v8>
  // 1 + 1 is 2, everywhere.
  // CHECK-NEXT: %two = kernel.splat 2.0 -> !kernel.tile<4x8xf32, v8>
  %two = kernel.map add %one, %one -> !kernel.tile<4x8xf32, v8>
  %yes = kernel.map lt %one, %two -> !kernel.tile<4x8xi1, v8>
  %l = kernel.map select %yes, %k, %two -> !kernel.tile<4x8xf32, v8>
  // CHECK-NEXT: %m = kernel.map div %t, %two
  %m = kernel.map div %l, %two -> !kernel.tile<4x8xf32, v8>
  // CHECK-NEXT: kernel.store %m, %y
  kernel.store %m, %y[0 over 0, 0 over 1]
  kernel.return
}

// A map of tiles that were broadcast alike is computed before the broadcast; broadcasts of broadcasts are one.
// CHECK-LABEL: kernel.func @broadcasts(
kernel.func @broadcasts(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[2, 4, 8], f32>) dims [] grid (1) {
  // CHECK-NEXT: %t = kernel.load %x[0 over 0]
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %wide = kernel.broadcast %t {dims = [1]} -> !kernel.tile<4x8xf32, v8>
  // CHECK-NEXT: %{{.*}} = kernel.map exp %t -> !kernel.tile<8xf32, v8>
  %e = kernel.map exp %wide -> !kernel.tile<4x8xf32, v8>
  // CHECK-NEXT: kernel.broadcast %{{.*}} {dims = [2]} -> !kernel.tile<2x4x8xf32, v8>
  %wider = kernel.broadcast %e {dims = [1, 2]} -> !kernel.tile<2x4x8xf32, v8>
  kernel.store %wider, %y[0 over 0, 0 over 1, 0 over 2]
  kernel.return
}

// Equal values are one value; two loads are, while nothing is stored in between.
// CHECK-LABEL: kernel.func @equal(
kernel.func @equal(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] grid (1) {
  // CHECK-NEXT: %a = kernel.load %x[0 over 0]
  %a = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
  %b = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
  // CHECK-NEXT: %c = kernel.map mul %a, %a
  %c = kernel.map mul %a, %b -> !kernel.tile<8xf32>
  // CHECK-NEXT: kernel.store %c, %y[0 over 0]
  kernel.store %c, %y[0 over 0]
  // CHECK-NEXT: %d = kernel.load %x[0 over 0]
  %d = kernel.load %x[0 over 0] -> !kernel.tile<8xf32>
  // CHECK-NEXT: %e = kernel.map add %d, %c
  %e = kernel.map add %d, %c -> !kernel.tile<8xf32>
  // CHECK-NEXT: kernel.store %e, %y[0 over 0]
  kernel.store %e, %y[0 over 0]
  kernel.return
}

// Scratch memory that nobody reads goes.
// CHECK-LABEL: kernel.func @scratch(
kernel.func @scratch(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
  %a = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %p = kernel.local -> !kernel.ref<[8], f32>
  kernel.store %a, %p[0 over 0]
  // CHECK-NEXT: kernel.return
  kernel.return
}

// Not: what changes -0.0 or NaN, a remainder of something that may be negative, a loop that stores.
// CHECK-LABEL: kernel.func @kept(
kernel.func @kept(%n: index, %x: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>) dims [n] grid (1) {
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %t = kernel.load %x[0 over 0 masked] -> !kernel.tile<8xf32>
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32>
  // CHECK: %a = kernel.map add %t, %zero
  %a = kernel.map add %t, %zero -> !kernel.tile<8xf32>
  // CHECK-NEXT: %b = kernel.map mul %a, %zero
  %b = kernel.map mul %a, %zero -> !kernel.tile<8xf32>
  // CHECK-NEXT: %c = kernel.map sub %b, %b
  %c = kernel.map sub %b, %b -> !kernel.tile<8xf32>
  // CHECK-NEXT: %before = arith.subi %n, %c8 : index
  %before = arith.subi %n, %c8 : index
  // CHECK-NEXT: %scaled = arith.muli %before, %c8 : index
  %scaled = arith.muli %before, %c8 : index
  // CHECK-NEXT: arith.remui %scaled, %c4 : index
  %rest = arith.remui %scaled, %c4 : index
  // CHECK-NEXT: kernel.loop %k = 0 to 4 step 1 {
  kernel.loop %k = 0 to 4 step 1 {
    kernel.store %c, %y[%rest over 0 masked]
    kernel.yield
  }
  kernel.return
}

// REMARK: passed: kernel.loop: a loop that runs once is inlined [kernel-canonicalize]
// REMARK: passed: kernel.loop: a loop that never runs is removed [kernel-canonicalize]
// REMARK: passed: kernel.loop: a loop without effect is removed [kernel-canonicalize]
