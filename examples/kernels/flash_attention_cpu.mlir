// Flash attention (Dao et al. 2022) written by hand, in its CPU form for vectors of 8: softmax(q @ k^T / 8) @ v for
// q, k, v of shape [8, 512, 64] in fp32.
//
// One program computes 6 rows of one head; the last one is moved back to end at row 512. Keys come in blocks of 256:
//
//   1. scores = q @ k^T, 16 keys at a time in a 6x16 register tile; the block's scores go to scratch memory
//   2. the largest score of each row so far; a larger one fades what is there
//   3. powers = exp(scores - largest), back to scratch; their sum
//   4. acc = acc * fade + powers @ v, 16 channels at a time in a 6x16 register tile
//
// A dot reads its right side as vectors, so keys are packed first, transposed: [head][panel of 16 keys][channel][key].
//
//   neuralc run examples/kernels/flash_attention_cpu.mlir --input q=q.npy --input k=k.npy --input v=v.npy

kernel.func @pack_keys(
  %k: !kernel.ref<[8, 32, 16, 64], f32>, %packed: !kernel.ref<[8, 32, 64, 16], f32>
) dims [] grid (256) {
  %program = kernel.program_id
  %c32 = arith.constant 32 : index
  %head = arith.divui %program, %c32 : index
  %panel = arith.remui %program, %c32 : index
  kernel.loop %channel = 0 to 64 step 4 {
    %keys = kernel.load %k[%head, %panel, 0 over 1, %channel over 0] -> !kernel.tile<4x16xf32, v1>
    %vectors = kernel.convert %keys -> !kernel.tile<4x16xf32, v8>
    kernel.store %vectors, %packed[%head, %panel, %channel over 0, 0 over 1]
    kernel.yield
  }
  kernel.return
}

kernel.func @flash_attention(
  %q: !kernel.ref<[8, 512, 64], f32>, %k: !kernel.ref<[8, 32, 64, 16], f32>,
  %v: !kernel.ref<[8, 512, 64], f32>, %out: !kernel.ref<[8, 512, 64], f32>
) dims [] grid (688) {
  %program = kernel.program_id
  %c86 = arith.constant 86 : index
  %c6 = arith.constant 6 : index
  %c506 = arith.constant 506 : index
  %c16 = arith.constant 16 : index
  %head = arith.divui %program, %c86 : index
  %block = arith.remui %program, %c86 : index
  %row_ = arith.muli %block, %c6 : index
  %row = arith.minui %row_, %c506 : index

  %scores = kernel.local -> !kernel.ref<[6, 256], f32>
  %acc = kernel.local -> !kernel.ref<[6, 64], f32>
  %zero = kernel.splat 0.0 -> !kernel.tile<6x16xf32, v8>
  %lowest = kernel.splat "-inf" -> !kernel.tile<6x16xf32, v8>
  %scale = kernel.splat 0.125 -> !kernel.tile<6x16xf32, v8>
  %largest0 = kernel.splat -1.0e30 -> !kernel.tile<6xf32, v1>
  %total0 = kernel.splat 0.0 -> !kernel.tile<6xf32, v1>
  kernel.loop %c = 0 to 64 step 16 {
    kernel.store %zero, %acc[0 over 0, %c over 1]
    kernel.yield
  }

  %largest, %total = kernel.loop %key0 = 0 to 512 step 256 iter(%largest_before = %largest0, %total_before = %total0) {
    %panel0 = arith.divui %key0, %c16 : index

    %peaks = kernel.loop %n = 0 to 256 step 16 iter(%peaks_before = %lowest) {
      %panel_ = arith.divui %n, %c16 : index
      %panel = arith.addi %panel0, %panel_ : index
      %products = kernel.loop %channel = 0 to 64 step 1 iter(%sum = %zero) {
        %qt = kernel.load %q[%head, %row over 0, %channel over 1] -> !kernel.tile<6x1xf32, v1>
        %kt = kernel.load %k[%head, %panel, %channel over 0, 0 over 1] align 32 -> !kernel.tile<1x16xf32, v8>
        %sum_now = kernel.dot %qt, %kt, %sum {precision = "ieee"} -> !kernel.tile<6x16xf32, v8>
        kernel.yield %sum_now
      }
      %scaled = kernel.map mul %products, %scale -> !kernel.tile<6x16xf32, v8>
      kernel.store %scaled, %scores[0 over 0, %n over 1]
      %peaks_now = kernel.map maximum %peaks_before, %scaled -> !kernel.tile<6x16xf32, v8>
      kernel.yield %peaks_now
    }
    %peak = kernel.reduce maximum %peaks {axis = 1} -> !kernel.tile<6xf32, v1>
    %largest_now = kernel.map maximum %largest_before, %peak -> !kernel.tile<6xf32, v1>
    %0 = kernel.map sub %largest_before, %largest_now -> !kernel.tile<6xf32, v1>
    %fade = kernel.map exp %0 -> !kernel.tile<6xf32, v1>
    %largest_row = kernel.broadcast %largest_now {dims = [0]} -> !kernel.tile<6x16xf32, v8>

    %sums = kernel.loop %n_1 = 0 to 256 step 16 iter(%sums_before = %zero) {
      %st = kernel.load %scores[0 over 0, %n_1 over 1] -> !kernel.tile<6x16xf32, v8>
      %1 = kernel.map sub %st, %largest_row -> !kernel.tile<6x16xf32, v8>
      %powers = kernel.map exp %1 -> !kernel.tile<6x16xf32, v8>
      kernel.store %powers, %scores[0 over 0, %n_1 over 1]
      %sums_now = kernel.map add %sums_before, %powers -> !kernel.tile<6x16xf32, v8>
      kernel.yield %sums_now
    }
    %2 = kernel.map mul %total_before, %fade -> !kernel.tile<6xf32, v1>
    %3 = kernel.reduce add %sums {axis = 1} -> !kernel.tile<6xf32, v1>
    %total_now = kernel.map add %2, %3 -> !kernel.tile<6xf32, v1>

    %fade_row = kernel.broadcast %fade {dims = [0]} -> !kernel.tile<6x16xf32, v8>
    kernel.loop %c_1 = 0 to 64 step 16 {
      %before = kernel.load %acc[0 over 0, %c_1 over 1] -> !kernel.tile<6x16xf32, v8>
      %faded = kernel.map mul %before, %fade_row -> !kernel.tile<6x16xf32, v8>
      %now = kernel.loop %n_2 = 0 to 256 step 1 iter(%sum_1 = %faded) {
        %key = arith.addi %key0, %n_2 : index
        %pt = kernel.load %scores[0 over 0, %n_2 over 1] -> !kernel.tile<6x1xf32, v1>
        %vt = kernel.load %v[%head, %key over 0, %c_1 over 1] -> !kernel.tile<1x16xf32, v8>
        %sum_now_1 = kernel.dot %pt, %vt, %sum_1 {precision = "ieee"} -> !kernel.tile<6x16xf32, v8>
        kernel.yield %sum_now_1
      }
      kernel.store %now, %acc[0 over 0, %c_1 over 1]
      kernel.yield
    }
    kernel.yield %largest_now, %total_now
  }

  %total_row = kernel.broadcast %total {dims = [0]} -> !kernel.tile<6x16xf32, v8>
  kernel.loop %c_2 = 0 to 64 step 16 {
    %4 = kernel.load %acc[0 over 0, %c_2 over 1] -> !kernel.tile<6x16xf32, v8>
    %5 = kernel.map div %4, %total_row -> !kernel.tile<6x16xf32, v8>
    kernel.store %5, %out[%head, %row over 0, %c_2 over 1]
    kernel.yield
  }
  kernel.return
}

kernel.host @attention(
  %q: !kernel.ref<[8, 512, 64], f32>, %k: !kernel.ref<[8, 512, 64], f32>, %v: !kernel.ref<[8, 512, 64], f32>,
  %out: !kernel.ref<[8, 512, 64], f32>
) dims [] inputs ["q", "k", "v"] outputs ["out"] {
  %keys = kernel.view %k offset 0 -> !kernel.ref<[8, 32, 16, 64], f32>
  %packed = kernel.alloc -> !kernel.ref<[8, 32, 64, 16], f32>
  kernel.launch @pack_keys[](%keys, %packed)
  kernel.launch @flash_attention[](%q, %packed, %v, %out)
  kernel.return
}
