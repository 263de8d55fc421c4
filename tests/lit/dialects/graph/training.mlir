// What acts in training only, as it is read and printed; graph-specialize-inference removes it all.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s
// RUN: neuralc-opt %s -p graph-specialize-inference | filecheck %s --check-prefix=INFERENCE

!image = tensor<?x8x8x4xf32, #graph.dims<batch>>

builtin.module {
  graph.dim @batch from 1

  // CHECK-LABEL: graph.model @training
  // INFERENCE: outputs ["y"] {
  // INFERENCE-NEXT: graph.return %x
  graph.model @training(%x: !image) -> (!image) inputs ["x"] outputs ["y"] {
    // CHECK: graph.dropout %x {rate = 0.5} -> tensor<?x8x8x4xf32
    %0 = graph.dropout %x {rate = 0.5, kind = "zeros", shared = []} -> !image
    // CHECK: graph.dropout %0 {kind = "alpha", rate = 0.5, seed = 3, shared = [1, 2]} -> tensor<?x8x8x4xf32
    %1 = graph.dropout %0 {rate = 0.5, kind = "alpha", shared = [1, 2], seed = 3} -> !image
    // CHECK: graph.dropout %1 {rate = 1.0} -> tensor<?x8x8x4xf32
    %2 = graph.dropout %1 {rate = 1.0} -> !image
    // CHECK: graph.dropout %2 {kind = "gaussian", rate = 0.25} -> tensor<?x8x8x4xf32
    %3 = graph.dropout %2 {kind = "gaussian", rate = 0.25} -> !image
    // CHECK: graph.gaussian_noise %3 {stddev = 0.1} -> tensor<?x8x8x4xf32
    %4 = graph.gaussian_noise %3 {stddev = 0.1} -> !image
    // CHECK: graph.activity_regularizer %4 {l2 = 0.01} -> tensor<?x8x8x4xf32
    %5 = graph.activity_regularizer %4 {l1 = 0.0, l2 = 0.01} -> !image
    graph.return %5
  }
}
