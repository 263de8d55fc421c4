; What differs between processors: this file is for x86-64.
;
; The support code runs before the features of the processor are known, so it is compiled for the first x86-64.

attributes #0 = { nounwind noinline optnone "target-cpu"="x86-64" "target-features"="+xsave" }

declare void @llvm.x86.sse2.pause()
declare i64 @llvm.x86.xgetbv(i32)

define hidden void @nrc.pause() #0 {
  call void @llvm.x86.sse2.pause()
  ret void
}

; The number of the system call futex(2), on Linux for x86-64.
define hidden i64 @nrc.futex() #0 {
  ret i64 202
}

; Whether the processor has a feature and the system saves its registers (Intel SDM, CPUID and XGETBV).
; %nrc.feature holds: CPUID leaf, subleaf, register (0 eax .. 3 edx), bit mask, and the bits XCR0 must have.
define hidden i1 @nrc.has_feature(ptr %feature) #0 {
entry:
  %words = alloca [4 x i32]
  %leaf.at = getelementptr %nrc.feature, ptr %feature, i32 0, i32 1
  %leaf = load i32, ptr %leaf.at
  %subleaf.at = getelementptr %nrc.feature, ptr %feature, i32 0, i32 2
  %subleaf = load i32, ptr %subleaf.at
  %register.at = getelementptr %nrc.feature, ptr %feature, i32 0, i32 3
  %register = load i32, ptr %register.at
  %mask.at = getelementptr %nrc.feature, ptr %feature, i32 0, i32 4
  %mask = load i32, ptr %mask.at
  %state.at = getelementptr %nrc.feature, ptr %feature, i32 0, i32 5
  %state = load i32, ptr %state.at
  ; The highest leaf of this range (basic or extended) is in eax of its first leaf.
  %range = and i32 %leaf, -2147483648
  call void @nrc.cpuid(i32 %range, i32 0, ptr %words)
  %highest = load i32, ptr %words
  %known = icmp ule i32 %leaf, %highest
  br i1 %known, label %read, label %no
read:
  call void @nrc.cpuid(i32 %leaf, i32 %subleaf, ptr %words)
  %word.at = getelementptr i32, ptr %words, i32 %register
  %word = load i32, ptr %word.at
  %bits = and i32 %word, %mask
  %present = icmp eq i32 %bits, %mask
  br i1 %present, label %registers, label %no
registers:
  %plain = icmp eq i32 %state, 0
  br i1 %plain, label %yes, label %system
system:
  call void @nrc.cpuid(i32 1, i32 0, ptr %words)
  %ecx.at = getelementptr i32, ptr %words, i32 2
  %ecx = load i32, ptr %ecx.at
  %osxsave = and i32 %ecx, 134217728
  %readable = icmp ne i32 %osxsave, 0
  br i1 %readable, label %saved, label %no
saved:
  %xcr0 = call i64 @llvm.x86.xgetbv(i32 0)
  %low = trunc i64 %xcr0 to i32
  %kept = and i32 %low, %state
  %all = icmp eq i32 %kept, %state
  br i1 %all, label %yes, label %no
yes:
  ret i1 true
no:
  ret i1 false
}

; Writes eax, ebx, ecx, edx of CPUID to %words. The instruction has no intrinsic, and inline assembly needs a parser that
; LLVM has for the processor it runs on only; so the function is given in machine code:
;   push rbx | mov r8, rdx | mov eax, edi | mov ecx, esi | cpuid
;   mov [r8], eax | mov [r8 + 4], ebx | mov [r8 + 8], ecx | mov [r8 + 12], edx | pop rbx | ret
define hidden void @nrc.cpuid(i32 %leaf, i32 %subleaf, ptr %words) naked noinline nounwind prologue [29 x i8]
    c"\53\49\89\D0\89\F8\89\F1\0F\A2\41\89\00\41\89\58\04\41\89\48\08\41\89\50\0C\5B\C3\0F\0B" {
  unreachable
}
