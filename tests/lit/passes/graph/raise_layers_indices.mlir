// RUN: neuralc-opt %s -p graph-raise-layers,graph-dce | filecheck %s

// What jax writes for x[i]: graph.gather counts from the end by itself, so that the index has to be moved inside alone.
// An index that is counted around another size stays as it is.
// CHECK: graph.constant {value = -5}
// CHECK-NEXT: %[[ABOVE:.*]] = graph.maximum %i, %{{.*}} -> tensor<3xi32>
// CHECK-NEXT: %[[INSIDE:.*]] = graph.minimum %[[ABOVE]], %{{.*}}
// CHECK-NEXT: graph.gather %x, %[[INSIDE]]
// CHECK: graph.where
builtin.module {
  graph.model @places(%x: tensor<5x4xf32>, %i: tensor<3xi32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) inputs ["x", "i"] outputs ["y", "z"] {
    %zero = graph.constant {value = 0} -> tensor<i32>
    %five = graph.constant {value = 5} -> tensor<i32>
    %six = graph.constant {value = 6} -> tensor<i32>
    %last = graph.constant {value = 4} -> tensor<i32>
    %below = graph.less %i, %zero -> tensor<3xi1>
    %moved = graph.add %i, %five -> tensor<3xi32>
    %counted = graph.where %below, %moved, %i -> tensor<3xi32>
    %above = graph.maximum %counted, %zero -> tensor<3xi32>
    %inside = graph.minimum %above, %last -> tensor<3xi32>
    %y = graph.gather %x, %inside -> tensor<3x4xf32>
    %moved_1 = graph.add %i, %six -> tensor<3xi32>
    %counted_1 = graph.where %below, %moved_1, %i -> tensor<3xi32>
    %above_1 = graph.maximum %counted_1, %zero -> tensor<3xi32>
    %inside_1 = graph.minimum %above_1, %last -> tensor<3xi32>
    %z = graph.gather %x, %inside_1 -> tensor<3x4xf32>
    graph.return %y, %z
  }
}
