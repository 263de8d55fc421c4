// RUN: neuralc %s --target cuda --pass-pipeline= --emit=triton -o - | filecheck %s

// A dense layer: names come from the IR, masks stand where the IR has them, fp32 products are not rounded to tf32.

// CHECK:      # dense.mlir, line 30
// CHECK-NEXT: @triton.jit
// CHECK-NEXT: def dense(batch, x, w, y):
// CHECK-NEXT:     """Grid: ceildiv(batch, 64) * 2 programs."""
// CHECK:          offs_m = m0 + tl.arange(0, 64)
// CHECK:          acc = tl.full([64, 64], 0.0, tl.float32)
// CHECK-NEXT:     for k in range(0, 784, 16):
// CHECK-NEXT:         offs_k = k + tl.arange(0, 16)
// CHECK-NEXT:         xt = tl.load(
// CHECK-NEXT:             x + offs_m[:, None] * 784 + offs_k[None, :],
// CHECK-NEXT:             mask=offs_m[:, None] < batch,
// CHECK-NEXT:             other=0.0,
// CHECK-NEXT:         )
// CHECK-NEXT:         wt = tl.load(w + offs_k[:, None] * 128 + offs_n[None, :])
// CHECK-NEXT:         acc = tl.dot(xt, wt, acc, input_precision="ieee")
// CHECK-NEXT:     relu = tl.maximum(acc, 0.0, propagate_nan=tl.PropagateNan.ALL)

// CHECK:      def run(x, weights):
// CHECK:          batch = x.shape[0]
// CHECK:          y = torch.empty((batch, 128), dtype=torch.float32, device=device)
// CHECK-NEXT:     dense[(triton.cdiv(batch, 64) * 2,)](
// CHECK-NEXT:         batch, x, weights["dense.kernel"], y, num_warps=4, num_stages=3
// CHECK-NEXT:     )
// CHECK-NEXT:     return y
graph.weight @dense.kernel : tensor<784x128xf32>
kernel.func @dense(
  %batch: index, %x: !kernel.ref<[batch, 784], f32>, %w: !kernel.ref<[784, 128], f32>,
  %y: !kernel.ref<[batch, 128], f32>
) dims [batch] grid (ceildiv(batch, 64) * 2) attributes {num_stages = 3 : i64} {
  %program = kernel.program_id
  %c2 = arith.constant 2 : index
  %c64 = arith.constant 64 : index
  %row = arith.divui %program, %c2 : index
  %m0 = arith.muli %row, %c64 : index
  %column = arith.remui %program, %c2 : index
  %n0 = arith.muli %column, %c64 : index
  %zero = kernel.splat 0.0 -> !kernel.tile<64x64xf32>
  %acc = kernel.loop %k = 0 to 784 step 16 iter(%sum = %zero) {
    %xt = kernel.load %x[%m0 over 0 masked, %k over 1] -> !kernel.tile<64x16xf32>
    %wt = kernel.load %w[%k over 0, %n0 over 1] -> !kernel.tile<16x64xf32>
    %next = kernel.dot %xt, %wt, %sum {precision = "ieee"} -> !kernel.tile<64x64xf32>
    kernel.yield %next
  }
  %relu = kernel.map maximum %acc, %zero -> !kernel.tile<64x64xf32>
  kernel.store %relu, %y[%m0 over 0 masked, %n0 over 1]
  kernel.return
}
kernel.host @net(%x: !kernel.ref<[batch, 784], f32>, %y: !kernel.ref<[batch, 128], f32>)
    dims [batch] inputs ["x"] outputs ["y"] {
  %w = kernel.weight @dense.kernel -> !kernel.ref<[784, 128], f32>
  kernel.launch @dense[batch](%x, %w, %y) {parallel}
  kernel.return
}
