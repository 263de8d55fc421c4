// RUN: neuralc-opt %s -p kernel-expand-math --split-input-file | filecheck %s

// exp: bounds, n = round(x / ln2), r = x - n ln2 in two steps, a polynomial of degree 6, times 2**n.
// CHECK-LABEL: kernel.func @exponential
// CHECK-DAG: [[LOW:%.+]] = kernel.splat -104.0
// CHECK: [[A:%.+]] = kernel.map maximum %t, [[LOW]]
// CHECK: [[X:%.+]] = kernel.map minimum [[A]],
// CHECK: [[Q:%.+]] = kernel.map mul [[X]],
// CHECK-NEXT: [[N:%.+]] = kernel.map round_even [[Q]]
// CHECK-COUNT-8: kernel.map fma
// CHECK-NOT: kernel.map fma
// CHECK: %e = kernel.map ldexp {{%.+}}, [[N]] -> !kernel.tile<8xf32, v8>
// CHECK-NEXT: kernel.store %e
kernel.func @exponential(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %e = kernel.map exp %t -> !kernel.tile<8xf32, v8>
  kernel.store %e, %x[0 over 0]
  kernel.return
}

// -----

// In a sum with 1 no exp is subnormal: half of 2**n, in one factor, times twice the polynomial.
// CHECK-LABEL: kernel.func @sigmoid
// CHECK: [[N:%.+]] = kernel.map round_even
// CHECK: [[HALF:%.+]] = kernel.map sub [[N]],
// CHECK: %e = kernel.map scale {{%.+}}, [[HALF]] -> !kernel.tile<8xf32, v8>
// CHECK-NEXT: kernel.map add %e, %one
kernel.func @sigmoid(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
  %one = kernel.splat 1.0 -> !kernel.tile<8xf32, v8>
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %e = kernel.map exp %t -> !kernel.tile<8xf32, v8>
  %s = kernel.map add %e, %one -> !kernel.tile<8xf32, v8>
  kernel.store %s, %x[0 over 0]
  kernel.return
}

// -----

// Where the exp itself is wanted too, it may be subnormal.
// CHECK-LABEL: kernel.func @both
// CHECK: kernel.map ldexp
// CHECK-NOT: kernel.map scale
kernel.func @both(%x: !kernel.ref<[8], f32>) dims [] grid (1) {
  %one = kernel.splat 1.0 -> !kernel.tile<8xf32, v8>
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %e = kernel.map exp %t -> !kernel.tile<8xf32, v8>
  %s = kernel.map add %e, %one -> !kernel.tile<8xf32, v8>
  %p = kernel.map mul %e, %s -> !kernel.tile<8xf32, v8>
  kernel.store %p, %x[0 over 0]
  kernel.return
}

// -----

// fp16 is computed in fp32 and rounded once.
// CHECK-LABEL: kernel.func @half
// CHECK: [[WIDE:%.+]] = kernel.convert %t -> !kernel.tile<8xf32, v8>
// CHECK: [[A:%.+]] = kernel.map abs [[WIDE]]
// CHECK: [[B:%.+]] = kernel.map minimum [[A]],
// CHECK: kernel.map div
// CHECK: kernel.map lt [[B]],
// CHECK: [[RESULT:%.+]] = kernel.map select
// CHECK-NEXT: %h = kernel.convert [[RESULT]] -> !kernel.tile<8xf16, v8>
kernel.func @half(%x: !kernel.ref<[8], f16>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf16, v8>
  %h = kernel.map tanh %t -> !kernel.tile<8xf16, v8>
  kernel.store %h, %x[0 over 0]
  kernel.return
}

// -----

// log takes exponent and significand apart; fp64 has coefficients of its own; scalars expand as vectors do.
// CHECK-LABEL: kernel.func @logarithm
// CHECK: [[E:%.+]] = kernel.map logb %t -> !kernel.tile<2xf64, v1>
// CHECK: [[MINUS:%.+]] = kernel.map neg [[E]]
// CHECK: kernel.map ldexp %t, [[MINUS]]
// CHECK: %l = kernel.map select
kernel.func @logarithm(%x: !kernel.ref<[2], f64>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<2xf64, v1>
  %l = kernel.map log %t -> !kernel.tile<2xf64, v1>
  kernel.store %l, %x[0 over 0]
  kernel.return
}

// -----

// erf and pow leave no function behind that a CPU has no instruction for; pow of fp64 stays.
// CHECK-LABEL: kernel.func @others
// CHECK-NOT: kernel.map {{(erf|exp|log|tanh) }}
// CHECK: kernel.map pow {{.+}} -> !kernel.tile<8xf64, v8>
// CHECK-NOT: kernel.map {{(pow|erf|exp|log|tanh) }}
// CHECK: kernel.return
kernel.func @others(%x: !kernel.ref<[8], f32>, %y: !kernel.ref<[8], f64>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<8xf32, v8>
  %d = kernel.load %y[0 over 0] -> !kernel.tile<8xf64, v8>
  %stays = kernel.map pow %d, %d -> !kernel.tile<8xf64, v8>
  kernel.store %stays, %y[0 over 0]
  %erf = kernel.map erf %t -> !kernel.tile<8xf32, v8>
  %pow = kernel.map pow %erf, %t -> !kernel.tile<8xf32, v8>
  kernel.store %pow, %x[0 over 0]
  kernel.return
}
