// tensor-to-kernel: contractions for a GPU, by blocks of the output.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel,kernel-canonicalize,kernel-verify-target --target cuda | filecheck %s

// The host chooses by the number of rows: large blocks, or small ones that more programs share.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: dims [batch] grid (ceildiv(batch, 128)) attributes {num_warps = 8 : i64, num_stages = 2 : i64}
// CHECK: %acc = kernel.splat 0.0 -> !kernel.tile<128x64xf32>
// CHECK-NEXT: kernel.loop %k = 0 to 100 step 16
// CHECK-NEXT: %x_tile = kernel.load %x[%m0 over 0 masked, %k over 1 masked] other 0 -> !kernel.tile<128x16xf32>
// CHECK-NEXT: %w_tile = kernel.load %w[%k over 0 masked, 0 over 1] other 0 -> !kernel.tile<16x64xf32>
// CHECK-NEXT: kernel.dot %x_tile, %w_tile, {{.*}} {precision = "ieee"} -> !kernel.tile<128x64xf32>
// CHECK: %b_tile = kernel.load %b[0 over 0] -> !kernel.tile<64xf32>
// CHECK: kernel.map add
// CHECK-NEXT: kernel.store {{.*}}, %out[%m0 over 0 masked, 0 over 1]
// CHECK-LABEL: kernel.func @y_few_rows(
// CHECK-SAME: grid (ceildiv(batch, 16) * 4)
// CHECK: %pid_n = arith.remui %pid, %c4
// CHECK: %pid_m = arith.divui %pid, %c4
// CHECK: kernel.dot {{.*}} -> !kernel.tile<16x16xf32>
// CHECK-LABEL: kernel.host @dense(
// CHECK: kernel.if batch >= {{[0-9]+}} {
// CHECK-NEXT: kernel.launch @y[batch]
// CHECK: kernel.launch @y_few_rows[batch]
graph.model @dense(%x: tensor<?x100xf32, #graph.dims<batch>>, %w: tensor<100x64xf32>, %b: tensor<64xf32>) -> (tensor<?x64xf32, #graph.dims<batch>>)
    inputs ["x", "w", "b"] outputs ["y"] {
  %0 = tensor.contract "ac,cb->ab" %x, %w -> tensor<?x64xf32, #graph.dims<batch>>
  %y = tensor.map "ab,b->ab" %0, %b -> tensor<?x64xf32, #graph.dims<batch>> {
  ^bb0(%v: f32, %c: f32):
    %s = tensor.scalar add %v, %c -> f32
    tensor.yield %s
  }
  graph.return %y
}

// -----

// A convolution: pixels are rows, window and channels are k.
// Weights and output have no gaps along these loops: they are seen as matrices.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: %x: !kernel.ref<[8, 8, 8, 3, 48], f32, [1600, 160, 16, 160, 1]>, %w: !kernel.ref<[144, 32], f32, [32, 1]>, %out: !kernel.ref<[512, 32], f32, [32, 1]>
// CHECK: %offs_m = kernel.iota %m0
// CHECK: %n = kernel.map div %offs_m
// CHECK: %h = kernel.map rem
// CHECK: kernel.loop %k = 0 to 144 step 32
// CHECK: %i = kernel.map div %offs_k
// CHECK: %j = kernel.map rem %offs_k
// CHECK: kernel.load %x[%n over 0, %h over 0, {{.*}} over 0, %i over 1 masked, %j over 1] other 0
// CHECK: kernel.load %w[%k over 0 masked, %n0 over 1]
// CHECK: kernel.store {{.*}}, %out[%m0 over 0, %n0 over 1]
// CHECK-LABEL: kernel.host @conv(
// CHECK: kernel.view %w offset 0 -> !kernel.ref<[144, 32], f32, [32, 1]>
graph.model @conv(%x: tensor<8x10x10x16xf32>, %w: tensor<3x3x16x32xf32>) -> (tensor<8x8x8x32xf32>) inputs ["x", "w"] outputs ["y"] {
  %0 = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<8x8x8x3x3x16xf32>
  %y = tensor.contract "nhwijc,ijco->nhwo" %0, %w -> tensor<8x8x8x32xf32>
  graph.return %y
}

// -----

// fp16 accumulates in fp32, and stays there up to the store.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: num_stages = 3
// CHECK: kernel.dot {{.*}} -> !kernel.tile<16x32xf32>
// CHECK: kernel.map exp {{.*}} -> !kernel.tile<16x32xf32>
// CHECK-NEXT: kernel.convert {{.*}} -> !kernel.tile<16x32xf16>
// CHECK-NEXT: kernel.store
graph.model @half(%x: tensor<512x256xf16>, %w: tensor<256x64xf16>) -> (tensor<512x64xf16>) inputs ["x", "w"] outputs ["y"] {
  %0 = tensor.contract "ac,cb->ab" %x, %w -> tensor<512x64xf16>
  %y = tensor.map "ab->ab" %0 -> tensor<512x64xf16> {
  ^bb0(%v: f16):
    %s = tensor.scalar exp %v -> f16
    tensor.yield %s
  }
  graph.return %y
}

// -----

// A loop of both operands is a dim of the grid.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: dims [] grid (96)
// CHECK: %h = arith.divui %pid, %c8
// CHECK: kernel.load %x[%h, %m0 over 0, %k over 1]
// CHECK: kernel.load %w[%h, %k over 0, %n0 over 1]
// CHECK: kernel.store {{.*}}, %out[%h, %m0 over 0, %n0 over 1]
graph.model @batched(%x: tensor<12x128x64xf32>, %w: tensor<12x64x128xf32>) -> (tensor<12x128x128xf32>) inputs ["x", "w"] outputs ["y"] {
  %y = tensor.contract "hac,hcb->hab" %x, %w -> tensor<12x128x128xf32>
  graph.return %y
}

// -----

// Both operands have the channels: nothing to multiply as matrices, a multiply-add an element and window position.
// CHECK-LABEL: kernel.func @y(
// CHECK: kernel.loop %i = 0 to 3
// CHECK-NEXT: kernel.loop %j = 0 to 3
// CHECK: kernel.load %w[%i, %j, 0 over 0] -> !kernel.tile<32xf32>
// CHECK: kernel.map fma {{.*}} -> !kernel.tile<32x32xf32>
// CHECK-NOT: kernel.dot
graph.model @depthwise(%x: tensor<8x10x10x32xf32>, %w: tensor<3x3x32xf32>) -> (tensor<8x8x8x32xf32>) inputs ["x", "w"] outputs ["y"] {
  %0 = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<8x8x8x3x3x32xf32>
  %y = tensor.contract "nhwijc,ijc->nhwc" %0, %w -> tensor<8x8x8x32xf32>
  graph.return %y
}

// -----

// One row: products along k, added up at the end; few columns a program.
// CHECK-LABEL: kernel.func @y(
// CHECK-SAME: dims [] grid (4)
// CHECK: kernel.loop %k = 0 to 784 step 128
// CHECK: kernel.map fma {{.*}} -> !kernel.tile<128x16xf32>
// CHECK: %total = kernel.reduce add {{.*}} {axis = 0} -> !kernel.tile<16xf32>
// CHECK-NEXT: kernel.store %total, %out[%n0 over 0]
graph.model @one_row(%x: tensor<1x784xf32>, %w: tensor<784x64xf32>) -> (tensor<1x64xf32>) inputs ["x", "w"] outputs ["y"] {
  %y = tensor.contract "ac,cb->ab" %x, %w -> tensor<1x64xf32>
  graph.return %y
}
