// RUN: neuralc %s --emit=llvm --mcpu x86-64-v3 --triple x86_64-unknown-linux-gnu --pass-pipeline= -o - | filecheck %s

// A product: one phi a vector, addresses with folded constants, a broadcast of each scalar, one fma a vector.
// CHECK-LABEL: define internal void @kernel.product(
// CHECK-SAME: i64 %begin, i64 %end, ptr noalias %a, ptr noalias %b, ptr noalias %c)
// CHECK: icmp slt i64 %begin, %end
// CHECK-NEXT: br i1 {{.+}}, label %sizes, label %done
// CHECK: program:
// CHECK-NEXT: %program_id = phi i64 [ %begin, %sizes ], [ %next_program, %after.k ]
// CHECK: loop.k:
// CHECK-NEXT: %k = phi i64 [ 0, %program ], [ %k.next, %loop.k ]
// CHECK-NEXT: %acc.0.0 = phi <8 x float> [ zeroinitializer, %program ], [ %next.0.0, %loop.k ]
// CHECK-NEXT: %acc.1.0 = phi <8 x float> [ zeroinitializer, %program ], [ %next.1.0, %loop.k ]
// CHECK-NEXT: [[A:%.+]] = getelementptr float, ptr %a, i64 %k
// CHECK-NEXT: %left.0.0 = load float, ptr [[A]], align 4
// CHECK-NEXT: [[A1:%.+]] = getelementptr float, ptr [[A]], i64 32
// CHECK-NEXT: %left.1.0 = load float, ptr [[A1]], align 4
// CHECK: %right.0.0 = load <8 x float>, ptr {{.+}}, align 64
// CHECK: [[L0:%.+]] = shufflevector {{.+}} zeroinitializer
// CHECK-NEXT: %next.0.0 = call <8 x float> @llvm.fma.v8f32(<8 x float> [[L0]], <8 x float> %right.0.0, <8 x float> %acc.0.0)
// CHECK: %next.1.0 = call <8 x float> @llvm.fma.v8f32
// CHECK-NEXT: %k.next = add nsw i64 %k, 1
// CHECK-NEXT: [[MORE:%.+]] = icmp slt i64 %k.next, 32
// CHECK-NEXT: br i1 [[MORE]], label %loop.k, label %after.k, !llvm.loop
// CHECK: after.k:
// CHECK-NEXT: store <8 x float> %next.0.0, ptr %c, align 4
// CHECK: ret void
kernel.func @product(%a: !kernel.ref<[2, 32], f32>, %b: !kernel.ref<[32, 8], f32>, %c: !kernel.ref<[2, 8], f32>) dims [] grid (1) {
  %zero = kernel.splat 0.0 -> !kernel.tile<2x8xf32, v8>
  %result = kernel.loop %k = 0 to 32 step 1 iter(%acc = %zero) {
    %left = kernel.load %a[0 over 0, %k over 1] -> !kernel.tile<2x1xf32, v1>
    %right = kernel.load %b[%k over 0, 0 over 1] align 64 -> !kernel.tile<1x8xf32, v8>
    %next = kernel.dot %left, %right, %acc {precision = "ieee"} -> !kernel.tile<2x8xf32, v8>
    kernel.yield %next
  }
  kernel.store %result, %c[0 over 0, 0 over 1]
  kernel.return
}

// A trip count known at run time: the loop is skipped where it is zero, and results are merged behind it.
// CHECK-LABEL: define internal void @kernel.dynamic(
// CHECK: sizes:
// CHECK-NEXT: [[SIZE:%.+]] = mul nsw i64 %n, 8
// CHECK: [[ENTER:%.+]] = icmp slt i64 0, %n
// CHECK-NEXT: br i1 [[ENTER]], label %loop.i, label %after.i
// CHECK: after.i:
// CHECK-NEXT: %sum.0 = phi <8 x float> [ zeroinitializer, %program ], [ %next.0, %loop.i ]
kernel.func @dynamic(%n: index, %x: !kernel.ref<[n * 8], f32>, %y: !kernel.ref<[8], f32>) dims [n] grid (1) {
  %c8 = arith.constant 8 : index
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32, v8>
  %sum = kernel.loop %i = 0 to %n step 1 iter(%acc = %zero) {
    %place = arith.muli %i, %c8 : index
    %t = kernel.load %x[%place over 0] -> !kernel.tile<8xf32, v8>
    %next = kernel.map add %acc, %t -> !kernel.tile<8xf32, v8>
    kernel.yield %next
  }
  kernel.store %sum, %y[0 over 0]
  kernel.return
}

// One round, and none, are straight code.
// CHECK-LABEL: define internal void @kernel.straight(
// CHECK-NOT: loop.
// CHECK: %t.0 = load <8 x float>, ptr %x
// CHECK: store <8 x float> %t.0, ptr %y
kernel.func @straight(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] grid (1) {
  %zero = kernel.splat 0.0 -> !kernel.tile<8xf32, v8>
  %once = kernel.loop %i = 0 to 8 step 8 iter(%a = %zero) {
    %t = kernel.load %x[%i over 0] -> !kernel.tile<8xf32, v8>
    kernel.yield %t
  }
  %never = kernel.loop %i = 3 to 3 step 1 iter(%a = %once) {
    %n = kernel.map neg %a -> !kernel.tile<8xf32, v8>
    kernel.yield %n
  }
  kernel.store %never, %y[0 over 0]
  kernel.return
}

kernel.host @m(%x: !kernel.ref<[64], f32>, %y: !kernel.ref<[16], f32>) dims [] inputs ["x"] outputs ["y"] arena (0) {
  %b = kernel.arena 0 -> !kernel.ref<[32, 8], f32>
  %a = kernel.view %x offset 0 -> !kernel.ref<[2, 32], f32>
  %c = kernel.view %y offset 0 -> !kernel.ref<[2, 8], f32>
  kernel.launch @product[](%a, %b, %c)
  %x8 = kernel.view %x offset 0 -> !kernel.ref<[8], f32>
  %y8 = kernel.view %y offset 0 -> !kernel.ref<[8], f32>
  kernel.launch @dynamic[8](%x, %y8)
  kernel.launch @straight[](%x8, %y8)
  kernel.return
}
// CHECK: !{!"llvm.loop.unroll.disable"}
