// What a model says of its training, execution and tests: typed attributes, each on a line of its own.
// RUN: neuralc-opt %s | neuralc-opt | filecheck %s --strict-whitespace --match-full-lines
// RUN: neuralc-opt %s --print-generic | neuralc-opt | filecheck %s --strict-whitespace --match-full-lines

//      CHECK:builtin.module {
// CHECK-NEXT:  graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {
// CHECK-NEXT:    benchmark = #graph.benchmark<batch = [1, 8], threads = [1, #graph.range<2 to 8>], compare = ["onnxruntime"]>,
// CHECK-NEXT:    execution = #graph.execution<device = "cuda:0", precision = #graph.choice<["bf16", "fp32"]>, target = "cuda", threads = 2>,
// CHECK-NEXT:    loss = [#graph.loss<"huber", delta = 2.0>, #graph.choice<[#graph.loss<"hinge">, #graph.loss<"poisson">]>],
// CHECK-NEXT:    metrics = [#graph.metric<"accuracy">, #graph.metric<"precision", thresholds = [0.5, 0.7], class_id = none>],
// CHECK-NEXT:    note = "free",
// CHECK-NEXT:    optimizer = #graph.choice<[#graph.optimizer<"Adam", learning_rate = #graph.log_range<0.0001 to 0.01>>, #graph.optimizer<"LossScaleOptimizer", inner_optimizer = #graph.optimizer<"SGD", learning_rate = #graph.choice<[0.1, #graph.schedule<"StepLR", initial_learning_rate = #graph.range<0.1 to 0.5 step 0.1>, step_size = 30>]>, nesterov = false>>]>,
// CHECK-NEXT:    research = [#graph.research<"Paper", metrics = {accuracy = 88.3, epochs = 5}, references = {paper = "https://x"}>, #graph.research<"">],
// CHECK-NEXT:    searches = {
// CHECK-NEXT:      Block.dense.units = #graph.search<#graph.choice<[#graph.range<10 to 50 step 10>, 100]> is 30 from "m.nr:3:9">,
// CHECK-NEXT:      dense.activation = #graph.search<#graph.choice<[none, "relu"]> is none from "m.nr:4:9">,
// CHECK-NEXT:      layer = #graph.search<#graph.choice<[#graph.written<"Dense(8)">, #graph.written<"Flatten">]> is #graph.written<"Flatten"> from "m.nr:5:9">,
// CHECK-NEXT:      size = #graph.search<#graph.choice<[[3, 3], [#graph.choice<[5, 7]>, 1]]> is [7, 1] from "m.nr:6:9">
// CHECK-NEXT:    },
// CHECK-NEXT:    test = #graph.test<inputs = ["x.npy"], expect = ["y.npy"], tolerance = 1.0e-05>,
// CHECK-NEXT:    train = #graph.train<data = ["mnist"], epochs = 15, batch_size = #graph.choice<[32, 64]>, validation_split = 0.2, shuffle = true, early_stopping = #graph.callback<"EarlyStopping", patience = 3>, callbacks = [#graph.callback<"LearningRateScheduler", schedule = #graph.schedule<"CosineDecay", initial_learning_rate = 0.1, decay_steps = 100>>], search_method = "bayesian">
// CHECK-NEXT:  } {
// CHECK-NEXT:    graph.return %x
// CHECK-NEXT:  }
// CHECK-NEXT:  graph.model @free(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {note = "one line"} {
// CHECK-NEXT:    graph.return %x
// CHECK-NEXT:  }
// CHECK-NEXT:  graph.model @empty(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {
// CHECK-NEXT:    train = #graph.train<>
// CHECK-NEXT:  } {
// CHECK-NEXT:    graph.return %x
// CHECK-NEXT:  }
// CHECK-NEXT:}

graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {
  benchmark = #graph.benchmark<batch = [1, 8], threads = [1, #graph.range<2 to 8>], compare = ["onnxruntime"]>,
  execution = #graph.execution<device = "cuda:0", precision = #graph.choice<["bf16", "fp32"]>, target = "cuda", threads = 2>,
  loss = [#graph.loss<"huber", delta = 2.0>, #graph.choice<[#graph.loss<"hinge">, #graph.loss<"poisson">]>],
  metrics = [#graph.metric<"accuracy">, #graph.metric<"precision", thresholds = [0.5, 0.7], class_id = none>],
  note = "free",
  optimizer = #graph.choice<[
    #graph.optimizer<"Adam", learning_rate = #graph.log_range<0.0001 to 0.01>>,
    #graph.optimizer<"LossScaleOptimizer", inner_optimizer = #graph.optimizer<"SGD",
      learning_rate = #graph.choice<[0.1, #graph.schedule<"StepLR", initial_learning_rate = #graph.range<0.1 to 0.5 step 0.1>, step_size = 30>]>,
      nesterov = false>>]>,
  research = [#graph.research<"Paper", metrics = {accuracy = 88.3, epochs = 5}, references = {paper = "https://x"}>, #graph.research<"">],
  searches = {
    Block.dense.units = #graph.search<#graph.choice<[#graph.range<10 to 50 step 10>, 100]> is 30 from "m.nr:3:9">,
    dense.activation = #graph.search<#graph.choice<[none, "relu"]> is none from "m.nr:4:9">,
    layer = #graph.search<#graph.choice<[#graph.written<"Dense(8)">, #graph.written<"Flatten">]> is #graph.written<"Flatten"> from "m.nr:5:9">,
    size = #graph.search<#graph.choice<[[3, 3], [#graph.choice<[5, 7]>, 1]]> is [7, 1] from "m.nr:6:9">
  },
  test = #graph.test<inputs = ["x.npy"], expect = ["y.npy"], tolerance = 1.0e-05>,
  train = #graph.train<data = ["mnist"], epochs = 15, batch_size = #graph.choice<[32, 64]>, validation_split = 0.2, shuffle = true,
    early_stopping = #graph.callback<"EarlyStopping", patience = 3>,
    callbacks = [#graph.callback<"LearningRateScheduler", schedule = #graph.schedule<"CosineDecay", initial_learning_rate = 0.1, decay_steps = 100>>],
    search_method = "bayesian">
} {
  graph.return %x
}
graph.model @free(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {note = "one line"} {
  graph.return %x
}
graph.model @empty(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {train = #graph.train<>} {
  graph.return %x
}
