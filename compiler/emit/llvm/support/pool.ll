; The workers of a program: started for the first context that has more than one thread, ended with the last one.
;
; Models that are linked into one program have one pool. Shared libraries have one each, unless nrc_use_pool lets them use
; that of another, whose code the workers then run: so no model's workers spin while another one's run.
; Memory of the pool is wiped in a process that was forked, whose workers do not exist (MADV_WIPEONFORK): contexts from
; before the fork run alone there, and the first new one begins the pool anew.

%nrc.home = type {
  ptr, ; 0 the pool, null where no context has more than one thread
  ptr, ; 1 ptr (ptr worker): the life of a worker
  i32, ; 2 the process that holds the lock
  i32
}

%nrc.pool = type {
  i64,       ; 0 busy: threads in runs that share work, callers included
  [7 x i64],
  i64,       ; 2 processors of this process
  i64,       ; 3 workers that were started
  i64,       ; 4 contexts that have the pool
  i64,       ; 5 bytes of all this
  i32,       ; 6 how many runs leave sleepers alone, when it was no use to wake one
  i32,       ; 7 how many more do so now
  i32,       ; 8 how many runs are run alone, when threads had to wait too long
  i32,       ; 9 how many more are now
  ptr,       ; 10 home
  i64,
  [16 x i64] ; 12 the processors, a bit each
}            ; followed by the workers

%nrc.worker = type {
  i64,       ; 0 state: 0 awake, 1 asleep, 2 it has to end, else the run it works for
  i64,       ; 1 index of the thread in the run, from 1; the caller is 0
  i64,       ; 2 thread
  i64,
  i64,       ; 4 the processor on which it was last
  i32, i32,  ; 5 the thread, as the system counts; 0 until it has begun
  [2 x i64]
}

@nrc_own_home = weak hidden global %nrc.home { ptr null, ptr @nrc.worker, i32 0, i32 0 }
@nrc_home = weak hidden global ptr @nrc_own_home

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @getpid()
declare i32 @sched_yield()
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare i32 @munmap(ptr, i64)
declare i32 @madvise(ptr, i64, i32)
declare i64 @llvm.ctpop.i64(i64)

define weak ptr @nrc_get_pool() #0 {
  %home = load atomic ptr, ptr @nrc_home acquire, align 8
  ret ptr %home
}

; Contexts that there are stay with the pool they have.
define weak void @nrc_use_pool(ptr %home) #0 {
  %none = icmp eq ptr %home, null
  %chosen = select i1 %none, ptr @nrc_own_home, ptr %home
  store atomic ptr %chosen, ptr @nrc_home release, align 8
  ret void
}

; How many processors this process may use: 1 to 1024.
define hidden i64 @nrc.processors() #0 {
  %mask = alloca [16 x i64]
  %count = call i64 @nrc.affinity(ptr %mask)
  ret i64 %count
}

; Writes down the processors that this thread may use, and counts them.
define hidden i64 @nrc.affinity(ptr %mask) #0 {
entry:
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
  ret i64 %some
}

; One thread at a time creates and destroys contexts. A process that was forked does not wait for its parent's threads.
define hidden void @nrc.lock(ptr %home) #0 {
entry:
  %lock = getelementptr %nrc.home, ptr %home, i32 0, i32 2
  %process = call i32 @getpid()
  br label %try
try:
  %holder = load atomic i32, ptr %lock monotonic, align 4
  %mine = icmp eq i32 %holder, %process
  br i1 %mine, label %wait, label %take
take:
  %taken = cmpxchg ptr %lock, i32 %holder, i32 %process acq_rel monotonic
  %got = extractvalue { i32, i1 } %taken, 1
  br i1 %got, label %return, label %wait
wait:
  call i32 @sched_yield()
  br label %try
return:
  ret void
}

define hidden void @nrc.unlock(ptr %home) #0 {
  %lock = getelementptr %nrc.home, ptr %home, i32 0, i32 2
  store atomic i32 0, ptr %lock release, align 4
  ret void
}

; The pool for one more context, with workers for a run of %threads threads, or of as many as there are processors. Null
; where memory or threads are missing; nothing is left behind.
define hidden ptr @nrc.pool.enter(i64 %threads) #0 {
  %home = call ptr @nrc_get_pool()
  call void @nrc.lock(ptr %home)
  %pool = call ptr @nrc.pool.made(ptr %home)
  %missing = icmp eq ptr %pool, null
  br i1 %missing, label %done, label %begin
begin:
  %processors.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 2
  %contexts.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 4
  %processors = load i64, ptr %processors.at
  %contexts = load i64, ptr %contexts.at
  %one.more = add i64 %contexts, 1
  store i64 %one.more, ptr %contexts.at
  %team = call i64 @llvm.smin.i64(i64 %threads, i64 %processors)
  %started = call i1 @nrc.pool.start(ptr %pool, i64 %team)
  br i1 %started, label %done, label %undo
undo:
  call void @nrc.pool.less(ptr %pool)
  br label %done
done:
  %result = phi ptr [ null, %0 ], [ %pool, %begin ], [ null, %undo ]
  call void @nrc.unlock(ptr %home)
  ret ptr %result
}

define hidden void @nrc.pool.leave(ptr %pool) #0 {
  %home.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 10
  %home = load ptr, ptr %home.at
  call void @nrc.lock(ptr %home)
  call void @nrc.pool.less(ptr %pool)
  call void @nrc.unlock(ptr %home)
  ret void
}

; The memory of the pool, made where there is none; filled in where a fork has wiped it.
define hidden ptr @nrc.pool.made(ptr %home) #0 {
entry:
  %processors = call i64 @nrc.processors()
  %head = ptrtoint ptr getelementptr (%nrc.pool, ptr null, i32 1) to i64
  %each = ptrtoint ptr getelementptr (%nrc.worker, ptr null, i32 1) to i64
  %tail = mul i64 %processors, %each
  %bytes = add i64 %head, %tail
  %old = load ptr, ptr %home
  %none = icmp eq ptr %old, null
  br i1 %none, label %map, label %check
map:
  %new = call ptr @mmap(ptr null, i64 %bytes, i32 3, i32 34, i32 -1, i64 0) ; read and write, private and anonymous
  %address = ptrtoint ptr %new to i64
  %failed = icmp eq i64 %address, -1
  br i1 %failed, label %fail, label %wipe
wipe:
  call i32 @madvise(ptr %new, i64 %bytes, i32 18) ; MADV_WIPEONFORK
  store ptr %new, ptr %home
  br label %check
check:
  %pool = phi ptr [ %old, %entry ], [ %new, %wipe ]
  %processors.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 2
  %bytes.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 5
  %known = load i64, ptr %processors.at
  %empty = icmp eq i64 %known, 0
  br i1 %empty, label %fill, label %return
fill:
  %home.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 10
  store ptr %home, ptr %home.at
  %mask = getelementptr %nrc.pool, ptr %pool, i32 0, i32 12
  call i64 @nrc.affinity(ptr %mask)
  store i64 %processors, ptr %processors.at
  store i64 %bytes, ptr %bytes.at
  br label %return
return:
  ret ptr %pool
fail:
  ret ptr null
}

; Whether there are workers for %team threads, after those that lacked have been started. Signals are for the program's
; own threads: workers begin with all of them blocked (SIG_SETMASK is 2).
define hidden i1 @nrc.pool.start(ptr %pool, i64 %team) #0 {
entry:
  %all = alloca [16 x i64]
  %old = alloca [16 x i64]
  %workers.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 3
  %first = getelementptr %nrc.pool, ptr %pool, i32 1
  %home.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 10
  %home = load ptr, ptr %home.at
  %life.at = getelementptr %nrc.home, ptr %home, i32 0, i32 1
  %life = load ptr, ptr %life.at
  %wanted = sub i64 %team, 1
  call i32 @sigfillset(ptr %all)
  call i32 @pthread_sigmask(i32 2, ptr %all, ptr %old)
  br label %next
next:
  %index = load i64, ptr %workers.at
  %complete = icmp sge i64 %index, %wanted
  br i1 %complete, label %done, label %start
start:
  %worker = getelementptr %nrc.worker, ptr %first, i64 %index
  %thread.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 2
  store i64 0, ptr %worker
  %status = call i32 @pthread_create(ptr %thread.at, ptr null, ptr %life, ptr %worker)
  %started = icmp eq i32 %status, 0
  br i1 %started, label %count, label %done
count:
  %following = add i64 %index, 1
  store i64 %following, ptr %workers.at
  br label %next
done:
  call i32 @pthread_sigmask(i32 2, ptr %old, ptr null)
  ret i1 %complete
}

; One context less; with the last one the workers end, and the pool.
define hidden void @nrc.pool.less(ptr %pool) #0 {
  %contexts.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 4
  %contexts = load i64, ptr %contexts.at
  %left = sub i64 %contexts, 1
  store i64 %left, ptr %contexts.at
  %last = icmp eq i64 %left, 0
  br i1 %last, label %end, label %return
end:
  %workers.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 3
  %workers = load i64, ptr %workers.at
  %first = getelementptr %nrc.pool, ptr %pool, i32 1
  br label %next
next:
  %index = phi i64 [ 0, %end ], [ %following, %stop ]
  %over = icmp uge i64 %index, %workers
  br i1 %over, label %release, label %stop
stop:
  %worker = getelementptr %nrc.worker, ptr %first, i64 %index
  %thread.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 2
  %thread = load i64, ptr %thread.at
  %state = atomicrmw xchg ptr %worker, i64 2 acq_rel
  call void @nrc.wake(ptr %worker)
  call i32 @pthread_join(i64 %thread, ptr null)
  %following = add i64 %index, 1
  br label %next
release:
  %bytes.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 5
  %bytes = load i64, ptr %bytes.at
  %home.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 10
  %home = load ptr, ptr %home.at
  store ptr null, ptr %home
  call i32 @munmap(ptr %pool, i64 %bytes)
  br label %return
return:
  ret void
}
