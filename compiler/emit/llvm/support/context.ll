; Contexts of neuralc.h: the memory of one user of a model, and the run itself.

%nrc.context = type {
  ptr, ; 0 model
  ptr, ; 1 pool, null for one thread
  ptr, ; 2 arena
  i64, ; 3 bytes of the arena
  ptr, ; 4 states: the sizes they have, those of the run at hand, and behind these the memory of the states
  i64, ; 5 bytes of all this
  i32, ; 6 1 once the states have begun
  i32, ; 7 which of their two places hold what a run finds, of states that are swapped: 0 or 1
  i32, ; 8 threads of a run at most
  i32, ; 9 the process that made it: a forked one has no part in the pool
  %nrc.run ; 10
}

declare ptr @aligned_alloc(i64, i64)
declare void @free(ptr)
declare i32 @llvm.umin.i32(i32, i32)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

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
  %usable = call i64 @nrc.processors()
  %processors = trunc i64 %usable to i32
  br label %counted
counted:
  %threads = phi i32 [ %said, %chosen ], [ %processors, %ask ]
  %less.one = sub i32 %threads, 1
  %sane = icmp ult i32 %less.one, 1024
  br i1 %sane, label %allocate, label %number
allocate:
  %end = getelementptr %nrc.context, ptr null, i32 1
  %bytes = ptrtoint ptr %end to i64
  %context = call ptr @aligned_alloc(i64 64, i64 %bytes)
  %failed = icmp eq ptr %context, null
  br i1 %failed, label %memory, label %fill
fill:
  call void @llvm.memset.p0.i64(ptr %context, i8 0, i64 %bytes, i1 false)
  store ptr %model, ptr %context
  %most = getelementptr %nrc.context, ptr %context, i32 0, i32 8
  store i32 %threads, ptr %most
  %process.at = getelementptr %nrc.context, ptr %context, i32 0, i32 9
  %process = call i32 @getpid()
  store i32 %process, ptr %process.at
  %several = icmp ugt i32 %threads, 1
  br i1 %several, label %start, label %ready
start:
  %count = zext i32 %threads to i64
  %pool = call ptr @nrc.pool.enter(i64 %count)
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
  br i1 %alone, label %release, label %owner
owner:
  %process.at = getelementptr %nrc.context, ptr %context, i32 0, i32 9
  %process = load i32, ptr %process.at
  %here = call i32 @getpid()
  %mine = icmp eq i32 %process, %here
  br i1 %mine, label %stop, label %release
stop:
  call void @nrc.pool.leave(ptr %pool)
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
  br i1 %out.fine, label %start, label %null
start:
  call void @nrc.begin_states_once(ptr %context, ptr %dims)
  %run = getelementptr %nrc.context, ptr %context, i32 0, i32 10
  call void @nrc.fill_run(ptr %context, ptr %run, ptr %inputs, ptr %dims, ptr %outputs)
  call void @nrc.perform(ptr %context, ptr %run)
  %status.at = getelementptr %nrc.run, ptr %run, i32 0, i32 9
  %code = load i32, ptr %status.at
  %turn.at = getelementptr %nrc.context, ptr %context, i32 0, i32 7
  %turn = load i32, ptr %turn.at
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

; Writes down what the threads of a run have to know.
define hidden void @nrc.fill_run(ptr %context, ptr %run, ptr %inputs, ptr %dims, ptr %outputs) #0 {
  %model = load ptr, ptr %context
  %arena.at = getelementptr %nrc.context, ptr %context, i32 0, i32 2
  %arena = load ptr, ptr %arena.at
  %weights.at = getelementptr %nrc.model, ptr %model, i32 0, i32 13
  %weights = load ptr, ptr %weights.at
  %states = call ptr @nrc.states(ptr %context)
  %turn.at = getelementptr %nrc.context, ptr %context, i32 0, i32 7
  %turn = load i32, ptr %turn.at
  %wide = zext i32 %turn to i64
  %program.at = getelementptr %nrc.model, ptr %model, i32 0, i32 15
  %program = load ptr, ptr %program.at
  %run.1 = getelementptr %nrc.run, ptr %run, i32 0, i32 1
  %run.2 = getelementptr %nrc.run, ptr %run, i32 0, i32 2
  %run.3 = getelementptr %nrc.run, ptr %run, i32 0, i32 3
  %run.4 = getelementptr %nrc.run, ptr %run, i32 0, i32 4
  %run.5 = getelementptr %nrc.run, ptr %run, i32 0, i32 5
  %run.6 = getelementptr %nrc.run, ptr %run, i32 0, i32 6
  %run.7 = getelementptr %nrc.run, ptr %run, i32 0, i32 7
  %threads = getelementptr %nrc.run, ptr %run, i32 0, i32 8
  %status = getelementptr %nrc.run, ptr %run, i32 0, i32 9
  %patience.at = getelementptr %nrc.run, ptr %run, i32 0, i32 10
  %arrived = getelementptr %nrc.run, ptr %run, i32 0, i32 14
  %lost = getelementptr %nrc.run, ptr %run, i32 0, i32 11
  %woken = getelementptr %nrc.run, ptr %run, i32 0, i32 12
  ; What the last run has lost of it comes back step by step.
  %patience = load i32, ptr %patience.at
  %twice = mul i32 %patience, 2
  %some = add i32 %twice, 32
  %most = call i32 @llvm.umin.i32(i32 %some, i32 2000)
  store i32 %most, ptr %patience.at
  store ptr %inputs, ptr %run
  store ptr %dims, ptr %run.1
  store ptr %outputs, ptr %run.2
  store ptr %arena, ptr %run.3
  store ptr %weights, ptr %run.4
  store ptr %states, ptr %run.5
  store i64 %wide, ptr %run.6
  store ptr %program, ptr %run.7
  store i64 0, ptr %threads
  store i32 0, ptr %status
  store i64 0, ptr %lost
  store i64 0, ptr %woken
  store i64 0, ptr %arrived
  ret void
}

; Goes through the program, with workers where the context may have some and the run is worth it.
define hidden void @nrc.perform(ptr %context, ptr %run) #0 {
  %pool.at = getelementptr %nrc.context, ptr %context, i32 0, i32 1
  %pool = load ptr, ptr %pool.at
  %program.at = getelementptr %nrc.run, ptr %run, i32 0, i32 7
  %program = load ptr, ptr %program.at
  %threads.at = getelementptr %nrc.run, ptr %run, i32 0, i32 8
  %none = icmp eq ptr %pool, null
  br i1 %none, label %alone, label %together
alone:
  store i64 1, ptr %threads.at
  call void %program(ptr %run, i64 0)
  ret void
together:
  %model = load ptr, ptr %context
  %function.at = getelementptr %nrc.model, ptr %model, i32 0, i32 21
  %function = load ptr, ptr %function.at
  %dims.at = getelementptr %nrc.run, ptr %run, i32 0, i32 1
  %dims = load ptr, ptr %dims.at
  %work = call i64 %function(ptr %dims)
  %most.at = getelementptr %nrc.context, ptr %context, i32 0, i32 8
  %most = load i32, ptr %most.at
  %wide = zext i32 %most to i64
  call void @nrc.fork(ptr %pool, ptr %run, i64 %wide, i64 %work)
  call void %program(ptr %run, i64 0)
  call void @nrc.join(ptr %pool, ptr %run, i64 %work)
  ret void
}
