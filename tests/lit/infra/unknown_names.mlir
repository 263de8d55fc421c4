// The nearest name is suggested, in one message and without a traceback.
// RUN: not neuralc-opt %s -p graph-cannonicalize 2>&1 | filecheck %s --check-prefix=PASS
// PASS: error[E0810]: unknown pass `graph-cannonicalize`
// PASS: = help: did you mean `graph-canonicalize`?

// RUN: not neuralc-opt %s --print-location 2>&1 | filecheck %s --check-prefix=FLAG
// FLAG: error[E0801]: unknown flag `--print-location`
// FLAG: = help: did you mean `--print-locations`?

// RUN: not neuralc-opt %s -p 'graph-cse{' 2>&1 | filecheck %s --check-prefix=PIPELINE
// PIPELINE: error[E0812]: malformed pass pipeline

// RUN: not neuralc-opt %s --remarks=mised 2>&1 | filecheck %s --check-prefix=REMARK
// REMARK: error[E0813]: `--remarks`: unknown kind `mised`
// REMARK: = help: did you mean `missed`?
