// Round trips of quantization: one scale, one along an axis, one a block.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

graph.dim @S from 1
graph.model @m(%x: tensor<?x6xf32, #graph.dims<S>>, %s: tensor<f32>, %z: tensor<ui8>, %sv: tensor<6xf32>,
               %zv: tensor<6xi8>, %sb: tensor<?x6xf32, #graph.dims<ceildiv(S, 4)>>,
               %zb: tensor<?x6xi8, #graph.dims<ceildiv(S, 4)>>, %acc: tensor<?x6xi32, #graph.dims<S>>, %zi: tensor<6xi32>)
    -> () inputs ["x", "s", "z", "sv", "zv", "sb", "zb", "acc", "zi"] outputs [] {
  // CHECK: %0 = graph.quantize %x, %s, %z -> tensor<?x6xui8, #graph.dims<S>>
  %0 = graph.quantize %x, %s, %z {axis = 1, block_size = 0} -> tensor<?x6xui8, #graph.dims<S>>
  // CHECK: %1 = graph.quantize %x, %sv, %zv {axis = -1} -> tensor<?x6xi8, #graph.dims<S>>
  %1 = graph.quantize %x, %sv, %zv {axis = -1} -> tensor<?x6xi8, #graph.dims<S>>
  // CHECK: %2 = graph.quantize %x, %sb, %zb {axis = 0, block_size = 4} -> tensor<?x6xi8, #graph.dims<S>>
  %2 = graph.quantize %x, %sb, %zb {axis = 0, block_size = 4} -> tensor<?x6xi8, #graph.dims<S>>
  // CHECK: %3 = graph.dequantize %0, %s, %z -> tensor<?x6xf32, #graph.dims<S>>
  %3 = graph.dequantize %0, %s, %z -> tensor<?x6xf32, #graph.dims<S>>
  // CHECK: %4 = graph.dequantize %acc, %sv, %zi -> tensor<?x6xf32, #graph.dims<S>>
  %4 = graph.dequantize %acc, %sv, %zi -> tensor<?x6xf32, #graph.dims<S>>
  graph.return
}
