; What differs between processors: this file is for those whose features are part of the architecture's name.

attributes #0 = { nounwind noinline optnone }

define hidden void @nrc.pause() #0 {
  ret void
}

; The number of the system call futex(2), on Linux for RISC-V.
define hidden i64 @nrc.futex() #0 {
  ret i64 98
}

define hidden i1 @nrc.has_feature(ptr %feature) #0 {
  ret i1 true
}
