// Two sections write the same rows.
kernel.func @step(%x: !kernel.ref<[16], f32>, %y: !kernel.ref<[16], f32>) dims [] grid (1) {
  %0 = kernel.load %x[0 over 0] -> !kernel.tile<16xf32, v8>
  kernel.store %0, %y[0 over 0]
  kernel.return
}
kernel.host @model(%x: !kernel.ref<[4, 16], f32>, %y: !kernel.ref<[4, 16], f32>) dims [] inputs ["x"] outputs ["y"] arena (0) {
  kernel.for @t from 0 to 3 section 0 {
    %0 = kernel.view %x offset t * 16 -> !kernel.ref<[16], f32>
    %1 = kernel.view %y offset t * 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%0, %1)
  }
  kernel.for @u from 0 to 3 section 1 {
    %0 = kernel.view %x offset u * 16 -> !kernel.ref<[16], f32>
    %1 = kernel.view %y offset u * 16 + 16 -> !kernel.ref<[16], f32>
    kernel.launch @step[](%0, %1)
  }
  kernel.return
}
