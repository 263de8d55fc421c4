// The parts of two slots overlap.
kernel.func @step(%x: !kernel.ref<[16], f32>, %y: !kernel.ref<[16], f32>) dims [] grid (1) {
  %0 = kernel.load %x[0 over 0] -> !kernel.tile<16xf32, v8>
  kernel.store %0, %y[0 over 0]
  kernel.return
}
kernel.host @model(%x: !kernel.ref<[4, 16], f32>, %y: !kernel.ref<[4, 16], f32>) dims [] inputs ["x"] outputs ["y"] arena (128) {
  kernel.for @t from 0 to 4 slots @slot 2 {
    %0 = kernel.view %x offset t * 16 -> !kernel.ref<[16], f32>
    %1 = kernel.view %y offset t * 16 -> !kernel.ref<[16], f32>
    %a = kernel.arena (slot * 32) -> !kernel.ref<[16], f32>
    kernel.launch @step[](%0, %a)
    kernel.launch @step[](%a, %1)
  }
  kernel.return
}

