// What gathers, scatters, checks and index values refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

kernel.func @indirect(%x: !kernel.ref<[16], f32>, %counts: !kernel.ref<[1], i64>, %status: !kernel.ref<[1], i32>) dims [] grid (1) {
  %places = kernel.splat 3 -> !kernel.tile<8xi64, v8>
  %small = kernel.splat 3 -> !kernel.tile<8xi16, v8>
  %half = kernel.splat 1 -> !kernel.tile<4xi1, v4>
  %value = kernel.splat 1.0 -> !kernel.tile<8xf16, v8>
  %flag = kernel.splat 1 -> !kernel.tile<i1, v1>
  // expected-error@below {{offsets are i64 or i32, not i16}}
  %a = kernel.gather %x, %small -> !kernel.tile<8xf32, v8>
  // expected-error@below {{the mask of !kernel.tile<8xi64, v8> is !kernel.tile<8xi1, v8>}}
  %b = kernel.gather %x, %places, %half -> !kernel.tile<8xf32, v8>
  // expected-error@below {{result type is !kernel.tile<8xf32, v4>, operands give !kernel.tile<8xf32, v8>}}
  %c = kernel.gather %x, %places -> !kernel.tile<8xf32, v4>
  // expected-error@below {{takes !kernel.tile<8xf32, v8>, not !kernel.tile<8xf16, v8>}}
  kernel.scatter %value, %x, %places
  // expected-error@below {{a check is of truth values, not of i64}}
  kernel.check %places, %status {code = 910}
  // expected-error@below {{the status of a run is !kernel.ref<[1], i32, [1]>, not !kernel.ref<[1], i64, [1]>}}
  kernel.check %half, %counts {code = 910}
  // expected-error@below {{the code of a check is one of 910, 911}}
  kernel.check %half, %status {code = 7}
  // expected-error@below {{an index value is made of one integer, not of !kernel.tile<8xi64, v8>}}
  %d = kernel.to_index %places -> index
  // expected-error@below {{an index value is made of one integer, not of !kernel.tile<i1, v1>}}
  %e = kernel.to_index %flag -> index
  kernel.return
}
