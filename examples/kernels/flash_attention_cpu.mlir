// Flash attention (Dao et al. 2022) written by hand, in its CPU form: one program computes 6 rows of one head.
//
//   softmax(q @ k^T / 8) @ v for q, k, v of shape [heads, length, 64] in fp32, for AVX2: vectors of 8, 16 registers.
//
// The GPU form beside this one holds everything in registers. Here a tile of 6x16 fills them (12 accumulators, 2 vectors
// of the right side, 1 of the left), so scores and output live in scratch memory and pass through the registers in
// panels of 16 columns: scores of 16 keys at a time, then their exponentials, then 16 columns of the output. A dot takes
// its left side as scalars from memory, its right side as vectors; so keys are packed first, 16 keys side by side.
//
//   neuralc examples/kernels/flash_attention_cpu.mlir --pass-pipeline=kernel-expand-math,kernel-verify-target -o attention.so

// %packed[head, panel, column, key] = %k[head, panel * 16 + key, column]; keys past the end are 0.
kernel.func @pack_keys(
  %heads: index, %length: index,
  %k: !kernel.ref<[heads, length, 64], f32>, %packed: !kernel.ref<[heads, ceildiv(length, 16), 64, 16], f32>
) dims [heads, length] grid (heads * ceildiv(length, 16)) {
  %program = kernel.program_id
  %c16 = arith.constant 16 : index
  %panels = arith.ceildivui %length, %c16 : index
  %head = arith.divui %program, %panels : index
  %panel = arith.remui %program, %panels : index
  %n0 = arith.muli %panel, %c16 : index
  kernel.loop %d = 0 to 64 step 4 {
    %t = kernel.load %k[%head, %n0 over 1 masked, %d over 0] -> !kernel.tile<4x16xf32, v1>
    kernel.store %t, %packed[%head, %panel, %d over 0, 0 over 1]
    kernel.yield
  }
  kernel.return
}

kernel.func @flash_attention(
  %heads: index, %length: index,
  %q: !kernel.ref<[heads, length, 64], f32>, %packed: !kernel.ref<[heads, ceildiv(length, 16), 64, 16], f32>,
  %v: !kernel.ref<[heads, length, 64], f32>, %out: !kernel.ref<[heads, length, 64], f32>
) dims [heads, length] grid (heads * ceildiv(length, 6)) {
  %program = kernel.program_id
  %c6 = arith.constant 6 : index
  %c16 = arith.constant 16 : index
  %c128 = arith.constant 128 : index
  %blocks = arith.ceildivui %length, %c6 : index
  %head = arith.divui %program, %blocks : index
  %block = arith.remui %program, %blocks : index
  %m0 = arith.muli %block, %c6 : index

  %queries = kernel.local -> !kernel.ref<[6, 64], f32>
  %scores = kernel.local -> !kernel.ref<[6, 128], f32>
  %acc = kernel.local -> !kernel.ref<[6, 64], f32>
  %zero = kernel.splat 0.0 -> !kernel.tile<6x16xf32, v8>
  %scale = kernel.splat 0.125 -> !kernel.tile<6x16xf32, v8>
  %never = kernel.splat "-inf" -> !kernel.tile<6x16xf32, v8>
  %end = kernel.splat %length -> !kernel.tile<16xi32, v8>
  kernel.loop %c = 0 to 64 step 16 {
    %qt = kernel.load %q[%head, %m0 over 0 masked, %c over 1] -> !kernel.tile<6x16xf32, v8>
    %scaled = kernel.map mul %qt, %scale -> !kernel.tile<6x16xf32, v8>
    kernel.store %scaled, %queries[0 over 0, %c over 1]
    kernel.store %zero, %acc[0 over 0, %c over 1]
    kernel.yield
  }

  %peak0 = kernel.splat "-inf" -> !kernel.tile<6xf32, v1>
  %total0 = kernel.splat 0.0 -> !kernel.tile<6xf32, v1>
  %peak, %total = kernel.loop %n0 = 0 to %length step 128 iter(%peak_before = %peak0, %total_before = %total0) {
    %left = arith.subi %length, %n0 : index
    %count = arith.minui %left, %c128 : index

    // Scores, and the largest of each row so far.
    %largest = kernel.loop %j = 0 to %count step 16 iter(%larger = %never) {
      %key0 = arith.addi %n0, %j : index
      %panel = arith.divui %key0, %c16 : index
      %products = kernel.loop %d = 0 to 64 step 1 iter(%s = %zero) {
        %qd = kernel.load %queries[0 over 0, %d over 1] -> !kernel.tile<6x1xf32, v1>
        %kd = kernel.load %packed[%head, %panel, %d over 0, 0 over 1] align 64 -> !kernel.tile<1x16xf32, v8>
        %s_next = kernel.dot %qd, %kd, %s {precision = "ieee"} -> !kernel.tile<6x16xf32, v8>
        kernel.yield %s_next
      }
      %keys = kernel.iota %key0 -> !kernel.tile<16xi32, v8>
      %0 = kernel.map lt %keys, %end -> !kernel.tile<16xi1, v8>
      %1 = kernel.broadcast %0 {dims = [1]} -> !kernel.tile<6x16xi1, v8>
      %valid = kernel.map select %1, %products, %never -> !kernel.tile<6x16xf32, v8>
      kernel.store %valid, %scores[0 over 0, %j over 1]
      %larger_now = kernel.map maximum %larger, %valid -> !kernel.tile<6x16xf32, v8>
      kernel.yield %larger_now
    }
    %2 = kernel.reduce maximum %largest {axis = 1} -> !kernel.tile<6xf32, v1>
    %peak_now = kernel.map maximum %peak_before, %2 -> !kernel.tile<6xf32, v1>
    %3 = kernel.map sub %peak_before, %peak_now -> !kernel.tile<6xf32, v1>
    %fade = kernel.map exp %3 -> !kernel.tile<6xf32, v1>

    // Their exponentials in place, and the sum of each row.
    %peaks = kernel.broadcast %peak_now {dims = [0]} -> !kernel.tile<6x16xf32, v8>
    %sums = kernel.loop %j = 0 to %count step 16 iter(%sum = %zero) {
      %score = kernel.load %scores[0 over 0, %j over 1] -> !kernel.tile<6x16xf32, v8>
      %4 = kernel.map sub %score, %peaks -> !kernel.tile<6x16xf32, v8>
      %power = kernel.map exp %4 -> !kernel.tile<6x16xf32, v8>
      kernel.store %power, %scores[0 over 0, %j over 1]
      %sum_next = kernel.map add %sum, %power -> !kernel.tile<6x16xf32, v8>
      kernel.yield %sum_next
    }
    %5 = kernel.reduce add %sums {axis = 1} -> !kernel.tile<6xf32, v1>
    %total_now = kernel.map fma %total_before, %fade, %5 -> !kernel.tile<6xf32, v1>

    // The output so far fades as the peak grows; then the values come on top.
    %fades = kernel.broadcast %fade {dims = [0]} -> !kernel.tile<6x16xf32, v8>
    kernel.loop %c = 0 to 64 step 16 {
      %before = kernel.load %acc[0 over 0, %c over 1] -> !kernel.tile<6x16xf32, v8>
      %faded = kernel.map mul %before, %fades -> !kernel.tile<6x16xf32, v8>
      %after = kernel.loop %n = 0 to %count step 1 iter(%a = %faded) {
        %key = arith.addi %n0, %n : index
        %weight = kernel.load %scores[0 over 0, %n over 1] -> !kernel.tile<6x1xf32, v1>
        %vt = kernel.load %v[%head, %key over 0, %c over 1] -> !kernel.tile<1x16xf32, v8>
        %a_next = kernel.dot %weight, %vt, %a {precision = "ieee"} -> !kernel.tile<6x16xf32, v8>
        kernel.yield %a_next
      }
      kernel.store %after, %acc[0 over 0, %c over 1]
      kernel.yield
    }
    kernel.yield %peak_now, %total_now
  }

  %totals = kernel.broadcast %total {dims = [0]} -> !kernel.tile<6x16xf32, v8>
  kernel.loop %c = 0 to 64 step 16 {
    %unscaled = kernel.load %acc[0 over 0, %c over 1] -> !kernel.tile<6x16xf32, v8>
    %result = kernel.map div %unscaled, %totals -> !kernel.tile<6x16xf32, v8>
    kernel.store %result, %out[%head, %m0 over 0 masked, %c over 1]
    kernel.yield
  }
  kernel.return
}

kernel.host @attention(
  %q: !kernel.ref<[heads, length, 64], f32>, %k: !kernel.ref<[heads, length, 64], f32>,
  %v: !kernel.ref<[heads, length, 64], f32>, %out: !kernel.ref<[heads, length, 64], f32>
) dims [heads, length] inputs ["q", "k", "v"] outputs ["out"] arena (heads * ceildiv(length, 16) * 4096)
    shared (heads * ceildiv(length, 16) * length * 80) {
  %packed = kernel.arena 0 -> !kernel.ref<[heads, ceildiv(length, 16), 64, 16], f32>
  kernel.launch @pack_keys[heads, length](%k, %packed) {parallel}
  kernel.barrier
  kernel.launch @flash_attention[heads, length](%q, %packed, %v, %out) {parallel}
  kernel.return
}
