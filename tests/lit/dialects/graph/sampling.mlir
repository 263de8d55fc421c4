// Round trips of layers that read an image where data says.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

graph.dim @R from 0
graph.model @m(%x: tensor<2x4x8x8xf32>, %rois: tensor<?x4xf32, #graph.dims<R>>, %i: tensor<?xi64, #graph.dims<R>>,
               %five: tensor<?x5xf32, #graph.dims<R>>, %o: tensor<2x18x6x6xf32>, %k: tensor<3x3x2x6xf32>,
               %m: tensor<2x9x6x6xf32>, %b: tensor<6xf32>, %p: tensor<1x12x?xf32, #graph.dims<R>>)
    -> () inputs ["x", "rois", "i", "five", "o", "k", "m", "b", "p"] outputs [] {
  // CHECK: %0 = graph.roi_align %x, %rois, %i {sizes = [3, 2]} -> tensor<?x4x3x2xf32, #graph.dims<R>>
  %0 = graph.roi_align %x, %rois, %i {sizes = [3, 2], mode = "average", half_pixel = true} -> tensor<?x4x3x2xf32, #graph.dims<R>>
  // CHECK: %1 = graph.roi_align %x, %rois, %i {half_pixel = false, mode = "maximum", sampling_ratio = 2, sizes = [1, 1], spatial_scale = 0.5}
  %1 = graph.roi_align %x, %rois, %i {sizes = [1, 1], mode = "maximum", half_pixel = false, sampling_ratio = 2,
                                      spatial_scale = 0.5} -> tensor<?x4x1x1xf32, #graph.dims<R>>
  // CHECK: %2 = graph.max_roi_pool %x, %five {sizes = [2, 2]} -> tensor<?x4x2x2xf32, #graph.dims<R>>
  %2 = graph.max_roi_pool %x, %five {sizes = [2, 2]} -> tensor<?x4x2x2xf32, #graph.dims<R>>
  // CHECK: %3 = graph.deform_conv %x, %o, %k, %m, %b {groups = 2} -> tensor<2x6x6x6xf32>
  %3 = graph.deform_conv %x, %o, %k, %m, %b {groups = 2} -> tensor<2x6x6x6xf32>
  // CHECK: %4 = graph.deform_conv %x, %o, %k {groups = 2} -> tensor<2x6x6x6xf32>
  %4 = graph.deform_conv %x, %o, %k {groups = 2} -> tensor<2x6x6x6xf32>
  // CHECK: %5 = graph.fold %p {dilations = [1, 1], pads = [0, 0, 0, 0], sizes = #graph.dims<R + 1, 4>, strides = [1, 4], window = [2, 2]}
  // CHECK-SAME: -> tensor<1x3x?x4xf32, #graph.dims<R + 1>>
  %5 = graph.fold %p {sizes = #graph.dims<R + 1, 4>, window = [2, 2], strides = [1, 4], dilations = [1, 1],
                      pads = [0, 0, 0, 0]} -> tensor<1x3x?x4xf32, #graph.dims<R + 1>>
  graph.return
}
