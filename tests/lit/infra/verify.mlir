// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

// All faults of a module are told at once, each with its place.
builtin.module {
  %0 = arith.constant 1 : i32
  %1 = arith.addi %2, %0 : i32 // expected-error {{operand 0 is used before it is defined}}
  %2 = "arith.addi"(%0) : (i32) -> i32 // expected-error {{expected 2 operands, but got 1}}
}
