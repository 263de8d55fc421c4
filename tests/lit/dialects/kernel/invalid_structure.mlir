// What kernels, loops and host programs refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

// expected-error@below {{uses dims that are not listed: ['m']}}
kernel.func @unlisted(%n: index, %x: !kernel.ref<[n, m], f32>) dims [n] grid (n) {
  kernel.return
}

// -----

// expected-error@below {{grid m uses dims that are not listed}}
kernel.func @grid(%n: index) dims [n] grid (m) {
  kernel.return
}

// -----

// expected-error@below {{after the dims, arguments are references, not index}}
kernel.func @arguments(%n: index, %m: index) dims [n] grid (n) {
  kernel.return
}

// -----

// expected-error@below {{the first arguments are the index values of the dims}}
kernel.func @dims(%x: !kernel.ref<[4], f32>) dims [n] grid (n) {
  kernel.return
}

// -----

kernel.func @loops() dims [] grid (1) {
  %a = kernel.splat 0.0 -> !kernel.tile<4xf32>
  %b = kernel.splat 0.0 -> !kernel.tile<8xf32>
  // expected-error@below {{a loop steps forward, not by 0}}
  kernel.loop %k = 0 to 4 step 0 {
    kernel.yield
  }
  // expected-error@below {{do not match the initial values}}
  %c = kernel.loop %k = 0 to 4 step 1 iter(%d = %a) {
    kernel.yield %b
  }
  kernel.return
}

// -----

kernel.func @f(%n: index, %x: !kernel.ref<[n], f32>) dims [n] grid (n) {
  kernel.return
}

// expected-error@below {{one argument per input and output}}
kernel.host @surplus(%x: !kernel.ref<[4], f32>) dims [] inputs ["x"] outputs ["y"] {
  kernel.return
}

// expected-error@below {{is not a reference over dims ['batch']}}
kernel.host @dims(%x: !kernel.ref<[m], f32>) dims [batch] inputs ["x"] outputs [] {
  kernel.return
}

kernel.host @views(%x: !kernel.ref<[4], f32>) dims [] inputs ["x"] outputs [] {
  // expected-error@below {{the view reaches 1 elements past}}
  %a = kernel.view %x offset 1 -> !kernel.ref<[4], f32>
  // expected-error@below {{a view keeps the element type}}
  %b = kernel.view %x offset 0 -> !kernel.ref<[4], i32>
  %c = kernel.alloc -> !kernel.ref<[4], i32>
  // expected-error@below {{@f has 1 dims, the launch 2}}
  kernel.launch @f[4, 4](%x)
  // expected-error@below {{@f takes 1 references, got 2}}
  kernel.launch @f[4](%x, %x)
  // expected-error@below {{reference 0 of @f is !kernel.ref<[n], f32, [1]>, got !kernel.ref<[4], i32, [1]>}}
  kernel.launch @f[4](%c)
  // expected-error@below {{symbol @g is not defined}}
  kernel.launch @g[4](%x)
  kernel.return
}
