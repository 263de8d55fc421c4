// What the ops that compute refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

// Subscripts: the form, each letter once, one word per operand.
graph.model @subscripts(%x: tensor<3x4xf32>, %y: tensor<4x5xf32>) -> () inputs ["x", "y"] outputs [] {
  // expected-error@below {{subscripts are written "ab,bc->ac", not "ab,bc"}}
  %0 = tensor.contract "ab,bc" %x, %y -> tensor<3x5xf32>
  // expected-error@below {{each letter stands once in an operand of "aa,bc->ac"}}
  %1 = tensor.contract "aa,bc->ac" %x, %y -> tensor<3x5xf32>
  // expected-error@below {{each letter stands once in the result of "ab,bc->aa"}}
  %2 = tensor.contract "ab,bc->aa" %x, %y -> tensor<3x3xf32>
  // expected-error@below {{"ab->a" has 1 operands, got 2}}
  %3 = tensor.contract "ab->a" %x, %y -> tensor<3xf32>
  // expected-error@below {{"abc" does not fit shape (3, 4)}}
  %4 = tensor.contract "abc,cd->ad" %x, %y -> tensor<3x5xf32>
  // expected-error@below {{loop `b` has sizes 4 and 5}}
  %5 = tensor.contract "ab,cb->ac" %x, %y -> tensor<3x4xf32>
  // expected-error@below {{"1b" broadcasts a dim of size 3}}
  %6 = tensor.contract "1b,bc->c" %x, %y -> tensor<5xf32>
  graph.return
}

// -----

graph.model @contract(%x: tensor<3x4xf32>, %y: tensor<4x5xf64>) -> () inputs ["x", "y"] outputs [] {
  // expected-error@below {{contract of f32 and f64}}
  %0 = tensor.contract "ab,bc->ac" %x, %y -> tensor<3x5xf32>
  // expected-error@below {{precision is one of ieee, tf32, not bf16}}
  %1 = tensor.contract "ab,cb->ac" %x, %x {precision = "bf16"} -> tensor<3x3xf32>
  // expected-error@below {{result letters ['z'] of "ab,cb->az" stand in no operand}}
  %2 = tensor.contract "ab,cb->az" %x, %x -> tensor<3x3xf32>
  // expected-error@below {{result type is tensor<3x4xf32>, operands give tensor<3x3xf32>}}
  %3 = tensor.contract "ab,cb->ac" %x, %x -> tensor<3x4xf32>
  graph.return
}

// -----

graph.model @map(%x: tensor<3x4xf32>, %w: tensor<4xf32>) -> () inputs ["x", "w"] outputs [] {
  // expected-error@below {{a map reduces nothing, but `b` is not in the result}}
  %0 = tensor.map "ab->a" %x -> tensor<3xf32> {
  ^bb0(%a: f32):
    tensor.yield %a
  }
  // expected-error@below {{loop `b` has sizes 4 and 5}}
  %1 = tensor.map "ab->ab" %x -> tensor<3x5xf32> {
  ^bb0(%a: f32):
    tensor.yield %a
  }
  // expected-error@below {{"ab->abc" does not fit the result type}}
  %2 = tensor.map "ab->abc" %x -> tensor<3x4xf32> {
  ^bb0(%a: f32):
    tensor.yield %a
  }
  // expected-error@below {{region arguments are the elements of the operands}}
  %3 = tensor.map "ab,b->ab" %x, %w -> tensor<3x4xf32> {
  ^bb0(%a: f32):
    tensor.yield %a
  }
  // expected-error@below {{the region yields i1, the result holds f32}}
  %4 = tensor.map "ab->ab" %x -> tensor<3x4xf32> {
  ^bb0(%a: f32):
    %b = tensor.scalar lt %a, %a -> i1
    tensor.yield %b
  }
  // expected-error@below {{the region of a map yields one value}}
  %5 = tensor.map "ab->ab" %x -> tensor<3x4xf32> {
  ^bb0(%a: f32):
    tensor.yield %a, %a
  }
  // expected-error@below {{the region of a map holds tensor.scalar, number, position, size and at only}}
  %6 = tensor.map "ab->ab" %x -> tensor<3x4xf32> {
  ^bb0(%a: f32):
    %b = tensor.fill 0.0 -> tensor<3xf32>
    tensor.yield %a
  }
  graph.return
}

// -----

graph.model @scalar(%x: tensor<3xf32>) -> () inputs ["x"] outputs [] {
  %0 = tensor.map "a->a" %x -> tensor<3xf32> {
  ^bb0(%a: f32):
    %i = tensor.number 1 -> i32
    // expected-error@below {{`add` takes 2 operands, got 1}}
    %b = tensor.scalar add %a -> f32
    // expected-error@below {{`add` needs operands of one type, got f32, i32}}
    %c = tensor.scalar add %a, %i -> f32
    // expected-error@below {{`exp` needs floats, got i32}}
    %d = tensor.scalar exp %i -> i32
    // expected-error@below {{`and` needs i1, got f32}}
    %e = tensor.scalar and %a, %a -> f32
    // expected-error@below {{`select` needs an i1 condition, got i32}}
    %f = tensor.scalar select %i, %a, %a -> f32
    // expected-error@below {{`sine` is not a scalar function; known: add, sub}}
    %g = tensor.scalar sine %a -> f32
    // expected-error@below {{`convert` takes one operand}}
    %h = tensor.scalar convert %a, %a -> f64
    // expected-error@below {{result type is f32, operands give i1}}
    %j = tensor.scalar lt %a, %a -> f32
    tensor.yield %a
  }
  graph.return
}

// -----

graph.model @reduce(%x: tensor<3x4xf32>) -> () inputs ["x"] outputs [] {
  // expected-error@below {{`sub` is not a reduction; known: add, mul, maximum, minimum, and, or}}
  %0 = tensor.reduce sub %x {dims = [1]} -> tensor<3xf32>
  // expected-error@below {{dims [1, 0] are distinct, ascending and not negative}}
  %1 = tensor.reduce add %x {dims = [1, 0]} -> tensor<f32>
  // expected-error@below {{dims [-1] are distinct, ascending and not negative}}
  %2 = tensor.reduce add %x {dims = [-1]} -> tensor<3xf32>
  // expected-error@below {{dims [] are distinct, ascending and not negative}}
  %3 = tensor.reduce add %x {dims = []} -> tensor<3x4xf32>
  // expected-error@below {{axis 2 is outside a rank of 2}}
  %4 = tensor.reduce add %x {dims = [2]} -> tensor<3x4xf32>
  graph.return
}

// -----

graph.model @group(%x: tensor<3xf32>) -> () inputs ["x"] outputs [] {
  // expected-error@below {{a group yields its results}}
  %0 = tensor.group "g"(%a = %x) -> (tensor<4xf32>) {
    tensor.yield %a
  }
  graph.return
}
