// tensor-to-kernel on control flow: where carried values lie, and that nothing is copied that need not be.
// RUN: neuralc-opt %s --split-input-file -p tensor-fuse-groups,tensor-to-kernel --target cpu --mcpu haswell | filecheck %s

// Carried and stacked: in the rows of the stack, with the first value before them.
// CHECK-LABEL: kernel.host @rows(
// CHECK-NEXT: %[[R:.+]] = kernel.alloc -> !kernel.ref<[S + 1, 8], f32, [8, 1]>
// CHECK-NEXT: %[[F:.+]] = kernel.view %[[R]] offset 0 -> !kernel.ref<[8], f32, [1]>
// CHECK-NEXT: kernel.launch @copy[](%a, %[[F]])
// CHECK: kernel.for @t from 0 to S {
// CHECK-NEXT: %[[S:.+]] = kernel.view %[[R]] offset t * 8 ->
// CHECK-NEXT: %[[X:.+]] = kernel.view %x offset t * 8 ->
// CHECK-NEXT: %[[N:.+]] = kernel.view %[[R]] offset t * 8 + 8 ->
// CHECK-NEXT: kernel.launch @{{.+}}[](%[[S]], %[[X]], %[[N]])
// CHECK-NEXT: }
graph.dim @S from 1
graph.model @rows(%x: tensor<?x8xf32, #graph.dims<S>>, %a: tensor<8xf32>) -> (tensor<?x8xf32, #graph.dims<S>>) inputs ["x", "a"] outputs ["y"] {
  %h, %y = tensor.scan to S carried(%s = %a) scanned(%e = %x) -> (tensor<8xf32>, tensor<?x8xf32, #graph.dims<S>>) {
    %n = tensor.map "a,a->a" %s, %e -> tensor<8xf32> {
    ^bb0(%p: f32, %q: f32):
      %0 = tensor.scalar add %p, %q -> f32
      tensor.yield %0
    }
    tensor.yield %n, %n
  }
  graph.return %y
}

// -----

// Carried alone: in two halves, by turns. A stacked value goes straight to the output.
// CHECK-LABEL: kernel.host @pair(
// CHECK-NEXT: %[[P:.+]] = kernel.alloc -> !kernel.ref<[2, 8], f32, [8, 1]>
// CHECK: kernel.launch @copy
// CHECK-NEXT: kernel.for @t from 0 to 5 {
// CHECK-NEXT: %[[S:.+]] = kernel.view %[[P]] offset mod(t, 2) * 8 ->
// CHECK-NEXT: %[[X:.+]] = kernel.view %x offset -t * 8 + 32 ->
// CHECK-NEXT: %[[N:.+]] = kernel.view %[[P]] offset mod(t + 1, 2) * 8 ->
// CHECK-NEXT: %[[Y:.+]] = kernel.view %y offset t * 8 ->
// CHECK-NEXT: kernel.launch @{{.+}}[](%[[S]], %[[X]], %[[N]])
// CHECK-NEXT: kernel.launch @{{.+}}[](%[[S]], %[[N]], %[[Y]])
// CHECK-NEXT: }
// CHECK: kernel.view %[[P]] offset 8 ->
graph.model @pair(%x: tensor<5x8xf32>, %a: tensor<8xf32>) -> (tensor<8xf32>, tensor<5x8xf32>) inputs ["x", "a"] outputs ["h", "y"] {
  %h, %y = tensor.scan to 5 carried(%s = %a) scanned(%e = %x) reverse [1, 0] -> (tensor<8xf32>, tensor<5x8xf32>) {
    %n = tensor.map "a,a->a" %s, %e -> tensor<8xf32> {
    ^bb0(%p: f32, %q: f32):
      %0 = tensor.scalar add %p, %q -> f32
      tensor.yield %0
    }
    %m = tensor.map "a,a->a" %s, %n -> tensor<8xf32> {
    ^bb0(%p: f32, %q: f32):
      %0 = tensor.scalar mul %p, %q -> f32
      tensor.yield %0
    }
    tensor.yield %n, %m
  }
  graph.return %h, %y
}

// -----

// Each side writes the result; a value that it does not make is copied. A loop looks at a condition of its own.
// CHECK-LABEL: kernel.host @choices(
// CHECK-NEXT: kernel.branch %c {
// CHECK: kernel.launch @{{exp|map}}
// CHECK: } else {
// CHECK: kernel.launch @copy
// CHECK: }
// CHECK-NEXT: %[[C:.+]] = kernel.alloc -> !kernel.ref<[], i1, []>
// CHECK-NEXT: kernel.launch @copy{{.*}}(%c, %[[C]])
// CHECK: kernel.while %[[C]] @t from 0 to 9 {
// CHECK: kernel.launch @copy{{.*}}(%c, %[[C]])
// CHECK-NEXT: }
// CHECK-NEXT: kernel.view %{{.+}} offset mod(t, 2) * 4 ->
graph.model @choices(%c: tensor<i1>, %a: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) inputs ["c", "a"] outputs ["y", "z"] {
  %y = tensor.if %c then(%p = %a) {
    %0 = tensor.map "a->a" %p -> tensor<4xf32> {
    ^bb0(%q: f32):
      %1 = tensor.scalar exp %q -> f32
      tensor.yield %1
    }
    tensor.yield %0
  } else(%p = %a) {
    tensor.yield %p
  } -> (tensor<4xf32>)
  %z = tensor.while %c to 9 carried(%s = %a) captured(%d = %c) -> (tensor<4xf32>) {
    %0 = tensor.map "a->a" %s -> tensor<4xf32> {
    ^bb0(%q: f32):
      %1 = tensor.scalar neg %q -> f32
      tensor.yield %1
    }
    tensor.yield %d, %0
  }
  graph.return %y, %z
}
