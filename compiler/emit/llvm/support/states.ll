; The states of a context: memory that runs find as the one before has left it. nrc_context_reset lets them begin anew.

declare i32 @memcmp(ptr, ptr, i64)

; Bytes in front of the states, a multiple of 64: twice %count sizes.
define hidden i64 @nrc.states.head(ptr %model) #0 {
  %count.at = getelementptr %nrc.model, ptr %model, i32 0, i32 17
  %count = load i32, ptr %count.at
  %wide = zext i32 %count to i64
  %sizes = mul i64 %wide, 16
  %padded = add i64 %sizes, 63
  %bytes = and i64 %padded, -64
  ret i64 %bytes
}

; Where the states of a context lie; not null when it has any and was reserved.
define hidden ptr @nrc.states(ptr %context) #0 {
  %model = load ptr, ptr %context
  %head = call i64 @nrc.states.head(ptr %model)
  %block.at = getelementptr %nrc.context, ptr %context, i32 0, i32 4
  %block = load ptr, ptr %block.at
  %states = getelementptr i8, ptr %block, i64 %head
  ret ptr %states
}

; Memory for states that have not begun; status 11 where those that have are of other sizes than these dims give.
define hidden i32 @nrc.reserve_states(ptr %context, ptr %dims) #0 {
  %model = load ptr, ptr %context
  %states.at = getelementptr %nrc.model, ptr %model, i32 0, i32 16
  %states = load i32, ptr %states.at
  %none = icmp eq i32 %states, 0
  br i1 %none, label %enough, label %look
look:
  %block.at = getelementptr %nrc.context, ptr %context, i32 0, i32 4
  %block = load ptr, ptr %block.at
  %bytes.at = getelementptr %nrc.model, ptr %model, i32 0, i32 18
  %bytes = load ptr, ptr %bytes.at
  %need = call i64 %bytes(ptr %dims)
  ; -1, an overflow, is the largest unsigned number.
  %too.much = icmp ugt i64 %need, 140737488355328
  br i1 %too.much, label %memory, label %fit
fit:
  %begun.at = getelementptr %nrc.context, ptr %context, i32 0, i32 6
  %begun = load i32, ptr %begun.at
  %running = icmp ne i32 %begun, 0
  br i1 %running, label %compare, label %limit
compare:
  %count.at = getelementptr %nrc.model, ptr %model, i32 0, i32 17
  %count = load i32, ptr %count.at
  %wide = zext i32 %count to i64
  %asked = getelementptr i64, ptr %block, i64 %wide
  %sizes.at = getelementptr %nrc.model, ptr %model, i32 0, i32 19
  %sizes = load ptr, ptr %sizes.at
  call void %sizes(ptr %dims, ptr %asked)
  %length = mul i64 %wide, 8
  %difference = call i32 @memcmp(ptr %block, ptr %asked, i64 %length)
  %same = icmp eq i32 %difference, 0
  br i1 %same, label %enough, label %other
limit:
  %head = call i64 @nrc.states.head(ptr %model)
  %both = add i64 %head, %need
  %total = add i64 %both, 63
  %whole = and i64 %total, -64
  %held.at = getelementptr %nrc.context, ptr %context, i32 0, i32 5
  %held = load i64, ptr %held.at
  %grows = icmp ugt i64 %whole, %held
  br i1 %grows, label %replace, label %enough
replace:
  call void @free(ptr %block)
  %fresh = call ptr @aligned_alloc(i64 64, i64 %whole)
  store ptr %fresh, ptr %block.at
  %failed = icmp eq ptr %fresh, null
  %holds = select i1 %failed, i64 0, i64 %whole
  store i64 %holds, ptr %held.at
  br i1 %failed, label %memory, label %enough
enough:
  ret i32 0
other:
  ret i32 11
memory:
  ret i32 5
}

; In the first run after a reset: notes the sizes of the states and writes what they hold at first.
define hidden void @nrc.begin_states_once(ptr %context, ptr %dims) #0 {
  %model = load ptr, ptr %context
  %count.at = getelementptr %nrc.model, ptr %model, i32 0, i32 16
  %count = load i32, ptr %count.at
  %none = icmp eq i32 %count, 0
  %begun.at = getelementptr %nrc.context, ptr %context, i32 0, i32 6
  %begun = load i32, ptr %begun.at
  %running = icmp ne i32 %begun, 0
  %ready = or i1 %none, %running
  br i1 %ready, label %return, label %begin
begin:
  %block.at = getelementptr %nrc.context, ptr %context, i32 0, i32 4
  %block = load ptr, ptr %block.at
  %sizes.at = getelementptr %nrc.model, ptr %model, i32 0, i32 19
  %sizes = load ptr, ptr %sizes.at
  call void %sizes(ptr %dims, ptr %block)
  %states = call ptr @nrc.states(ptr %context)
  %weights.at = getelementptr %nrc.model, ptr %model, i32 0, i32 13
  %weights = load ptr, ptr %weights.at
  %first.at = getelementptr %nrc.model, ptr %model, i32 0, i32 20
  %first = load ptr, ptr %first.at
  call void %first(ptr %dims, ptr %states, ptr %weights)
  store i32 1, ptr %begun.at
  %turn.at = getelementptr %nrc.context, ptr %context, i32 0, i32 7
  store i32 0, ptr %turn.at
  br label %return
return:
  ret void
}

; Repeats a pattern until %bytes are full: what is there is doubled.
define hidden void @nrc.fill(ptr %to, i64 %bytes, ptr %pattern, i64 %length) #0 {
entry:
  %fits = icmp ult i64 %length, %bytes
  %first = select i1 %fits, i64 %length, i64 %bytes
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %pattern, i64 %first, i1 false)
  %empty = icmp eq i64 %length, 0
  br i1 %empty, label %return, label %next
next:
  %full = phi i64 [ %first, %entry ], [ %more, %copy ]
  %rest = sub i64 %bytes, %full
  %over = icmp eq i64 %rest, 0
  br i1 %over, label %return, label %copy
copy:
  %enough = icmp ult i64 %full, %rest
  %step = select i1 %enough, i64 %full, i64 %rest
  %behind = getelementptr i8, ptr %to, i64 %full
  call void @llvm.memcpy.p0.p0.i64(ptr %behind, ptr %to, i64 %step, i1 false)
  %more = add i64 %full, %step
  br label %next
return:
  ret void
}
