// Round trips of the ops that move, index and resample values: what is printed parses to the same text.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s

graph.dim @S from 1
graph.model @m(%x: tensor<?x6xf32, #graph.dims<S>>, %i: tensor<2x3xi64>, %n: tensor<?xi32, #graph.dims<S>>,
               %e: tensor<4x6xi64>, %u: tensor<4x6xf32>, %v: tensor<2x3x6xf32>,
               %image: tensor<1x2x4x4xf32>, %grid: tensor<1x3x3x2xf32>)
    -> () inputs ["x", "i", "n", "e", "u", "v", "image", "grid"] outputs [] {
  // CHECK: %0 = graph.slice %x {starts = #graph.dims<S - 1, 1>, steps = [-1, 2]} -> tensor<?x2xf32, #graph.dims<S>>
  %0 = graph.slice %x {starts = #graph.dims<S - 1, 1>, steps = [-1, 2]} -> tensor<?x2xf32, #graph.dims<S>>
  // CHECK: %1 = graph.concat %x, %x, %u {axis = 0} -> tensor<?x6xf32, #graph.dims<S * 2 + 4>>
  %1 = graph.concat %x, %x, %u {axis = 0} -> tensor<?x6xf32, #graph.dims<S * 2 + 4>>
  // CHECK: %2 = graph.expand %x -> tensor<3x?x6xf32, #graph.dims<S>>
  %2 = graph.expand %x -> tensor<3x?x6xf32, #graph.dims<S>>
  // CHECK: %3 = graph.pad %x {high = [0, 2], low = [1, 0]} -> tensor<?x8xf32, #graph.dims<S + 1>>
  %3 = graph.pad %x {low = [1, 0], high = [0, 2], mode = "constant", value = 0.0} -> tensor<?x8xf32, #graph.dims<S + 1>>
  // CHECK: %4 = graph.pad %x {high = [0, 2], low = [1, 0], mode = "reflect"} -> tensor<?x8xf32, #graph.dims<S + 1>>
  %4 = graph.pad %x {low = [1, 0], high = [0, 2], mode = "reflect"} -> tensor<?x8xf32, #graph.dims<S + 1>>
  // CHECK: %5 = graph.pad %i {high = [0, 0], low = [1, 0], value = -1} -> tensor<3x3xi64>
  %5 = graph.pad %i {low = [1, 0], high = [0, 0], value = -1} -> tensor<3x3xi64>
  // CHECK: %6 = graph.iota -> tensor<?xi64, #graph.dims<S>>
  %6 = graph.iota -> tensor<?xi64, #graph.dims<S>>
  // CHECK: %7 = graph.size {dim = #graph.size<S * 2>} -> tensor<i64>
  %7 = graph.size {dim = #graph.size<S * 2>} -> tensor<i64>
  // CHECK: %8 = graph.gather %x, %i {axis = -1} -> tensor<?x2x3xf32, #graph.dims<S>>
  %8 = graph.gather %x, %i {axis = -1} -> tensor<?x2x3xf32, #graph.dims<S>>
  // CHECK: %9 = graph.gather_elements %x, %e -> tensor<4x6xf32>
  %9 = graph.gather_elements %x, %e {axis = 0} -> tensor<4x6xf32>
  // CHECK: %10 = graph.gather_nd %v, %i -> tensor<2xf32>
  %10 = graph.gather_nd %v, %i {batch_dims = 0} -> tensor<2xf32>
  // CHECK: %11 = graph.scatter_elements %x, %e, %u {kind = "add"} -> tensor<?x6xf32, #graph.dims<S>>
  %11 = graph.scatter_elements %x, %e, %u {kind = "add"} -> tensor<?x6xf32, #graph.dims<S>>
  // CHECK: %12 = graph.scatter_nd %v, %i, %10 -> tensor<2x3x6xf32>
  %12 = graph.scatter_nd %v, %i, %10 -> tensor<2x3x6xf32>
  // CHECK: %13 = graph.reverse_sequence %x, %n {batch_axis = 0, time_axis = 1} -> tensor<?x6xf32, #graph.dims<S>>
  %13 = graph.reverse_sequence %x, %n {batch_axis = 0, time_axis = 1} -> tensor<?x6xf32, #graph.dims<S>>
  // CHECK: %14 = graph.resize %x {mode = "linear", scales = [1.0, 2.5]} -> tensor<?x15xf32, #graph.dims<S>>
  %14 = graph.resize %x {mode = "linear", scales = [1.0, 2.5]} -> tensor<?x15xf32, #graph.dims<S>>
  // CHECK: %15 = graph.resize %u {coordinates = "tf_crop_and_resize", extrapolation_value = -1.0, roi = [0.0, 0.5, 1.0, 1.0]} -> tensor<4x9xf32>
  %15 = graph.resize %u {coordinates = "tf_crop_and_resize", extrapolation_value = -1.0, roi = [0.0, 0.5, 1.0, 1.0]} -> tensor<4x9xf32>
  // CHECK: %16 = graph.grid_sample %image, %grid {align_corners = true, padding_mode = "border"} -> tensor<1x2x3x3xf32>
  %16 = graph.grid_sample %image, %grid {align_corners = true, padding_mode = "border"} -> tensor<1x2x3x3xf32>
  graph.return
}
