// RUN: neuralc %s --emit=llvm --mcpu x86-64-v3 --triple x86_64-unknown-linux-gnu --threads 3 --pass-pipeline= -o - | filecheck %s
// RUN: neuralc %s --emit=asm --mcpu neoverse-n1 --pass-pipeline= -o - | filecheck %s --check-prefix ARM
// RUN: neuralc %s --emit=asm --triple riscv64-unknown-linux-gnu --pass-pipeline= -o - | filecheck %s --check-prefix RISCV

graph.dim @S from 2 to 2048 origin "m.nr:3:12"

kernel.host @tokens(%x: !kernel.ref<[S, 4], i64>, %y: !kernel.ref<[ceildiv(S, 2), 3], f16>) dims [S] inputs ["ids"] outputs ["scores"] arena (S * 4096) {
  kernel.return
}

// Names, sizes and bounds are data.
// CHECK-DAG: c"ids\00"
// CHECK-DAG: c"ceildiv(S, 2)\00"
// CHECK-DAG: c"m.nr:3:12\00"
// CHECK-DAG: [1 x { i64, ptr, ptr, i64, i64 }] [{ i64, ptr, ptr, i64, i64 } { i64 40, ptr {{.+}}, ptr {{.+}}, i64 2, i64 2048 }]

// The inputs are int64 (8) of rank 2, the outputs float16 (1).
// CHECK-DAG: { i64 32, ptr {{.+}}, ptr {{.+}}, i32 8, i32 2, ptr @nrc.shape.0 }
// CHECK-DAG: { i64 32, ptr {{.+}}, ptr {{.+}}, i32 1, i32 2, ptr @nrc.shape.1 }

// AVX2: CPUID leaf 7, ebx, bit 5, and the system saves its registers.
// CHECK-DAG: { ptr, i32, i32, i32, i32, i32 } { ptr {{.+}}, i32 7, i32 0, i32 1, i32 32, i32 6 }

// ABI version, threads, then one input, output and dim.
// CHECK-DAG: @nrc.model = internal constant {{.*}} i32 4, i32 3, i32 1, i32 1, i32 1,
// CHECK-DAG: @nrc_weights_tokens = external constant i8

// A shape is a function of the dims.
// CHECK-LABEL: define internal void @nrc.shape.1(ptr %dims, ptr %shape)
// CHECK: udiv i64

// The bytes of the arena are counted with overflow checks: dims come from the caller.
// CHECK-LABEL: define internal i64 @nrc.arena_size(ptr %dims)
// CHECK: @llvm.smul.with.overflow.i64
// CHECK: select i1 {{.+}}, i64 -1,

// CHECK-LABEL: define weak ptr @nrc_get_model()
// CHECK: ret ptr @nrc.model
// CHECK-LABEL: define ptr @nrc_model_tokens()

// ARM: getauxval
// RISCV: nrc_model_tokens
