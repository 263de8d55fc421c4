// What the verifier refuses of convolution, pooling and contraction.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

builtin.module {
  graph.model @windows(%line: tensor<2x9x3xf32>, %image: tensor<1x8x8x4xf32>, %k1: tensor<3x3x4xf32>,
                       %k2: tensor<3x3x4x4xf32>, %b: tensor<1x8x8x4xi1>) -> ()
      inputs ["line", "image", "k1", "k2", "b"] outputs [] {
    // expected-error@below {{a conv kernel is [height, width, in / groups, out], got (3, 3, 4)}}
    %0 = graph.conv %line, %k1 -> tensor<2x7x4xf32>
    // expected-error@below {{expected 3 dims NWC, got shape (1, 8, 8, 4)}}
    %1 = graph.conv %image, %k1 {data_format = "NWC", strides = [1], dilations = [1], pads = [0, 0]} -> tensor<1x6x6x4xf32>
    // expected-error@below {{window, strides and dilations have 1 entry, pads have 2}}
    %2 = graph.conv %line, %k1 {data_format = "NWC", strides = [1], dilations = [1], pads = [0, 0, 0]} -> tensor<2x7x4xf32>
    // expected-error@below {{input has 4 channels, the kernel (3, 3, 4, 4) takes 4 in 3 groups}}
    %3 = graph.conv_transpose %image, %k2 {groups = 3} -> tensor<1x10x10x12xf32>
    // expected-error@below {{output_padding has one entry of at least 0 per spatial dim, got [1]}}
    %4 = graph.conv_transpose %image, %k2 {output_padding = [1]} -> tensor<1x10x10x4xf32>
    // expected-error@below {{padding [5, 0, 5, 0] leaves nothing of the result}}
    %5 = graph.conv_transpose %image, %k2 {pads = [5, 0, 5, 0]} -> tensor<1x0x10x4xf32>
    // expected-error@below {{max_pool needs floats or integers, got i1}}
    %6 = graph.max_pool %b {window = [2, 2], strides = [2, 2]} -> tensor<1x4x4x4xi1>
    // expected-error@below {{result type is tensor<1x4x4x4xf32>, operands give tensor<1x4x4x4xi64>}}
    %7 = graph.arg_max_pool %image {window = [2, 2], strides = [2, 2]} -> tensor<1x4x4x4xf32>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @products(%a: tensor<3x4xf32>, %b: tensor<3x4xf32>, %i: tensor<4x3xi32>) -> ()
      inputs ["a", "b", "i"] outputs [] {
    // expected-error@below {{(3, 4) and (3, 4) have no matrix product}}
    %0 = graph.matmul %a, %b -> tensor<3x4xf32>
    // expected-error@below {{matmul: operands are of types f32, i32}}
    %1 = graph.matmul %a, %i -> tensor<3x3xf32>
    // expected-error@below {{letter `j` has sizes 4 and 3}}
    %2 = graph.einsum "ij,jk->ik" %a, %b -> tensor<3x4xf32>
    // expected-error@below {{a determinant needs square matrices, got (3, 4)}}
    %3 = graph.det %a -> tensor<f32>
    graph.return
  }
}

// -----

builtin.module {
  graph.model @sampling(%x: tensor<2x4x8x8xf32>, %rois: tensor<3x4xf32>, %i: tensor<2xi64>, %s: tensor<5xf32>,
                        %z: tensor<5xi8>, %k: tensor<3x3x4x6xf32>, %o: tensor<2x18x6x5xf32>) -> ()
      inputs ["x", "rois", "i", "s", "z", "k", "o"] outputs [] {
    // expected-error@below {{batch_indices is (2,), expected (3,)}}
    %0 = graph.roi_align %x, %rois, %i {sizes = [1, 1]} -> tensor<3x4x1x1xf32>
    // expected-error@below {{regions are [count, 5], got (3, 4)}}
    %1 = graph.max_roi_pool %x, %rois {sizes = [1, 1]} -> tensor<3x4x1x1xf32>
    // expected-error@below {{scale is (5,), (2, 4, 8, 8) takes (4,)}}
    %2 = graph.quantize %x, %s, %z -> tensor<2x4x8x8xi8>
    // expected-error@below {{offset is (2, 18, 6, 5), expected (2, 18, 6, 6)}}
    %3 = graph.deform_conv %x, %o, %k -> tensor<2x6x6x6xf32>
    graph.return
  }
}
