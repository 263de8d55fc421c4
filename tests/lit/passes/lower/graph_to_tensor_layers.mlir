// Layers over images, products and quantization, as loops.
// RUN: neuralc-opt %s -p graph-to-tensor --split-input-file | filecheck %s

// A transposed convolution in phases: tap 1 reaches the even places of the result, taps 2 and 0 the odd ones. Windows that
// do not overlap are a product of matrices that writes each place where it belongs. Both kernels are made when the model is compiled.
// CHECK: graph.weight @k.phase : tensor<1x2x4xf32> from (@k)
// CHECK: graph.weight @k.phase_1 : tensor<2x2x4xf32> from (@k)
// CHECK: graph.weight @b.taps : tensor<3x2x4xf32> from (@b)
// CHECK-LABEL: graph.model @transposed
// CHECK: %[[K0:.*]] = graph.get_weight @k.phase ->
// CHECK-NEXT: %[[M0:.*]] = tensor.reshape %[[K0]] -> tensor<2x4xf32>
// CHECK-NEXT: %[[EVEN:.*]] = tensor.contract "nwc,co->nwo" %x, %[[M0]] -> tensor<1x5x4xf32>
// CHECK-NEXT: %[[PADDED:.*]] = tensor.pad %x {high = [0, 1, 0], low = [0, 0, 0], value = 0.0} -> tensor<1x6x2xf32>
// CHECK-NEXT: %[[K1:.*]] = graph.get_weight @k.phase_1 ->
// CHECK-NEXT: %[[WINDOWS:.*]] = tensor.window %[[PADDED]] {dilations = [1], dims = [1], sizes = [2], strides = [1]}
// CHECK-NEXT: %[[ODD:.*]] = tensor.contract "nwic,ico->nwo" %[[WINDOWS]], %[[K1]] -> tensor<1x5x4xf32>
// CHECK: tensor.concat %{{.*}}, %{{.*}} {dim = 2} -> tensor<1x5x2x4xf32>
// CHECK-NEXT: tensor.reshape %{{.*}} -> tensor<1x10x4xf32>
// CHECK: %[[B:.*]] = graph.get_weight @b.taps
// CHECK-NEXT: %[[PLACES:.*]] = tensor.contract "nwc,cio->nwio" %z, %[[B]] -> tensor<1x5x2x4xf32>
// CHECK-NEXT: tensor.reshape %[[PLACES]] -> tensor<1x10x4xf32>
graph.weight @k : tensor<3x2x4xf32>
graph.weight @b : tensor<2x3x4xf32>
graph.model @transposed(%x: tensor<1x5x2xf32>, %z: tensor<1x5x3xf32>) -> (tensor<1x10x4xf32>, tensor<1x10x4xf32>) inputs ["x", "z"] outputs ["y", "w"] {
  %k = graph.get_weight @k -> tensor<3x2x4xf32>
  %b = graph.get_weight @b -> tensor<2x3x4xf32>
  %0 = graph.conv_transpose %x, %k {data_format = "NWC", strides = [2], dilations = [1], pads = [1, 0], output_padding = [0]} -> tensor<1x10x4xf32>
  %1 = graph.conv_transpose %z, %b {data_format = "NWC", strides = [2], dilations = [1], pads = [0, 0], output_padding = [0]} -> tensor<1x10x4xf32>
  graph.return %0, %1
}

// -----

// One dim, channels first. Windows of a symbolic size are padded by what could be needed, and those too many left out.
// CHECK-LABEL: graph.model @line
// CHECK: %[[PADDED:.*]] = tensor.pad %x {high = [0, 0, 2], low = [0, 0, 2], value = 0.0}
// CHECK-NEXT: %[[WINDOWS:.*]] = tensor.window %[[PADDED]] {dilations = [2], dims = [2], sizes = [3], strides = [1]}
// CHECK-NEXT: %[[Y:.*]] = tensor.contract "ncwi,ico->now" %[[WINDOWS]], %k
// CHECK-NEXT: %[[MORE:.*]] = tensor.pad %[[Y]] {high = [0, 0, 3], low = [0, 0, 0], value = "-inf"}
// CHECK-NEXT: %[[VIEW:.*]] = tensor.window %[[MORE]] {dilations = [1], dims = [2], sizes = [2], strides = [3]}
// CHECK-NEXT: %[[KEPT:.*]] = tensor.slice %[[VIEW]]
// CHECK-NEXT: tensor.reduce maximum %[[KEPT]] {dims = [3]}
graph.dim @S from 8
graph.weight @k : tensor<3x3x8xf32>
graph.model @line(%x: tensor<2x3x?xf32, #graph.dims<S>>) -> (tensor<2x8x?xf32, #graph.dims<min(ceildiv(S, 3), floordiv(S + 1, 3) + 1)>>) inputs ["x"] outputs ["y"] {
  %k = graph.get_weight @k -> tensor<3x3x8xf32>
  %0 = graph.conv %x, %k {strides = [1], dilations = [2], pads = [2, 2], data_format = "NCW"} -> tensor<2x8x?xf32, #graph.dims<S>>
  %1 = graph.max_pool %0 {window = [2], strides = [3], dilations = [1], pads = [0, 1], ceil_mode = true, data_format = "NCW"}
      -> tensor<2x8x?xf32, #graph.dims<min(ceildiv(S, 3), floordiv(S + 1, 3) + 1)>>
  graph.return %1
}

// -----

// A dim of 1 that broadcasts has no letter; narrow integers are contracted in i32; no result loop becomes one of size 1;
// einsum sums what one operand alone has before anything is multiplied.
// CHECK-LABEL: graph.model @products
// CHECK: %[[A:.*]] = tensor.reshape %a -> tensor<2x3x4xf32>
// CHECK-NEXT: tensor.contract "amk,bkn->abmn" %[[A]], %b -> tensor<2x5x3x6xf32>
// CHECK: tensor.contract "mk,kn->mn" %{{.*}}, %{{.*}} -> tensor<3x5xi32>
// CHECK-NEXT: tensor.map "ab->ab" %{{.*}} -> tensor<3x5xi8>
// CHECK: tensor.contract "ak,k->a" %{{.*}}, %v -> tensor<1xf32>
// CHECK: %[[LEFT:.*]] = tensor.reduce add %{{.*}} {dims = [0]} -> tensor<3x4xf32>
// CHECK-NEXT: %[[RIGHT:.*]] = tensor.reduce add %b {dims = [0]} -> tensor<4x6xf32>
// CHECK-NEXT: %[[SCALED:.*]] = tensor.map "ik,k->ik" %[[LEFT]], %v
// CHECK: tensor.contract "kj,ik->ij" %[[RIGHT]], %[[SCALED]] -> tensor<3x6xf32>
graph.model @products(%a: tensor<2x1x3x4xf32>, %b: tensor<5x4x6xf32>, %c: tensor<3x4xi8>, %d: tensor<4x5xi8>, %v: tensor<4xf32>)
    -> (tensor<2x5x3x6xf32>, tensor<3x5xi8>, tensor<f32>, tensor<3x6xf32>) inputs ["a", "b", "c", "d", "v"] outputs ["w", "x", "y", "z"] {
  %0 = graph.matmul %a, %b -> tensor<2x5x3x6xf32>
  %1 = graph.matmul %c, %d -> tensor<3x5xi8>
  %2 = graph.matmul %v, %v -> tensor<f32>
  %3 = graph.einsum "aqik,bkj,k->ij" %a, %b, %v -> tensor<3x6xf32>
  graph.return %0, %1, %2, %3
}

// -----

// One map; the conversion to the narrow type saturates.
// CHECK-LABEL: graph.model @quantized
// CHECK: tensor.map "ab,b,b->ab" %x, %s, %z -> tensor<2x6xui8> {
// CHECK: tensor.scalar div
// CHECK-NEXT: tensor.scalar round_even
// CHECK-NEXT: tensor.scalar convert
// CHECK-NEXT: tensor.scalar add
// CHECK-NEXT: tensor.scalar convert %{{.*}} -> ui8
graph.model @quantized(%x: tensor<2x6xf32>, %s: tensor<6xf32>, %z: tensor<6xui8>) -> (tensor<2x6xui8>) inputs ["x", "s", "z"] outputs ["y"] {
  %0 = graph.quantize %x, %s, %z -> tensor<2x6xui8>
  graph.return %0
}
