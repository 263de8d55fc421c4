// What the ops on tiles refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

kernel.func @splat(%n: index) dims [n] grid (n) {
  // expected-error@below {{splat takes a number or an index value}}
  %a = kernel.splat -> !kernel.tile<4xf32>
  // expected-error@below {{an index value fills an integer tile}}
  %b = kernel.splat %n -> !kernel.tile<4xf32>
  // expected-error@below {{iota makes a 1-D integer tile}}
  %c = kernel.iota -> !kernel.tile<4xf32>
  // expected-error@below {{iota makes a 1-D integer tile}}
  %d = kernel.iota -> !kernel.tile<2x4xi32>
  kernel.return
}

// -----

kernel.func @map() dims [] grid (1) {
  %a = kernel.splat 0.0 -> !kernel.tile<4xf32, v4>
  %b = kernel.splat 0.0 -> !kernel.tile<4xf32, v1>
  %i = kernel.splat 0 -> !kernel.tile<4xi32, v4>
  // expected-error@below {{map add needs tiles of one shape}}
  %c = kernel.map add %a, %b -> !kernel.tile<4xf32, v4>
  // expected-error@below {{`add` needs operands of one type}}
  %d = kernel.map add %a, %i -> !kernel.tile<4xf32, v4>
  // expected-error@below {{`fma` takes 3 operands, got 2}}
  %e = kernel.map fma %a, %a -> !kernel.tile<4xf32, v4>
  // expected-error@below {{`adds` is not a scalar function}}
  %f = kernel.map adds %a, %a -> !kernel.tile<4xf32, v4>
  // expected-error@below {{`exp` needs floats}}
  %g = kernel.map exp %i -> !kernel.tile<4xi32, v4>
  // expected-error@below {{`select` needs an i1 condition}}
  %h = kernel.map select %a, %a, %a -> !kernel.tile<4xf32, v4>
  // expected-error@below {{changing the element type is kernel.convert}}
  %j = kernel.map convert %a -> !kernel.tile<4xf32, v4>
  // expected-error@below {{result type is !kernel.tile<4xf32, v4>, operands give !kernel.tile<4xi1, v4>}}
  %k = kernel.map lt %a, %a -> !kernel.tile<4xf32, v4>
  kernel.return
}

// -----

kernel.func @shapes() dims [] grid (1) {
  %a = kernel.splat 0.0 -> !kernel.tile<4xf32, v1>
  %v = kernel.splat 0.0 -> !kernel.tile<2x8xf32, v4>
  // expected-error@below {{do not place}}
  %b = kernel.broadcast %a {dims = [2]} -> !kernel.tile<4x8xf32, v4>
  // expected-error@below {{does not broadcast to}}
  %c = kernel.broadcast %a {dims = [1]} -> !kernel.tile<4x8xf32, v4>
  // expected-error@below {{broadcast keeps the element type}}
  %d = kernel.broadcast %a {dims = [0]} -> !kernel.tile<4x8xi32, v4>
  // Along the vectors of the result, the source has the same vectors.
  // expected-error@below {{has v4, not v1}}
  %e = kernel.broadcast %a {dims = [1]} -> !kernel.tile<8x4xf32, v4>
  // expected-error@below {{cannot reshape}}
  %f = kernel.reshape %a -> !kernel.tile<5xf32, v1>
  // expected-error@below {{a reshape keeps vectors as they are}}
  %g = kernel.reshape %v -> !kernel.tile<4x4xf32, v4>
  // expected-error@below {{a transpose cannot move the vector dim}}
  %h = kernel.transpose %v {perm = [1, 0]} -> !kernel.tile<2x8xf32, v4>
  // expected-error@below {{perm [0, 0] is not an order of 2 dims}}
  %i = kernel.transpose %v {perm = [0, 0]} -> !kernel.tile<2x8xf32, v4>
  // expected-error@below {{convert keeps the shape}}
  %j = kernel.convert %a -> !kernel.tile<8xf32, v1>
  // expected-error@below {{convert changes the element type or the lanes, not both}}
  %k = kernel.convert %v -> !kernel.tile<2x8xf16, v1>
  kernel.return
}

// -----

kernel.func @reductions() dims [] grid (1) {
  %v = kernel.splat 0.0 -> !kernel.tile<2x8xf32, v4>
  // expected-error@below {{`sub` is not a reduction}}
  %a = kernel.reduce sub %v {axis = 0} -> !kernel.tile<8xf32, v4>
  // expected-error@below {{reducing axis 2 of}}
  %b = kernel.reduce add %v {axis = 2} -> !kernel.tile<8xf32, v4>
  // expected-error@below {{gives v1 of the same type}}
  %c = kernel.reduce add %v {axis = 1} -> !kernel.tile<2xf32>
  kernel.return
}

// -----

kernel.func @dots() dims [] grid (1) {
  %lhs = kernel.splat 0.0 -> !kernel.tile<2x3xf32, v1>
  %rhs = kernel.splat 0.0 -> !kernel.tile<3x8xf32, v4>
  %acc = kernel.splat 0.0 -> !kernel.tile<2x8xf32, v4>
  %half = kernel.splat 0.0 -> !kernel.tile<3x8xf16, v4>
  // expected-error@below {{precision is one of ieee, tf32, not fast}}
  %a = kernel.dot %lhs, %rhs, %acc {precision = "fast"} -> !kernel.tile<2x8xf32, v4>
  // expected-error@below {{does not accumulate into}}
  %b = kernel.dot %rhs, %lhs, %acc {precision = "ieee"} -> !kernel.tile<2x8xf32, v4>
  // expected-error@below {{dot of f32 and f16 into f32}}
  %c = kernel.dot %lhs, %half, %acc {precision = "ieee"} -> !kernel.tile<2x8xf32, v4>
  %wrong = kernel.splat 0.0 -> !kernel.tile<2x3xf32>
  // expected-error@below {{the lhs of a dot is v1}}
  %d = kernel.dot %wrong, %rhs, %acc {precision = "ieee"} -> !kernel.tile<2x8xf32, v4>
  kernel.return
}

// -----

kernel.func @lanes() dims [] grid (1) {
  // expected-error@below {{v8 does not divide the last dim of [4, 12]}}
  %a = kernel.splat 0.0 -> !kernel.tile<4x12xf32, v8>
  kernel.return
}

// -----

kernel.func @size() dims [] grid (1) {
  // expected-error@below {{tile dims are positive, got [4, 0]}}
  %a = kernel.splat 0.0 -> !kernel.tile<4x0xf32>
  kernel.return
}

// -----

kernel.func @word() dims [] grid (1) {
  // expected-error@below {{lanes are written v1, v4, v8, ..}}
  %a = kernel.splat 0.0 -> !kernel.tile<4xf32, lanes>
  kernel.return
}
