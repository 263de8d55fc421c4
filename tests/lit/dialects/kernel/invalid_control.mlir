// What loops and branches of the host program refuse.
// RUN: neuralc-opt %s --split-input-file --verify-diagnostics

// expected-error@below {{kernel.view uses sizes that are not known here: t}}
kernel.host @outside(%x: !kernel.ref<[S, 16], f32>) dims [S] inputs ["x"] outputs [] {
  %0 = kernel.view %x offset t * 16 -> !kernel.ref<[16], f32>
  kernel.return
}

// -----

// expected-error@below {{kernel.view uses sizes that are not known here: t}}
kernel.host @other_side(%x: !kernel.ref<[S, 16], f32>, %c: !kernel.ref<[], i1>) dims [S] inputs ["x", "c"] outputs [] {
  kernel.branch %c {
    kernel.for @t from 0 to S {
    }
  } else {
    %0 = kernel.view %x offset t * 16 -> !kernel.ref<[16], f32>
  }
  kernel.return
}

// -----

// expected-error@below {{the counter @S has the name of another size}}
kernel.host @hidden(%x: !kernel.ref<[S, 16], f32>) dims [S] inputs ["x"] outputs [] {
  kernel.for @S from 0 to 3 {
  }
  kernel.return
}

// -----

kernel.host @conditions(%x: !kernel.ref<[2], i1>, %y: !kernel.ref<[], i32>) dims [] inputs ["x", "y"] outputs [] {
  // expected-error@below {{a condition is one i1 in memory, not !kernel.ref<[2], i1, [1]>}}
  kernel.branch %x {
  } else {
  }
  // expected-error@below {{a condition is one i1 in memory, not !kernel.ref<[], i32, []>}}
  kernel.while %y @n {
  }
  kernel.return
}

// -----

kernel.host @one_slot(%x: !kernel.ref<[S, 16], f32>) dims [S] inputs ["x"] outputs [] {
  // expected-error@below {{rounds side by side have 2 slots at least, not 1}}
  kernel.for @t from 0 to S slots @slot 1 {
  }
  kernel.return
}

// -----

// expected-error@below {{the slot @S has the name of another size}}
kernel.host @hidden_by_slot(%x: !kernel.ref<[S, 16], f32>) dims [S] inputs ["x"] outputs [] {
  kernel.for @t from 0 to S slots @S 2 {
  }
  kernel.return
}

// -----

// expected-error@below {{kernel.view uses sizes that are not known here: slot}}
kernel.host @behind_slots(%x: !kernel.ref<[S, 16], f32>) dims [S] inputs ["x"] outputs [] {
  kernel.for @t from 0 to S slots @slot 2 {
  }
  %0 = kernel.view %x offset slot * 16 -> !kernel.ref<[16], f32>
  kernel.return
}

// -----

kernel.host @no_section(%x: !kernel.ref<[S, 16], f32>) dims [S] inputs ["x"] outputs [] {
  // expected-error@below {{sections are counted from 0, not -1}}
  kernel.for @t from 0 to S section -1 {
  }
  kernel.return
}

// -----

kernel.host @section_of_section(%x: !kernel.ref<[S, 16], f32>) dims [S] inputs ["x"] outputs [] {
  // expected-error@below {{one thread goes through a section: nothing in it has slots or sections}}
  kernel.for @t from 0 to S section 1 {
    kernel.for @u from 0 to S section 0 {
    }
  }
  kernel.return
}
