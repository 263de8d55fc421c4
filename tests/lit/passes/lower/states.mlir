// States become memory: written straight by the kernel that makes the next value, copied, or changed in place.
// RUN: neuralc-opt %s --split-input-file --target cpu -p graph-to-tensor,tensor-canonicalize,tensor-fuse-elementwise,tensor-fuse-groups,tensor-to-kernel | filecheck %s

// The next value is computed into the memory of the next run; the output is a copy of it.
// CHECK-LABEL: kernel.host @written
// CHECK-NEXT: %h_next = kernel.next_state @h
// CHECK-NEXT: %h = kernel.state @h
// CHECK-NEXT: kernel.launch @next[batch](%x, %h, %h_next)
// CHECK-NEXT: kernel.launch @copy[batch](%h_next, %y)
// CHECK-NEXT: kernel.return
graph.dim @batch from 1
graph.state @h : tensor<?x4xf32, #graph.dims<batch>>
graph.model @written(%x: tensor<?x4xf32, #graph.dims<batch>>) -> (tensor<?x4xf32, #graph.dims<batch>>) inputs ["x"] outputs ["y"] {
  %h = graph.get_state @h -> tensor<?x4xf32, #graph.dims<batch>>
  %next = graph.add %x, %h -> tensor<?x4xf32, #graph.dims<batch>>
  graph.set_state @h, %next
  graph.return %next
}

// -----

// Two states change roles: each is copied to the other's next memory. One that keeps its value needs nothing.
// CHECK-LABEL: kernel.host @swapped
// CHECK-NEXT: %a_next = kernel.next_state @a
// CHECK-NEXT: %b_next = kernel.next_state @b
// CHECK-NEXT: %a = kernel.state @a
// CHECK-NEXT: %b = kernel.state @b
// CHECK-NEXT: kernel.launch @copy[](%b, %a_next)
// CHECK-NEXT: kernel.launch @copy_1[](%a, %b_next)
// CHECK-NEXT: %c = kernel.state @c
// CHECK-NEXT: kernel.launch @copy_2[](%c, %y)
// CHECK-NEXT: kernel.return
graph.state @a : tensor<4xf32>
graph.state @b : tensor<4xf32> init 1.0
graph.state @c : tensor<4xf32> init 2.0
graph.model @swapped() -> (tensor<4xf32>) inputs [] outputs ["y"] {
  %a = graph.get_state @a -> tensor<4xf32>
  %b = graph.get_state @b -> tensor<4xf32>
  graph.set_state @a, %b
  graph.set_state @b, %a
  %c = graph.get_state @c -> tensor<4xf32>
  graph.set_state @c, %c
  graph.return %c
}

// -----

// A cache in which rows are set is changed in place, through a reshape as well: the rest of it is not copied.
// What reads it as it was does so before.
// CHECK-LABEL: kernel.host @in_place
// CHECK-NOT: kernel.next_state
// CHECK: %c = kernel.state @cache
// CHECK: kernel.launch @before[]
// CHECK-NEXT: %rows = kernel.view %c offset 0
// CHECK-NOT: kernel.launch @copy
// CHECK: kernel.launch @scatter[](%rows, %{{.*}}, %k, %rows, %{{.*}})
// CHECK-NEXT: %new = kernel.view %rows offset 0
// CHECK: kernel.launch @after[]
// CHECK-NEXT: kernel.return
graph.state @cache : tensor<2x8x4xf32>
graph.model @in_place(%i: tensor<3x1xi64>, %k: tensor<3x4xf32>) -> (tensor<2x8x4xf32>, tensor<2x8x4xf32>) inputs ["i", "k"] outputs ["before", "after"] {
  %c = graph.get_state @cache -> tensor<2x8x4xf32>
  %before = graph.exp %c -> tensor<2x8x4xf32>
  %rows = graph.reshape %c -> tensor<16x4xf32>
  %updated = graph.scatter_nd %rows, %i, %k -> tensor<16x4xf32>
  %new = graph.reshape %updated -> tensor<2x8x4xf32>
  graph.set_state @cache, %new
  %after = graph.exp %new -> tensor<2x8x4xf32>
  graph.return %before, %after
}

// -----

// A later reader of the cache as it was keeps it from being changed: the update is made in a copy.
// CHECK-LABEL: kernel.host @read_later
// CHECK: %cache_next = kernel.next_state @cache
// CHECK-NEXT: %c = kernel.state @cache
// CHECK: kernel.launch @copy[]
// CHECK-NEXT: kernel.launch @scatter[](%c, %{{.*}}, %k, %cache_next, %{{.*}})
// CHECK: kernel.launch @y[]
graph.state @cache : tensor<8x4xf32>
graph.model @read_later(%i: tensor<3x1xi64>, %k: tensor<3x4xf32>) -> (tensor<8x4xf32>) inputs ["i", "k"] outputs ["y"] {
  %c = graph.get_state @cache -> tensor<8x4xf32>
  %updated = graph.scatter_nd %c, %i, %k -> tensor<8x4xf32>
  graph.set_state @cache, %updated
  %y = graph.sub %updated, %c -> tensor<8x4xf32>
  graph.return %y
}

// -----

// Updates that are part of the cache itself would be read while they are overwritten.
// CHECK-LABEL: kernel.host @moved
// CHECK: kernel.next_state @cache
graph.state @cache : tensor<8x4xf32>
graph.model @moved(%i: tensor<3x1xi64>) -> () inputs ["i"] outputs [] {
  %c = graph.get_state @cache -> tensor<8x4xf32>
  %k = graph.slice %c {starts = #graph.dims<0, 0>, steps = [1, 1]} -> tensor<3x4xf32>
  %updated = graph.scatter_nd %c, %i, %k -> tensor<8x4xf32>
  graph.set_state @cache, %updated
  graph.return
}

// -----

// A window that moves on: the old part is copied, the new part is computed into its place.
// CHECK-LABEL: kernel.host @window
// CHECK-NEXT: %last_next = kernel.next_state @last
// CHECK-NOT: kernel.alloc
// CHECK: kernel.return
graph.state @last : tensor<8x4xf32>
graph.model @window(%x: tensor<2x4xf32>) -> () inputs ["x"] outputs [] {
  %c = graph.get_state @last -> tensor<8x4xf32>
  %old = graph.slice %c {starts = #graph.dims<2, 0>, steps = [1, 1]} -> tensor<6x4xf32>
  %e = graph.exp %x -> tensor<2x4xf32>
  %new = graph.concat %old, %e {axis = 0} -> tensor<8x4xf32>
  graph.set_state @last, %new
  graph.return
}

// -----

// Control flow may hand a state on in its own memory: a reader of that is a reader of the state as it was.
// CHECK-LABEL: kernel.host @handed_on
// CHECK: kernel.next_state @cache
graph.state @cache : tensor<8x4xf32>
graph.model @handed_on(%i: tensor<3x1xi64>, %k: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<8x4xf32>) inputs ["i", "k"] outputs ["s", "y"] {
  %c = graph.get_state @cache -> tensor<8x4xf32>
  %s, %same = graph.scan to 3 carried(%a = %k, %b = %c) -> (tensor<3x4xf32>, tensor<8x4xf32>) {
    %e = graph.exp %a -> tensor<3x4xf32>
    graph.yield %e, %b
  }
  %updated = graph.scatter_nd %c, %i, %k -> tensor<8x4xf32>
  graph.set_state @cache, %updated
  %y = graph.exp %same -> tensor<8x4xf32>
  graph.return %s, %y
}

// -----

// Two updates of one cache: each in place, where what reads the first is done before the second.
// CHECK-LABEL: kernel.host @twice
// CHECK-NOT: kernel.next_state
// CHECK: kernel.launch @scatter[](%c, %{{.*}}, %k, %c, %{{.*}})
// CHECK: kernel.launch @y[]
// CHECK: kernel.launch @scatter_1[](%c, %{{.*}}, %k, %c, %{{.*}})
graph.state @cache : tensor<8x4xf32>
graph.model @twice(%i: tensor<3x1xi64>, %k: tensor<3x4xf32>) -> (tensor<8x4xf32>) inputs ["i", "k"] outputs ["y"] {
  %c = graph.get_state @cache -> tensor<8x4xf32>
  %first = graph.scatter_nd %c, %i, %k -> tensor<8x4xf32>
  %y = graph.exp %first -> tensor<8x4xf32>
  %second = graph.scatter_nd %first, %i, %k {kind = "add"} -> tensor<8x4xf32>
  graph.set_state @cache, %second
  graph.return %y
}
