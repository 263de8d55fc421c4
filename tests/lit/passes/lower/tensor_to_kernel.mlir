// tensor-to-kernel: groups become kernels, the model becomes a host program.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel,kernel-canonicalize --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel --target cpu --mcpu haswell --remarks=analysis,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK

// A group is a kernel and a launch. Inputs and outputs are arguments: the last kernel writes the output itself.
// CHECK-LABEL: kernel.func @h(
// CHECK-LABEL: kernel.func @z(
// CHECK-LABEL: kernel.host @chain(
// CHECK-SAME: %x: !kernel.ref<[4, 6, 8], f32, [48, 8, 1]>, %z: !kernel.ref<[8], f32, [1]>) dims [] inputs ["x"] outputs ["z"]
// CHECK-NEXT: %h = kernel.alloc -> !kernel.ref<[6, 8], f32, [8, 1]>
// CHECK: kernel.launch @h[](
// CHECK-NEXT: kernel.launch @z[](%h, %z)
// CHECK-NEXT: kernel.return
graph.model @chain(%x: tensor<4x6x8xf32>) -> (tensor<8xf32>) inputs ["x"] outputs ["z"] {
  %h = tensor.reduce maximum %x {dims = [0]} -> tensor<6x8xf32>
  %z = tensor.reduce add %h {dims = [0]} -> tensor<8xf32>
  graph.return %z
}

// -----

// A reshape of dims that lie in another order is a copy, and is counted.
// REMARK: missed: tensor.reshape: 96 bytes are laid out in another order [tensor-to-kernel]
// REMARK: analysis: kernel.host: 1 values, 96 bytes, are laid out in another order [tensor-to-kernel]
// CHECK-LABEL: kernel.host @reordered(
// CHECK: kernel.launch @copy
graph.model @reordered(%x: tensor<2x3x4xf32>) -> (tensor<24xf32>) inputs ["x"] outputs ["y"] {
  %0 = tensor.transpose %x {perm = [2, 1, 0]} -> tensor<4x3x2xf32>
  %1 = tensor.reshape %0 -> tensor<24xf32>
  graph.return %1
}

// -----

// Views are strides: the kernel reads the input's memory transposed, and through overlapping windows.
// CHECK-LABEL: kernel.func @view_strides
// CHECK-SAME: !kernel.ref<[5, 4, 3], f32, [1, 5, 5]>
// CHECK-LABEL: kernel.host @views(
// CHECK-NOT: kernel.alloc
graph.model @views(%x: tensor<6x5xf32>) -> (tensor<5x4xf32>) inputs ["x"] outputs ["view_strides"] {
  %0 = tensor.transpose %x {perm = [1, 0]} -> tensor<5x6xf32>
  %1 = tensor.window %0 {dims = [1], sizes = [3], strides = [1], dilations = [1]} -> tensor<5x4x3xf32>
  %view_strides = tensor.reduce add %1 {dims = [2]} -> tensor<5x4xf32>
  graph.return %view_strides
}

// -----

// A value that is padded is written into the inside of the padded buffer; the border is filled beside it.
// CHECK-LABEL: kernel.host @padded(
// CHECK: %p = kernel.alloc -> !kernel.ref<[1, 6, 7, 8], f32, [336, 56, 8, 1]>
// CHECK: kernel.launch @border
// CHECK: %h = kernel.view %p offset 56 -> !kernel.ref<[1, 5, 7, 8], f32, [336, 56, 8, 1]>
// CHECK: kernel.launch @h
// CHECK-NOT: kernel.launch @copy
// CHECK: kernel.launch @y
graph.model @padded(%x: tensor<1x5x7x8xf32>) -> (tensor<1x3x3x8xf32>) inputs ["x"] outputs ["y"] {
  %h = tensor.map "nhwc->nhwc" %x -> tensor<1x5x7x8xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar neg %v -> f32
    tensor.yield %s
  }
  %p = tensor.pad %h {low = [0, 1, 0, 0], high = [0, 0, 0, 0], value = 0.0} -> tensor<1x6x7x8xf32>
  %w = tensor.window %p {dims = [1, 2], sizes = [2, 3], strides = [2, 2], dilations = [1, 1]} -> tensor<1x3x3x2x3x8xf32>
  %y = tensor.reduce maximum %w {dims = [3, 4]} -> tensor<1x3x3x8xf32>
  graph.return %y
}

// -----

// An input cannot be written into a padded buffer, nor an output be an input or stand twice: those are copied.
// CHECK-LABEL: kernel.host @copies(
// CHECK: %p = kernel.alloc -> !kernel.ref<[5], f32, [1]>
// CHECK: kernel.launch @copy
// CHECK: kernel.launch @y[](%p, %y)
// CHECK: kernel.launch @copy{{.*}}%x, %same
// CHECK: kernel.launch @copy{{.*}}%y, %again
graph.model @copies(%x: tensor<4xf32>) -> (tensor<5xf32>, tensor<4xf32>, tensor<5xf32>)
    inputs ["x"] outputs ["y", "same", "again"] {
  %p = tensor.pad %x {low = [1], high = [0], value = 0.0} -> tensor<5xf32>
  %y = tensor.map "a->a" %p -> tensor<5xf32> {
  ^bb0(%v: f32):
    %s = tensor.scalar neg %v -> f32
    tensor.yield %s
  }
  graph.return %y, %x, %y
}

// -----

// Rows as many as a symbol says: tiles of four rows, of two and of one, as many of each as fit. One row alone is a kernel
// of its own, which takes several steps of k at once.
// CHECK-LABEL: kernel.func @dense(
// CHECK: kernel.loop %row_{{[0-9]+}} = %{{.+}} to %{{.+}} step 4 {
// CHECK: kernel.dot {{.+}} !kernel.tile<4x24xf32, v8>
// CHECK: kernel.loop %row_{{[0-9]+}} = %{{.+}} to %{{.+}} step 2 {
// CHECK: kernel.dot {{.+}} !kernel.tile<2x24xf32, v8>
// CHECK: kernel.loop %row_{{[0-9]+}} = %{{.+}} to %{{.+}} step 1 {
// CHECK: kernel.map fma
// CHECK-LABEL: kernel.func @dense_row(
// CHECK-NOT: kernel.loop %row
// CHECK: kernel.map fma
// CHECK-LABEL: kernel.host @symbolic(
// CHECK: kernel.if batch >= 2 {
// CHECK-NEXT: kernel.launch @dense[batch](%x, %w, %y)
// CHECK-NEXT: } else {
// CHECK-NEXT: kernel.launch @dense_row[batch](%x, %w, %y)
// REMARK: analysis: tensor.group: register tile 4x24
graph.dim @batch from 1
graph.weight @dense.kernel : tensor<20x33xf32>
graph.model @symbolic(%x: tensor<?x20xf32, #graph.dims<batch>>) -> (tensor<?x33xf32, #graph.dims<batch>>)
    inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @dense.kernel -> tensor<20x33xf32>
  %y = tensor.contract "mk,kn->mn" %x, %w -> tensor<?x33xf32, #graph.dims<batch>>
  graph.return %y
}

// -----

// Steps of a sequence are rows rather than a batch, which may be one. A round of the loop over k takes two of its places.
// CHECK-LABEL: kernel.func @steps(
// CHECK: kernel.loop %k = 0 to 20 step 2
// CHECK: kernel.load %x[%{{.+}}, %{{.+}} over 0, %{{.+}} over 1] -> !kernel.tile<6x2xf32, v1>
// CHECK-NEXT: kernel.load %w[%k over 0, %{{.+}} over 1] -> !kernel.tile<2x16xf32, v8>
// CHECK-LABEL: kernel.host @sequence(
// CHECK-NOT: kernel.if
graph.dim @batch from 1
graph.model @sequence(%x: tensor<?x12x20xf32, #graph.dims<batch>>, %w: tensor<20x16xf32>)
    -> (tensor<12x?x16xf32, #graph.dims<batch>>) inputs ["x", "w"] outputs ["steps"] {
  %steps = tensor.contract "bti,ig->tbg" %x, %w -> tensor<12x?x16xf32, #graph.dims<batch>>
  graph.return %steps
}

// -----

// A depthwise convolution: a cache line wide, the rows are neighbours in one row of pixels, so that LLVM sees which
// vectors their windows share; twelve pixels are four tiles of three, in two
// chunks, so that two threads have the same to do of five rows.
// CHECK-LABEL: kernel.func @depthwise(
// CHECK: kernel.loop [[ROW:%.+]] = %row to {{%.+}} step 3 {
// CHECK-COUNT-9: kernel.load %x[%h, [[ROW]] over 0, {{[0-2]}}, {{[0-2]}}, 0 over 1] -> !kernel.tile<3x16xf32, v8>
// CHECK: kernel.store
// REMARK: analysis: tensor.group: register tile 3x16
graph.model @window(%x: tensor<7x14x16xf32>, %w: tensor<3x3x16xf32>) -> (tensor<5x12x16xf32>)
    inputs ["x", "w"] outputs ["depthwise"] {
  %0 = tensor.window %x {dims = [0, 1], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<5x12x3x3x16xf32>
  %depthwise = tensor.contract "hwijc,ijc->hwc" %0, %w -> tensor<5x12x16xf32>
  graph.return %depthwise
}

// -----

// Rows at a distance that only the run knows may all lie in one set of the cache: tiles have six of them at most. Rows
// at a known distance fill the registers.
// CHECK-LABEL: kernel.func @apart(
// CHECK: !kernel.tile<6x4xf32, v1>
// CHECK-LABEL: kernel.func @near(
// CHECK: !kernel.tile<12x2xf32, v1>
// REMARK: analysis: tensor.group: register tile 6x8
// REMARK: analysis: tensor.group: register tile 12x8
graph.dim @batch from 1
graph.model @distances(%x: tensor<12x?x20xf32, #graph.dims<batch>>, %z: tensor<?x12x20xf32, #graph.dims<batch>>,
    %w: tensor<20x8xf32>) -> (tensor<?x12x8xf32, #graph.dims<batch>>, tensor<?x12x8xf32, #graph.dims<batch>>)
    inputs ["x", "z", "w"] outputs ["apart", "near"] {
  %apart = tensor.contract "tbi,ig->btg" %x, %w -> tensor<?x12x8xf32, #graph.dims<batch>>
  %near = tensor.contract "bti,ig->btg" %z, %w -> tensor<?x12x8xf32, #graph.dims<batch>>
  graph.return %apart, %near
}

// -----

// Where the vectors are as long as a symbol says, panels are masked: the last one is not full.
// CHECK-LABEL: kernel.func @symbolic_vectors(
// CHECK-SAME: grid (ceildiv(W, {{[0-9]+}}))
// CHECK: kernel.load %x[{{.+}} over 1 masked]
// CHECK: kernel.dot
// REMARK: analysis: tensor.group: register tile 6x
graph.dim @W from 1
graph.model @last_loop(%x: tensor<4x?xf32, #graph.dims<W>>, %w: tensor<4x6xf32>) -> (tensor<6x?xf32, #graph.dims<W>>)
    inputs ["x", "w"] outputs ["symbolic_vectors"] {
  %symbolic_vectors = tensor.contract "cw,co->ow" %x, %w -> tensor<6x?xf32, #graph.dims<W>>
  graph.return %symbolic_vectors
}

// -----

// A short row stays in registers from its load to its store; places behind its end count as the identity.
// CHECK-LABEL: kernel.func @softmax(
// CHECK: %[[X:.+]] = kernel.load %x[%{{.+}}, 0 over 0 masked] other 0 -> !kernel.tile<16xf32, v8>
// CHECK: kernel.map select
// CHECK: kernel.reduce maximum
// CHECK: kernel.map exp
// CHECK: kernel.reduce add
// CHECK: kernel.map div
// CHECK-NEXT: kernel.store
// CHECK-NOT: kernel.loop
graph.dim @batch from 1
graph.model @rows(%x: tensor<?x10xf32, #graph.dims<batch>>) -> (tensor<?x10xf32, #graph.dims<batch>>)
    inputs ["x"] outputs ["softmax"] {
  %m = tensor.reduce maximum %x {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %e = tensor.map "ab,a->ab" %x, %m -> tensor<?x10xf32, #graph.dims<batch>> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar sub %a, %b -> f32
    %t = tensor.scalar exp %s -> f32
    tensor.yield %t
  }
  %d = tensor.reduce add %e {dims = [1]} -> tensor<?xf32, #graph.dims<batch>>
  %softmax = tensor.map "ab,a->ab" %e, %d -> tensor<?x10xf32, #graph.dims<batch>> {
  ^bb0(%a: f32, %b: f32):
    %s = tensor.scalar div %a, %b -> f32
    tensor.yield %s
  }
  graph.return %softmax
}
