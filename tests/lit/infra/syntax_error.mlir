// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

builtin.module {
  %0 = arith.constant : i32 // expected-error {{attribute expected}}
}

// -----

// A part of a split file keeps the line numbers of the file.
builtin.module {
  // expected-error@below {{unknown op `graph.no_such_op`}}
  graph.no_such_op
}
