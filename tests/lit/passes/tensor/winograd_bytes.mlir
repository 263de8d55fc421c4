// tensor-winograd: transformed weights may add a tenth of the model's weights and 96 KiB, here 113,049 bytes for two layers
// that ask for 57,344 each. The one with the larger picture gains more by a byte, wherever it stands.
// RUN: neuralc-opt %s -p tensor-winograd --target cpu --mcpu haswell | filecheck %s
// RUN: neuralc-opt %s -p tensor-winograd --target cpu --mcpu haswell --remarks=passed,missed -o %t 2>&1 | filecheck %s --check-prefix=REMARK
// RUN: neuralc-opt %s -p 'tensor-winograd{growth=0.5}' --target cpu --mcpu haswell | filecheck %s --check-prefix=BOTH
// RUN: neuralc-opt %s -p 'tensor-winograd{growth=-1.0}' --target cpu --mcpu haswell | filecheck %s --check-prefix=BOTH
// RUN: neuralc-opt %s -p 'tensor-winograd{growth=0.0 spare=0}' --target cpu --mcpu haswell | filecheck %s --check-prefix=NONE

// CHECK-LABEL: graph.model @two_layers
// CHECK: tensor.contract "nhwijc,ijco->nhwo"
// CHECK: tensor.winograd %{{.+}}, %{{.+}} {tile = 2} -> tensor<1x28x28x64xf32>
// BOTH-LABEL: graph.model @two_layers
// BOTH: tensor.winograd %{{.+}} {tile = 2} -> tensor<1x14x14x64xf32>
// BOTH: tensor.winograd %{{.+}} {tile = 2} -> tensor<1x28x28x64xf32>
// NONE-NOT: tensor.winograd
// REMARK: missed: tensor.contract: stays a direct convolution: F(2, 3) is 1.{{[0-9]+}} times as fast by the model, its weight 57344 bytes larger; `--winograd=f2` takes it
// REMARK: passed: tensor.winograd: F(2, 3) is 1.{{[0-9]+}} times as fast by the model
graph.weight @small.kernel : tensor<3x3x32x64xf32>
graph.weight @large.kernel : tensor<3x3x32x64xf32>
graph.model @two_layers(%x: tensor<1x16x16x32xf32>, %y: tensor<1x30x30x32xf32>) -> (tensor<1x14x14x64xf32>, tensor<1x28x28x64xf32>) inputs ["x", "y"] outputs ["a", "b"] {
  %w = graph.get_weight @small.kernel -> tensor<3x3x32x64xf32>
  %v = tensor.window %x {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x14x14x3x3x32xf32>
  %a = tensor.contract "nhwijc,ijco->nhwo" %v, %w -> tensor<1x14x14x64xf32>
  %k = graph.get_weight @large.kernel -> tensor<3x3x32x64xf32>
  %u = tensor.window %y {dims = [1, 2], sizes = [3, 3], strides = [1, 1], dilations = [1, 1]} -> tensor<1x28x28x3x3x32xf32>
  %b = tensor.contract "nhwijc,ijco->nhwo" %u, %k -> tensor<1x28x28x64xf32>
  graph.return %a, %b
}
