// RUN: neuralc %s --emit=llvm --mcpu x86-64-v3 --triple x86_64-unknown-linux-gnu --pass-pipeline= -o - | filecheck %s
// RUN: neuralc %s --emit=llvm --mcpu x86-64 --triple x86_64-unknown-linux-gnu --pass-pipeline= -o - | filecheck %s --check-prefix PLAIN

// NaN goes through a maximum of two values: two instructions more than with a constant.
// CHECK-LABEL: define internal void @kernel.floats(
// CHECK: [[CLAMP:%.+]] = fcmp olt <8 x float> {{.+}}, %a.0
// CHECK: [[LARGER:%.+]] = fcmp ogt <8 x float> %a.0, %b.0
// CHECK-NEXT: [[CHOSEN:%.+]] = select <8 x i1> [[LARGER]], <8 x float> %a.0, <8 x float> %b.0
// CHECK-NEXT: [[NAN:%.+]] = fcmp uno <8 x float> %a.0, %a.0
// CHECK-NEXT: %both.0 = select <8 x i1> [[NAN]], <8 x float> %a.0, <8 x float> [[CHOSEN]]
// Products may fuse into sums, and nothing else may be done to them.
// CHECK: %scaled.0 = fmul contract <8 x float> %both.0, %relu.0
// CHECK: %sum.0 = fadd contract <8 x float> %scaled.0, %b.0
// PLAIN: call <8 x float> @llvm.fmuladd.v8f32
// CHECK: %fused.0 = call <8 x float> @llvm.fma.v8f32
// CHECK-NOT: {{nnan|ninf|nsz|arcp|afn|fast}}
kernel.func @floats(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f32>, %z: !kernel.ref<[8], f32>) dims [] grid (1) {
  %a = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %b = kernel.load %y[0 over 0] -> !kernel.tile<8xf32, v8>
  %six = kernel.splat 6.0 -> !kernel.tile<8xf32, v8>
  %relu = kernel.map minimum %a, %six -> !kernel.tile<8xf32, v8>
  %both = kernel.map maximum %a, %b -> !kernel.tile<8xf32, v8>
  %scaled = kernel.map mul %both, %relu -> !kernel.tile<8xf32, v8>
  %sum = kernel.map add %scaled, %b -> !kernel.tile<8xf32, v8>
  %fused = kernel.map fma %sum, %a, %b -> !kernel.tile<8xf32, v8>
  kernel.store %fused, %z[0 over 0]
  kernel.return
}

// Integer division never traps: a divisor of 0 or -1 is replaced before, the result after.
// CHECK-LABEL: define internal void @kernel.integers(
// CHECK: sdiv <8 x i32> %a.0, splat (i32 7)
// CHECK: [[ZERO:%.+]] = icmp eq <8 x i32> %b.0, zeroinitializer
// CHECK: select <8 x i1> [[ZERO]], <8 x i32> splat (i32 1), <8 x i32> %b.0
// CHECK: icmp eq <8 x i32> %b.0, splat (i32 -1)
// CHECK: sdiv <8 x i32>
// CHECK: call <8 x i32> @llvm.fptosi.sat.v8i32.v8f32
kernel.func @integers(%x: !kernel.ref<[8], i32>, %y: !kernel.ref<[8], i32>, %f: !kernel.ref<[8], f32>) dims [] grid (1) {
  %a = kernel.load %x[0 over 0] -> !kernel.tile<8xi32, v8>
  %b = kernel.load %y[0 over 0] -> !kernel.tile<8xi32, v8>
  %seven = kernel.splat 7 -> !kernel.tile<8xi32, v8>
  %0 = kernel.map div %a, %seven -> !kernel.tile<8xi32, v8>
  %1 = kernel.map div %0, %b -> !kernel.tile<8xi32, v8>
  %2 = kernel.map div %a, %b -> !kernel.tile<8xi32, v8>
  %float = kernel.load %f[0 over 0] -> !kernel.tile<8xf32, v8>
  %whole = kernel.convert %float -> !kernel.tile<8xi32, v8>
  %3 = kernel.map add %1, %2 -> !kernel.tile<8xi32, v8>
  %4 = kernel.map add %3, %whole -> !kernel.tile<8xi32, v8>
  kernel.store %4, %y[0 over 0]
  kernel.return
}

// A reduction has one order: pairs of vectors, then halves of the last one.
// CHECK-LABEL: define internal void @kernel.reduction(
// CHECK: [[LEFT:%.+]] = fadd contract <8 x float> %t.0, %t.1
// CHECK-NEXT: [[WHOLE:%.+]] = fadd contract <8 x float> [[LEFT]], %t.2
// CHECK-NEXT: [[LOW:%.+]] = shufflevector <8 x float> [[WHOLE]], <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
// CHECK-NEXT: [[HIGH:%.+]] = shufflevector <8 x float> [[WHOLE]], <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
// CHECK-NEXT: fadd contract <4 x float> [[LOW]], [[HIGH]]
kernel.func @reduction(%x: !kernel.ref<[24], f32>, %y: !kernel.ref<[1], f32>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<24xf32, v8>
  %sum = kernel.reduce add %t {axis = 0} -> !kernel.tile<f32, v1>
  %one = kernel.broadcast %sum -> !kernel.tile<1xf32, v1>
  kernel.store %one, %y[0 over 0]
  kernel.return
}

kernel.host @m(%x: !kernel.ref<[24], f32>, %i: !kernel.ref<[8], i32>, %z: !kernel.ref<[8], f32>, %j: !kernel.ref<[8], i32>) dims [] inputs ["x", "i"] outputs ["z", "j"] arena (0) {
  %a = kernel.view %x offset 0 -> !kernel.ref<[8], f32>
  %b = kernel.view %x offset 8 -> !kernel.ref<[8], f32>
  kernel.launch @floats[](%a, %b, %z)
  kernel.launch @integers[](%i, %j, %a)
  %one = kernel.view %z offset 0 -> !kernel.ref<[1], f32>
  kernel.launch @reduction[](%x, %one)
  kernel.return
}
