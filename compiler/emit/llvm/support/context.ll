; Contexts of neuralc.h: the memory and the threads of one user of a model, and the run itself.

%nrc.context = type {
  ptr, ; 0 model
  ptr, ; 1 pool, null for one thread
  ptr, ; 2 arena
  i64, ; 3 bytes of the arena
  ptr, ; 4 states: the sizes they have, those of the run at hand, and behind these the memory of the states
  i64, ; 5 bytes of all this
  i32, ; 6 1 once the states have begun
  i32  ; 7 which of their two places hold what a run finds, of states that are swapped: 0 or 1
}

declare i32 @sched_getaffinity(i32, i64, ptr)
declare i64 @llvm.ctpop.i64(i64)

; How many processors this process may use: 1 to 1024.
define hidden i32 @nrc.processors() #0 {
entry:
  %mask = alloca [16 x i64]
  call void @llvm.memset.p0.i64(ptr %mask, i8 0, i64 128, i1 false)
  call i32 @sched_getaffinity(i32 0, i64 128, ptr %mask)
  br label %next
next:
  %index = phi i32 [ 0, %entry ], [ %following, %next ]
  %sum = phi i64 [ 0, %entry ], [ %total, %next ]
  %word.at = getelementptr i64, ptr %mask, i32 %index
  %word = load i64, ptr %word.at
  %bits = call i64 @llvm.ctpop.i64(i64 %word)
  %total = add i64 %sum, %bits
  %following = add i32 %index, 1
  %over = icmp eq i32 %following, 16
  br i1 %over, label %done, label %next
done:
  %none = icmp eq i64 %total, 0
  %some = select i1 %none, i64 1, i64 %total
  %count = trunc i64 %some to i32
  ret i32 %count
}

define weak i32 @nrc_context_create(ptr %model, ptr %options, ptr %result) #0 {
entry:
  %no.model = icmp eq ptr %model, null
  %no.result = icmp eq ptr %result, null
  %unusable = or i1 %no.model, %no.result
  br i1 %unusable, label %null, label %begin
begin:
  store ptr null, ptr %result
  %abi.at = getelementptr %nrc.model, ptr %model, i32 0, i32 1
  %abi = load i32, ptr %abi.at
  %mine = call i32 @nrc_abi_version()
  %ours = icmp eq i32 %abi, %mine
  br i1 %ours, label %processor, label %version
processor:
  %lacking = call ptr @nrc_model_missing_feature(ptr %model)
  %runs = icmp eq ptr %lacking, null
  br i1 %runs, label %read, label %unsupported
read:
  %default.at = getelementptr %nrc.model, ptr %model, i32 0, i32 2
  %default = load i32, ptr %default.at
  %plain = icmp eq ptr %options, null
  br i1 %plain, label %chosen, label %measure
measure:
  %size = load i64, ptr %options
  %short = icmp ult i64 %size, 16
  br i1 %short, label %version, label %asked
asked:
  %threads.at = getelementptr i8, ptr %options, i64 8
  %given = load i32, ptr %threads.at
  %unsaid = icmp eq i32 %given, 0
  %wanted = select i1 %unsaid, i32 %default, i32 %given
  br label %chosen
chosen:
  %said = phi i32 [ %default, %read ], [ %wanted, %asked ]
  %all = icmp eq i32 %said, 0
  br i1 %all, label %ask, label %counted
ask:
  %processors = call i32 @nrc.processors()
  br label %counted
counted:
  %threads = phi i32 [ %said, %chosen ], [ %processors, %ask ]
  %less.one = sub i32 %threads, 1
  %sane = icmp ult i32 %less.one, 1024
  br i1 %sane, label %allocate, label %number
allocate:
  %end = getelementptr %nrc.context, ptr null, i32 1
  %bytes = ptrtoint ptr %end to i64
  %context = call ptr @aligned_alloc(i64 64, i64 64)
  %failed = icmp eq ptr %context, null
  br i1 %failed, label %memory, label %fill
fill:
  call void @llvm.memset.p0.i64(ptr %context, i8 0, i64 %bytes, i1 false)
  store ptr %model, ptr %context
  %several = icmp ugt i32 %threads, 1
  br i1 %several, label %start, label %ready
start:
  %count = zext i32 %threads to i64
  %pool = call ptr @nrc.pool.create(i64 %count)
  %pool.at = getelementptr %nrc.context, ptr %context, i32 0, i32 1
  store ptr %pool, ptr %pool.at
  %no.pool = icmp eq ptr %pool, null
  br i1 %no.pool, label %release, label %ready
ready:
  store ptr %context, ptr %result
  ret i32 0
release:
  call void @free(ptr %context)
  ret i32 6
null:
  ret i32 1
version:
  ret i32 2
memory:
  ret i32 5
unsupported:
  ret i32 7
number:
  ret i32 8
}

define weak void @nrc_context_destroy(ptr %context) #0 {
  %none = icmp eq ptr %context, null
  br i1 %none, label %return, label %threads
threads:
  %pool.at = getelementptr %nrc.context, ptr %context, i32 0, i32 1
  %pool = load ptr, ptr %pool.at
  %alone = icmp eq ptr %pool, null
  br i1 %alone, label %release, label %stop
stop:
  call void @nrc.pool.destroy(ptr %pool)
  br label %release
release:
  %arena.at = getelementptr %nrc.context, ptr %context, i32 0, i32 2
  %arena = load ptr, ptr %arena.at
  call void @free(ptr %arena)
  %states.at = getelementptr %nrc.context, ptr %context, i32 0, i32 4
  %states = load ptr, ptr %states.at
  call void @free(ptr %states)
  call void @free(ptr %context)
  br label %return
return:
  ret void
}

; The states begin anew with the next run, which writes what they hold at first.
define weak void @nrc_context_reset(ptr %context) #0 {
  %none = icmp eq ptr %context, null
  br i1 %none, label %return, label %forget
forget:
  %begun.at = getelementptr %nrc.context, ptr %context, i32 0, i32 6
  store i32 0, ptr %begun.at
  br label %return
return:
  ret void
}

; Makes the arena and the memory of the states large enough for these dims.
define weak i32 @nrc_context_reserve(ptr %context, ptr %dims) #0 {
  %none = icmp eq ptr %context, null
  br i1 %none, label %null, label %check
check:
  %model = load ptr, ptr %context
  %status = call i32 @nrc.check_dims(ptr %model, ptr %dims)
  %fine = icmp eq i32 %status, 0
  br i1 %fine, label %measure, label %refuse
measure:
  %function.at = getelementptr %nrc.model, ptr %model, i32 0, i32 14
  %function = load ptr, ptr %function.at
  %need = call i64 %function(ptr %dims)
  %size.at = getelementptr %nrc.context, ptr %context, i32 0, i32 3
  %size = load i64, ptr %size.at
  ; -1, an overflow, is the largest unsigned number.
  %grows = icmp ugt i64 %need, %size
  br i1 %grows, label %limit, label %enough
enough:
  %kept = call i32 @nrc.reserve_states(ptr %context, ptr %dims)
  ret i32 %kept
limit:
  %too.much = icmp ugt i64 %need, 140737488355328
  br i1 %too.much, label %memory, label %replace
replace:
  %arena.at = getelementptr %nrc.context, ptr %context, i32 0, i32 2
  %old = load ptr, ptr %arena.at
  call void @free(ptr %old)
  %padded = add i64 %need, 63
  %bytes = and i64 %padded, -64
  %arena = call ptr @aligned_alloc(i64 64, i64 %bytes)
  store ptr %arena, ptr %arena.at
  %failed = icmp eq ptr %arena, null
  %held = select i1 %failed, i64 0, i64 %bytes
  store i64 %held, ptr %size.at
  br i1 %failed, label %memory, label %enough
null:
  ret i32 1
refuse:
  ret i32 %status
memory:
  ret i32 5
}

; Status 0, or 1 when one of %count pointers is null.
define hidden i32 @nrc.check_pointers(ptr %pointers, i32 %count) #0 {
entry:
  %absent = icmp eq ptr %pointers, null
  br i1 %absent, label %bad, label %next
next:
  %index = phi i32 [ 0, %entry ], [ %following, %test ]
  %over = icmp uge i32 %index, %count
  br i1 %over, label %good, label %test
test:
  %pointer.at = getelementptr ptr, ptr %pointers, i32 %index
  %pointer = load ptr, ptr %pointer.at
  %null = icmp eq ptr %pointer, null
  %following = add i32 %index, 1
  br i1 %null, label %bad, label %next
good:
  ret i32 0
bad:
  ret i32 1
}

define weak i32 @nrc_run(ptr %context, ptr %inputs, ptr %dims, ptr %outputs) #0 {
  %reserved = call i32 @nrc_context_reserve(ptr %context, ptr %dims)
  %fine = icmp eq i32 %reserved, 0
  br i1 %fine, label %check.inputs, label %refuse
check.inputs:
  %model = load ptr, ptr %context
  %in = call i32 @nrc_input_count(ptr %model)
  %in.status = call i32 @nrc.check_pointers(ptr %inputs, i32 %in)
  %in.fine = icmp eq i32 %in.status, 0
  br i1 %in.fine, label %check.outputs, label %null
check.outputs:
  %out = call i32 @nrc_output_count(ptr %model)
  %out.status = call i32 @nrc.check_pointers(ptr %outputs, i32 %out)
  %out.fine = icmp eq i32 %out.status, 0
  br i1 %out.fine, label %run, label %null
run:
  %pool.at = getelementptr %nrc.context, ptr %context, i32 0, i32 1
  %pool = load ptr, ptr %pool.at
  %arena.at = getelementptr %nrc.context, ptr %context, i32 0, i32 2
  %arena = load ptr, ptr %arena.at
  %weights.at = getelementptr %nrc.model, ptr %model, i32 0, i32 13
  %weights = load ptr, ptr %weights.at
  call void @nrc.begin_states_once(ptr %context, ptr %dims)
  %states = call ptr @nrc.states(ptr %context)
  %turn.at = getelementptr %nrc.context, ptr %context, i32 0, i32 7
  %turn = load i32, ptr %turn.at
  %wide = zext i32 %turn to i64
  %program.at = getelementptr %nrc.model, ptr %model, i32 0, i32 15
  %program = load ptr, ptr %program.at
  %code = call i32 %program(ptr %inputs, ptr %dims, ptr %outputs, ptr %arena, ptr %weights, ptr %pool, ptr %states, i64 %wide)
  ; The errors 910 and 911 of the data are the statuses 9 and 10.
  %done = icmp eq i32 %code, 0
  %failure = sub i32 %code, 901
  br i1 %done, label %keep, label %forget
keep:
  %turned = xor i32 %turn, 1
  store i32 %turned, ptr %turn.at
  ret i32 0
forget: ; some states may be written and others not
  call void @nrc_context_reset(ptr %context)
  ret i32 %failure
refuse:
  ret i32 %reserved
null:
  ret i32 1
}
