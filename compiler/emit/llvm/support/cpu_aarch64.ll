; What differs between processors: this file is for AArch64 on Linux.

attributes #0 = { nounwind noinline optnone "target-cpu"="generic" "target-features"="+neon" }

declare void @llvm.aarch64.hint(i32)
declare i64 @getauxval(i64)

define hidden void @nrc.pause() #0 {
  call void @llvm.aarch64.hint(i32 1)
  ret void
}

; The number of the system call futex(2), on Linux for AArch64.
define hidden i64 @nrc.futex() #0 {
  ret i64 98
}

; Whether the processor has a feature. %nrc.feature holds the entry of the auxiliary vector (AT_HWCAP, AT_HWCAP2) as
; leaf, and the bit mask (Linux, arch/arm64/include/uapi/asm/hwcap.h).
define hidden i1 @nrc.has_feature(ptr %feature) #0 {
  %leaf.at = getelementptr %nrc.feature, ptr %feature, i32 0, i32 1
  %leaf = load i32, ptr %leaf.at
  %mask.at = getelementptr %nrc.feature, ptr %feature, i32 0, i32 4
  %mask = load i32, ptr %mask.at
  %entry = zext i32 %leaf to i64
  %capabilities = call i64 @getauxval(i64 %entry)
  %low = trunc i64 %capabilities to i32
  %bits = and i32 %low, %mask
  %present = icmp eq i32 %bits, %mask
  ret i1 %present
}
