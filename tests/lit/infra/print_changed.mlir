// RUN: neuralc-opt %s -p graph-cse,graph-dce --print-changed=diff 2>&1 >/dev/null | filecheck %s --check-prefix=DIFF
// RUN: neuralc-opt %s -p graph-cse,graph-dce --print-changed 2>&1 >/dev/null | filecheck %s --check-prefix=FULL
// RUN: neuralc-opt %s -p graph-cse,graph-dce --print-ir-after=dce 2>&1 >/dev/null | filecheck %s --check-prefix=AFTER
// RUN: neuralc-opt %s -p graph-cse,graph-dce --print-ir-before=dce 2>&1 >/dev/null | filecheck %s --check-prefix=BEFORE
// RUN: not neuralc-opt %s -p graph-cse --print-ir-before=[ 2>&1 | filecheck %s --check-prefix=REGEX

// A pass that changes nothing says so in one line; one that does shows what.

// DIFF: // ----- graph-cse: no change -----
// DIFF: // ----- graph-dce -----
// DIFF: --- before graph-dce
// DIFF-NEXT: +++ after graph-dce
// DIFF: -    %unused = graph.exp %x -> tensor<4xf32>

// FULL: // ----- IR at start -----
// FULL: %unused = graph.exp
// FULL: // ----- graph-cse: no change -----
// FULL: // ----- IR after graph-dce -----
// FULL-NOT: graph.exp

// AFTER: // ----- IR after graph-dce -----
// AFTER-NOT: graph.exp
// BEFORE: // ----- IR before graph-dce -----
// BEFORE: graph.exp
// REGEX: error[E0813]: `--print-ir-before=[` is not a regular expression

builtin.module {
  graph.model @m(%x: tensor<4xf32>) -> (tensor<4xf32>) inputs ["x"] outputs ["y"] {
    %unused = graph.exp %x -> tensor<4xf32>
    %y = graph.relu %x -> tensor<4xf32>
    graph.return %y
  }
}
