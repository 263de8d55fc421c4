// tensor-pack-weights: weights of contractions in panels, as wide as the register tile.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-pack-weights --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-pack-weights --target cpu --mcpu haswell --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-pack-weights --target cuda --arch sm_80 | filecheck %s --check-prefix=CUDA

// A dense layer: the packing is a derived weight, made at compile time; the group reads a view of it.
// CHECK-LABEL: graph.weight @dense.kernel :
// CHECK: graph.weight @dense.kernel.folded : tensor<5x20x24xf32> from (@dense.kernel)
// CHECK: tensor.pack %{{.+}} {panel = 24} -> tensor<5x20x24xf32>
// CHECK-LABEL: graph.model @dense
// CHECK: %[[P:.+]] = graph.get_weight @dense.kernel.folded -> tensor<5x20x24xf32>
// CHECK: %[[U:.+]] = tensor.unpack %[[P]] -> tensor<20x100xf32>
// CHECK: tensor.group "dense"(%{{.+}} = %x, %{{.+}} = %[[U]])
// REMARK: passed: tensor.group: packed in panels of 24 for a 4x24 register tile
// A GPU loads blocks through shared memory: nothing is packed.
// CUDA-LABEL: graph.model @dense
// CUDA-NOT: tensor.unpack
graph.weight @dense.kernel : tensor<20x100xf32>
graph.model @dense(%x: tensor<12x20xf32>) -> (tensor<12x100xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @dense.kernel -> tensor<20x100xf32>
  %y = tensor.contract "mk,kn->mn" %x, %w -> tensor<12x100xf32>
  graph.return %y
}

// -----

// A weight that two layers share is packed once.
// CHECK-LABEL: graph.weight @shared.kernel :
// CHECK: graph.weight @shared.kernel.folded : tensor<5x20x24xf32> from (@shared.kernel)
// CHECK-NOT: graph.weight
// CHECK-LABEL: graph.model @shared
// CHECK: graph.get_weight @shared.kernel.folded ->
// CHECK: graph.get_weight @shared.kernel.folded ->
// REMARK: passed: graph.weight: @shared.kernel.folded_1 is computed as @shared.kernel.folded is: one weight now
graph.weight @shared.kernel : tensor<20x100xf32>
graph.model @shared(%x: tensor<12x20xf32>, %y: tensor<12x20xf32>) -> (tensor<12x100xf32>, tensor<12x100xf32>) inputs ["x", "y"] outputs ["a", "b"] {
  %w = graph.get_weight @shared.kernel -> tensor<20x100xf32>
  %a = tensor.contract "mk,kn->mn" %x, %w -> tensor<12x100xf32>
  %b = tensor.contract "mk,kn->mn" %y, %w -> tensor<12x100xf32>
  graph.return %a, %b
}

// -----

// Channels first: the picture gives the vectors, the weight only scalars.
// CHECK-LABEL: graph.model @channels_first
// CHECK-NOT: tensor.unpack
graph.weight @conv.kernel : tensor<4x6xf32>
graph.model @channels_first(%x: tensor<1x4x9x8xf32>) -> (tensor<1x6x9x8xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @conv.kernel -> tensor<4x6xf32>
  %y = tensor.contract "nchw,co->nohw" %x, %w -> tensor<1x6x9x8xf32>
  graph.return %y
}

// -----

// An activation is not packed: that would be work at run time.
// CHECK-LABEL: graph.model @activation
// CHECK-NOT: tensor.pack
// REMARK: missed: tensor.group: its vector operand is made at run time
graph.model @activation(%x: tensor<12x20xf32>, %y: tensor<20x100xf32>) -> (tensor<12x100xf32>) inputs ["x", "y"] outputs ["z"] {
  %z = tensor.contract "mk,kn->mn" %x, %y -> tensor<12x100xf32>
  graph.return %z
}

// -----

// Depthwise: each vector of the weight is read once per row of the output, in the order it lies.
// CHECK-LABEL: graph.model @depthwise
// CHECK-NOT: tensor.unpack
graph.weight @depthwise.kernel : tensor<3x3x8xf32>
graph.model @depthwise(%x: tensor<1x4x4x3x3x8xf32>) -> (tensor<1x4x4x8xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @depthwise.kernel -> tensor<3x3x8xf32>
  %y = tensor.contract "nhwijg,ijg->nhwg" %x, %w -> tensor<1x4x4x8xf32>
  graph.return %y
}

// -----

// A weight whose last dim is summed over is transposed first, when the model is compiled.
// CHECK-LABEL: graph.weight @transposed.kernel.folded
// CHECK: tensor.transpose
// CHECK: tensor.pack
// CHECK-LABEL: graph.model @transposed
// CHECK: tensor.unpack
// CHECK: tensor.contract "mk,kn->mn"
// REMARK: passed: tensor.group: its vectors run along the last dim of a transposed weight
graph.weight @transposed.kernel : tensor<100x20xf32>
graph.model @transposed(%x: tensor<12x20xf32>) -> (tensor<12x100xf32>) inputs ["x"] outputs ["y"] {
  %w = graph.get_weight @transposed.kernel -> tensor<100x20xf32>
  %y = tensor.contract "mk,nk->mn" %x, %w -> tensor<12x100xf32>
  graph.return %y
}

// -----

// The same of a value that is made at run time: a copy, which many rows read.
// CHECK-LABEL: graph.model @scores
// CHECK: %[[T:.+]] = tensor.transpose %k {perm = [1, 0]}
// CHECK: tensor.group "transposed"(%{{.+}} = %[[T]])
// CHECK: tensor.contract "mk,kn->mn"
// REMARK: passed: tensor.group: its vectors run along the last dim of a transposed value: a copy
graph.model @scores(%q: tensor<12x20xf32>, %k: tensor<100x20xf32>) -> (tensor<12x100xf32>) inputs ["q", "k"] outputs ["y"] {
  %y = tensor.contract "mk,nk->mn" %q, %k -> tensor<12x100xf32>
  graph.return %y
}

// -----

// One row is read once: both operands lie along what is added up.
// CHECK-LABEL: graph.model @one_row
// CHECK-NOT: tensor.transpose
graph.model @one_row(%q: tensor<20xf32>, %k: tensor<100x20xf32>) -> (tensor<100xf32>) inputs ["q", "k"] outputs ["y"] {
  %y = tensor.contract "k,nk->n" %q, %k -> tensor<100xf32>
  graph.return %y
}
