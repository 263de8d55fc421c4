// RUN: neuralc %s --emit=llvm --mcpu x86-64-v3 --triple x86_64-unknown-linux-gnu --pass-pipeline= -o - | filecheck %s

// A tail: lanes are compared with how many are left. The first vector is inside for certain and needs no mask.
// CHECK-LABEL: define internal void @kernel.tail(
// CHECK: load <8 x float>, ptr %x, align 4
// CHECK: [[THREE:%.+]] = icmp slt <8 x i32> <i32 0, {{.+}}>, splat (i32 3)
// CHECK-NEXT: [[TAIL:%.+]] = getelementptr float, ptr %x, i64 8
// CHECK-NEXT: %t.1 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr align 4 [[TAIL]], <8 x i1> [[THREE]], <8 x float> splat (float 1.000000e+00))
// CHECK: [[LEFT:%.+]] = call i64 @llvm.smin.i64(i64 {{.+}}, i64 8)
// CHECK-NEXT: [[SOME:%.+]] = call i64 @llvm.smax.i64(i64 [[LEFT]], i64 0)
// CHECK: [[MASK:%.+]] = icmp slt <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>, {{.+}}
// CHECK: call void @llvm.masked.store.v8f32.p0(<8 x float> %t.0, ptr align 4 %y, <8 x i1> [[MASK]])
kernel.func @tail(%n: index, %x: !kernel.ref<[11], f32>, %y: !kernel.ref<[n], f32>) dims [n] grid (1) {
  %t = kernel.load %x[0 over 0 masked] other 1.0 -> !kernel.tile<16xf32, v8>
  kernel.store %t, %y[0 over 0 masked]
  kernel.return
}

// A row outside is read from and written to memory of the frame, without a branch.
// CHECK-LABEL: define internal void @kernel.rows(
// CHECK: %masked_out = alloca [512 x i8], align 64
// CHECK: [[INSIDE:%.+]] = icmp ult i64 {{.+}}, %n
// CHECK: [[ADDRESS:%.+]] = select i1 [[INSIDE]], ptr {{.+}}, ptr %masked_out
// CHECK-NEXT: [[LOADED:%.+]] = load <8 x float>, ptr [[ADDRESS]], align 4
// CHECK-NEXT: %t.0.0 = select i1 [[INSIDE]], <8 x float> [[LOADED]], <8 x float> zeroinitializer
// CHECK: %t.1.0 = select
// CHECK: [[TARGET:%.+]] = select i1 {{.+}}, ptr {{.+}}, ptr %masked_out
// CHECK-NEXT: store <8 x float> %t.0.0, ptr [[TARGET]], align 4
kernel.func @rows(%n: index, %x: !kernel.ref<[n, 8], f32>, %y: !kernel.ref<[n, 8], f32>) dims [n] grid (ceildiv(n, 2)) {
  %p = kernel.program_id
  %c2 = arith.constant 2 : index
  %i = arith.muli %p, %c2 : index
  %t = kernel.load %x[%i over 0 masked, 0 over 1] -> !kernel.tile<2x8xf32, v8>
  kernel.store %t, %y[%i over 0 masked, 0 over 1]
  kernel.return
}

// Gathered rows: an address a row, constants for what is beside it.
// CHECK-LABEL: define internal void @kernel.gather(
// CHECK: [[ROW:%.+]] = sext i32 %rows.0 to i64
// CHECK-NEXT: [[OFFSET:%.+]] = mul nsw i64 [[ROW]], 64
// CHECK-NEXT: [[BASE:%.+]] = getelementptr float, ptr %x, i64 [[OFFSET]]
// CHECK-NEXT: %t.0.0 = load float, ptr [[BASE]], align 4
// CHECK-NEXT: [[NEXT:%.+]] = getelementptr float, ptr [[BASE]], i64 1
// CHECK-NEXT: %t.0.1 = load float, ptr [[NEXT]], align 4
// CHECK: sext i32 %rows.1 to i64
kernel.func @gather(%x: !kernel.ref<[9, 64], f32>, %where: !kernel.ref<[2], i32>, %y: !kernel.ref<[2, 2], f32>) dims [] grid (1) {
  %rows = kernel.load %where[0 over 0] -> !kernel.tile<2xi32, v1>
  %t = kernel.load %x[%rows over 0, 0 over 1] -> !kernel.tile<2x2xf32, v1>
  kernel.store %t, %y[0 over 0, 0 over 1]
  kernel.return
}

// Stride 0 along the lanes is one load; truth values are bytes in memory; a promised alignment is used.
// CHECK-LABEL: define internal void @kernel.forms(
// CHECK: load float, ptr %x, align 4
// CHECK: shufflevector
// CHECK: [[BYTES:%.+]] = load <8 x i8>, ptr %flags, align 1
// CHECK-NEXT: %flag.0 = icmp ne <8 x i8> [[BYTES]], zeroinitializer
// CHECK: load <8 x float>, ptr %z, align 64
kernel.func @forms(%x: !kernel.ref<[8], f32, [0]>, %flags: !kernel.ref<[8], i1>, %z: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>) dims [] grid (1) {
  %spread = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %flag = kernel.load %flags[0 over 0] -> !kernel.tile<8xi1, v8>
  %other = kernel.load %z[0 over 0] align 64 -> !kernel.tile<8xf32, v8>
  %t = kernel.map select %flag, %spread, %other -> !kernel.tile<8xf32, v8>
  kernel.store %t, %y[0 over 0]
  kernel.return
}

kernel.host @m(%x: !kernel.ref<[576], f32>, %where: !kernel.ref<[2], i32>, %flags: !kernel.ref<[8], i1>, %y: !kernel.ref<[16], f32>) dims [] inputs ["x", "where", "flags"] outputs ["y"] arena (0) {
  %x11 = kernel.view %x offset 0 -> !kernel.ref<[11], f32>
  %y16 = kernel.view %y offset 0 -> !kernel.ref<[16], f32>
  kernel.launch @tail[16](%x11, %y16)
  %x2 = kernel.view %x offset 0 -> !kernel.ref<[2, 8], f32>
  %y2 = kernel.view %y offset 0 -> !kernel.ref<[2, 8], f32>
  kernel.launch @rows[2](%x2, %y2)
  %x9 = kernel.view %x offset 0 -> !kernel.ref<[9, 64], f32>
  %y4 = kernel.view %y offset 0 -> !kernel.ref<[2, 2], f32>
  kernel.launch @gather[](%x9, %where, %y4)
  %x0 = kernel.view %x offset 0 -> !kernel.ref<[8], f32, [0]>
  %z = kernel.view %x offset 16 -> !kernel.ref<[8], f32>
  %y8 = kernel.view %y offset 0 -> !kernel.ref<[8], f32>
  kernel.launch @forms[](%x0, %flags, %z, %y8)
  kernel.return
}
