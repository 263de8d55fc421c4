// RUN: rm -rf %t.dump
// RUN: neuralc-opt %s -p graph-cse,graph-dce,graph-cse --dump-ir=%t.dump -o /dev/null
// RUN: ls %t.dump | filecheck %s --check-prefix=FILES
// RUN: neuralc-opt %t.dump/002-graph-dce.mlir | filecheck %s
// RUN: not neuralc-opt %s -p graph-dce --dump-ir=%t.dump/index.html/no 2>&1 | filecheck %s --check-prefix=ERROR

// Only passes that changed something get a file; the number is the place in the pipeline.
// FILES: 000-input.mlir
// FILES-NEXT: 002-graph-dce.mlir
// FILES-NEXT: index.html

// A dump is a whole module.
// CHECK: graph.model @m
// CHECK-NOT: graph.exp

// ERROR: error[E0990]: cannot write to the folder

builtin.module {
  graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] {
    %unused = graph.exp %x -> tensor<4xf32>
    graph.return %x
  }
}
