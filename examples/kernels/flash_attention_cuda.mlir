// Flash attention (Dao et al. 2022) written by hand, in its GPU form: one program computes 64 rows of one head.
//
//   softmax(q @ k^T / 8) @ v for q, k, v of shape [heads, length, 64] in fp16, all sums in fp32.
//
// Keys come in blocks of 64. `peak` is the largest score of a row so far, `total` the sum of its exponentials, `acc` the
// unscaled output; a larger score scales what is there. Rows and keys past the end are masked; their scores are -inf.
//
//   neuralc examples/kernels/flash_attention_cuda.mlir --target cuda --emit=triton -o -

kernel.func @flash_attention(
  %heads: index, %length: index,
  %q: !kernel.ref<[heads, length, 64], f16>, %k: !kernel.ref<[heads, length, 64], f16>,
  %v: !kernel.ref<[heads, length, 64], f16>, %out: !kernel.ref<[heads, length, 64], f16>
) dims [heads, length] grid (heads * ceildiv(length, 64)) attributes {num_warps = 4 : i64, num_stages = 2 : i64} {
  %program = kernel.program_id
  %c64 = arith.constant 64 : index
  %blocks = arith.ceildivui %length, %c64 : index
  %head = arith.divui %program, %blocks : index
  %block = arith.remui %program, %blocks : index
  %m0 = arith.muli %block, %c64 : index
  %qt = kernel.load %q[%head, %m0 over 0 masked, 0 over 1] -> !kernel.tile<64x64xf16>

  %zero = kernel.splat 0.0 -> !kernel.tile<64x64xf32>
  %scale = kernel.splat 0.125 -> !kernel.tile<64x64xf32>
  %never = kernel.splat "-inf" -> !kernel.tile<64x64xf32>
  %end = kernel.splat %length -> !kernel.tile<64xi32>
  %peak0 = kernel.splat "-inf" -> !kernel.tile<64xf32>
  %total0 = kernel.splat 0.0 -> !kernel.tile<64xf32>

  %peak, %total, %acc = kernel.loop %n0 = 0 to %length step 64 
      iter(%peak_before = %peak0, %total_before = %total0, %acc_before = %zero) {
    %kt = kernel.load %k[%head, %n0 over 1 masked, 0 over 0] -> !kernel.tile<64x64xf16>
    %products = kernel.dot %qt, %kt, %zero {precision = "ieee"} -> !kernel.tile<64x64xf32>
    %scaled = kernel.map mul %products, %scale -> !kernel.tile<64x64xf32>
    %keys = kernel.iota %n0 -> !kernel.tile<64xi32>
    %0 = kernel.map lt %keys, %end -> !kernel.tile<64xi1>
    %1 = kernel.broadcast %0 {dims = [1]} -> !kernel.tile<64x64xi1>
    %scores = kernel.map select %1, %scaled, %never -> !kernel.tile<64x64xf32>

    %2 = kernel.reduce maximum %scores {axis = 1} -> !kernel.tile<64xf32>
    %peak_now = kernel.map maximum %peak_before, %2 -> !kernel.tile<64xf32>
    %3 = kernel.map sub %peak_before, %peak_now -> !kernel.tile<64xf32>
    %fade = kernel.map exp %3 -> !kernel.tile<64xf32>
    %4 = kernel.broadcast %peak_now {dims = [0]} -> !kernel.tile<64x64xf32>
    %5 = kernel.map sub %scores, %4 -> !kernel.tile<64x64xf32>
    %powers = kernel.map exp %5 -> !kernel.tile<64x64xf32>

    %6 = kernel.map mul %total_before, %fade -> !kernel.tile<64xf32>
    %7 = kernel.reduce add %powers {axis = 1} -> !kernel.tile<64xf32>
    %total_now = kernel.map add %6, %7 -> !kernel.tile<64xf32>
    %8 = kernel.broadcast %fade {dims = [0]} -> !kernel.tile<64x64xf32>
    %faded = kernel.map mul %acc_before, %8 -> !kernel.tile<64x64xf32>
    %vt = kernel.load %v[%head, %n0 over 0 masked, 0 over 1] -> !kernel.tile<64x64xf16>
    %weights = kernel.convert %powers -> !kernel.tile<64x64xf16>
    %acc_now = kernel.dot %weights, %vt, %faded {precision = "ieee"} -> !kernel.tile<64x64xf32>
    kernel.yield %peak_now, %total_now, %acc_now
  }

  %9 = kernel.broadcast %total {dims = [0]} -> !kernel.tile<64x64xf32>
  %10 = kernel.map div %acc, %9 -> !kernel.tile<64x64xf32>
  %result = kernel.convert %10 -> !kernel.tile<64x64xf16>
  kernel.store %result, %out[%head, %m0 over 0 masked, 0 over 1]
  kernel.return
}

kernel.host @attention(
  %q: !kernel.ref<[heads, length, 64], f16>, %k: !kernel.ref<[heads, length, 64], f16>,
  %v: !kernel.ref<[heads, length, 64], f16>, %out: !kernel.ref<[heads, length, 64], f16>
) dims [heads, length] inputs ["q", "k", "v"] outputs ["out"] {
  kernel.launch @flash_attention[heads, length](%q, %k, %v, %out) {parallel}
  kernel.return
}
