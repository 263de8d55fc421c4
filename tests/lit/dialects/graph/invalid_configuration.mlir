// What attributes about training and searches refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

// expected-error@below {{a choice has at least one option}}
"graph.model"() {a = #graph.choice<[]>} : () -> ()

// -----

// expected-error@below {{a choice holds values of one kind, not numbers and strings}}
"graph.model"() {a = #graph.choice<[32, "relu"]>} : () -> ()

// -----

// expected-error@below {{a choice holds values of one kind, not flags and numbers}}
"graph.model"() {a = #graph.choice<[true, #graph.range<1 to 2>]>} : () -> ()

// -----

// expected-error@below {{a choice holds values of one kind, not #graph.loss and #graph.optimizer}}
"graph.model"() {a = #graph.choice<[#graph.loss<"mse">, #graph.optimizer<"Adam">]>} : () -> ()

// -----

// expected-error@below {{the range from 5 to 1 is empty}}
"graph.model"() {a = #graph.range<5 to 1>} : () -> ()

// -----

// expected-error@below {{the step of a range is a number above 0}}
"graph.model"() {a = #graph.range<1 to 5 step 0>} : () -> ()

// -----

// expected-error@below {{a logarithmic range starts above 0, not at 0}}
"graph.model"() {a = #graph.log_range<0 to 1>} : () -> ()

// -----

// expected-error@below {{a logarithmic range has no step}}
"graph.model"() {a = #graph.log_range<1 to 5 step 1>} : () -> ()

// -----

// expected-error@below {{a search goes over a choice, a range or a log_range}}
"graph.model"() {a = #graph.search<32 : i64 is 32 from "m.nr:1:1">} : () -> ()

// -----

// expected-error@below {{the value of a search lies in its space}}
"graph.model"() {a = #graph.search<#graph.choice<[32, 64]> is 48 from "m.nr:1:1">} : () -> ()

// -----

// expected-error@below {{the value of a search lies in its space}}
"graph.model"() {a = #graph.search<#graph.range<10 to 100 step 10> is 15 from "m.nr:1:1">} : () -> ()

// -----

// expected-error@below {{graph.optimizer needs a name, not 'Adam(0.1)'}}
"graph.model"() {a = #graph.optimizer<"Adam(0.1)">} : () -> ()

// -----

// expected-error@below {{Adam: learning_rate is a number above 0 or a schedule}}
"graph.model"() {a = #graph.optimizer<"Adam", learning_rate = 0.0>} : () -> ()

// -----

// expected-error@below {{Adam: learning_rate is a number above 0 or a schedule}}
"graph.model"() {a = #graph.optimizer<"Adam", learning_rate = #graph.range<0 to 1>>} : () -> ()

// -----

// expected-error@below {{Adam: beta_1 is a literal or a search}}
"graph.model"() {a = #graph.optimizer<"Adam", beta_1 = #graph.schedule<"StepLR">>} : () -> ()

// -----

// expected-error@below {{LossScaleOptimizer: inner_optimizer is an optimizer}}
"graph.model"() {a = #graph.optimizer<"LossScaleOptimizer", inner_optimizer = 3>} : () -> ()

// -----

// expected-error@below {{LearningRateScheduler: schedule is a schedule}}
"graph.model"() {a = #graph.callback<"LearningRateScheduler", schedule = 0.1>} : () -> ()

// -----

// expected-error@below {{epochs is a whole number of at least 1}}
"graph.model"() {a = #graph.train<epochs = 0>} : () -> ()

// -----

// expected-error@below {{batch_size is a whole number of at least 1}}
"graph.model"() {a = #graph.train<batch_size = #graph.choice<[32, 64.5]>>} : () -> ()

// -----

// expected-error@below {{validation_split is a number from 0 below 1}}
"graph.model"() {a = #graph.train<validation_split = 1.0>} : () -> ()

// -----

// expected-error@below {{graph.train has no entry epoch}}
"graph.model"() {a = #graph.train<epoch = 3>} : () -> ()

// -----

// expected-error@below {{epochs is given twice}}
"graph.model"() {a = #graph.train<epochs = 3, epochs = 4>} : () -> ()

// -----

// expected-error@below {{batch is a list, each a whole number of at least 1}}
"graph.model"() {a = #graph.benchmark<batch = [1, 0]>} : () -> ()

// -----

// expected-error@below {{threads is a whole number of at least 1}}
"graph.model"() {a = #graph.execution<threads = "two">} : () -> ()

// -----

// expected-error@below {{tolerance is a number from 0}}
"graph.model"() {a = #graph.test<tolerance = -0.1>} : () -> ()

// -----

// expected-error@below {{metrics is numbers by name}}
"graph.model"() {a = #graph.research<"Paper", metrics = {accuracy = "high"}>} : () -> ()

// -----

// expected-error@below {{loss of a model is a list of #graph.loss}}
graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {loss = "mse"} {
  graph.return %x
}

// -----

// expected-error@below {{optimizer of a model is an #graph.optimizer or a choice of them}}
graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {optimizer = #graph.loss<"hinge">} {
  graph.return %x
}

// -----

// expected-error@below {{searches of a model is #graph.search by name}}
graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] attributes {searches = {a = #graph.choice<[1]>}} {
  graph.return %x
}
