; The thread pool of a context: one caller and threads - 1 workers share the programs of a launch.
;
; A launch is published by raising `generation`; each thread runs one contiguous range of programs, so what a program
; computes does not depend on the number of threads. Workers and caller spin for a while before they sleep: launches of
; one run follow each other within microseconds. Sleeping is safe without a lock on the fast path because both sides use
; sequentially consistent accesses: a sleeper announces itself, then looks again; a waker publishes, then looks for
; sleepers. A mutex is 40 to 48 bytes and a condition 48 on the C libraries of Linux; 64 are kept for each.

%nrc.pool = type {
  i64,       ;  0 generation: how many launches there were
  ptr,       ;  1 task: void (i64 begin, i64 end, ptr arguments)
  ptr,       ;  2 arguments
  i64,       ;  3 programs
  i64,       ;  4 threads
  i32,       ;  5 stop: workers leave at the next generation
  i32,       ;  6
  [2 x i64], ;  7 to the end of the cache line
  i64,       ;  8 remaining: workers that have not finished this generation
  [7 x i64], ;  9
  i32,       ; 10 sleepers: workers that wait for `work`
  i32,       ; 11 waiting: the caller waits for `done`
  [7 x i64], ; 12
  [8 x i64], ; 13 mutex
  [8 x i64], ; 14 work
  [8 x i64]  ; 15 done
}            ; followed by the workers

%nrc.worker = type {
  ptr, ; 0 pool
  i64, ; 1 index, from 1; the caller is 0
  i64  ; 2 thread
}

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_destroy(ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_destroy(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare ptr @aligned_alloc(i64, i64)
declare void @free(ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

; Runs the share of thread %index: programs [n * index / threads, n * (index + 1) / threads).
define hidden void @nrc.share(ptr %pool, i64 %index) #0 {
  %task.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 1
  %task = load ptr, ptr %task.at
  %arguments.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 2
  %arguments = load ptr, ptr %arguments.at
  %programs.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 3
  %programs = load i64, ptr %programs.at
  %threads.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 4
  %threads = load i64, ptr %threads.at
  %before = mul i64 %programs, %index
  %begin = udiv i64 %before, %threads
  %after = add i64 %before, %programs
  %end = udiv i64 %after, %threads
  %some = icmp ult i64 %begin, %end
  br i1 %some, label %work, label %return
work:
  call void %task(i64 %begin, i64 %end, ptr %arguments)
  br label %return
return:
  ret void
}

; Runs programs 0 to %programs of a launch on all threads of the pool, and returns when they are done.
define hidden void @nrc.parallel(ptr %pool, ptr %task, ptr %arguments, i64 %programs) #0 {
entry:
  %task.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 1
  %arguments.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 2
  %programs.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 3
  %threads.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 4
  %remaining = getelementptr %nrc.pool, ptr %pool, i32 0, i32 8
  %waiting = getelementptr %nrc.pool, ptr %pool, i32 0, i32 11
  %mutex = getelementptr %nrc.pool, ptr %pool, i32 0, i32 13
  %done = getelementptr %nrc.pool, ptr %pool, i32 0, i32 15
  store ptr %task, ptr %task.at
  store ptr %arguments, ptr %arguments.at
  store i64 %programs, ptr %programs.at
  %threads = load i64, ptr %threads.at
  %workers = sub i64 %threads, 1
  store atomic i64 %workers, ptr %remaining monotonic, align 8
  call void @nrc.wake(ptr %pool)
  call void @nrc.share(ptr %pool, i64 0)
  br label %spin
spin:
  %round = phi i32 [ 0, %entry ], [ %next.round, %pause ]
  %left = load atomic i64, ptr %remaining acquire, align 8
  %finished = icmp eq i64 %left, 0
  br i1 %finished, label %return, label %again
again:
  %tired = icmp uge i32 %round, 2000
  br i1 %tired, label %sleep, label %pause
pause:
  call void @nrc.pause()
  %next.round = add i32 %round, 1
  br label %spin
sleep:
  call i32 @pthread_mutex_lock(ptr %mutex)
  store atomic i32 1, ptr %waiting seq_cst, align 4
  br label %check
check:
  %still = load atomic i64, ptr %remaining seq_cst, align 8
  %over = icmp eq i64 %still, 0
  br i1 %over, label %awake, label %wait
wait:
  call i32 @pthread_cond_wait(ptr %done, ptr %mutex)
  br label %check
awake:
  store atomic i32 0, ptr %waiting seq_cst, align 4
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %return
return:
  ret void
}

; Publishes the launch that was written into the pool.
define hidden void @nrc.wake(ptr %pool) #0 {
  %generation = getelementptr %nrc.pool, ptr %pool, i32 0, i32 0
  %sleepers = getelementptr %nrc.pool, ptr %pool, i32 0, i32 10
  %mutex = getelementptr %nrc.pool, ptr %pool, i32 0, i32 13
  %work = getelementptr %nrc.pool, ptr %pool, i32 0, i32 14
  atomicrmw add ptr %generation, i64 1 seq_cst
  %asleep = load atomic i32, ptr %sleepers seq_cst, align 4
  %any = icmp ne i32 %asleep, 0
  br i1 %any, label %rouse, label %return
rouse:
  call i32 @pthread_mutex_lock(ptr %mutex)
  call i32 @pthread_cond_broadcast(ptr %work)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %return
return:
  ret void
}

; The life of a worker.
define hidden ptr @nrc.worker(ptr %self) #0 {
entry:
  %pool = load ptr, ptr %self
  %index.at = getelementptr %nrc.worker, ptr %self, i32 0, i32 1
  %index = load i64, ptr %index.at
  %generation = getelementptr %nrc.pool, ptr %pool, i32 0, i32 0
  %stop = getelementptr %nrc.pool, ptr %pool, i32 0, i32 5
  %remaining = getelementptr %nrc.pool, ptr %pool, i32 0, i32 8
  %sleepers = getelementptr %nrc.pool, ptr %pool, i32 0, i32 10
  %waiting = getelementptr %nrc.pool, ptr %pool, i32 0, i32 11
  %mutex = getelementptr %nrc.pool, ptr %pool, i32 0, i32 13
  %work = getelementptr %nrc.pool, ptr %pool, i32 0, i32 14
  %done = getelementptr %nrc.pool, ptr %pool, i32 0, i32 15
  br label %idle
idle:
  %seen = phi i64 [ 0, %entry ], [ %new, %finished ]
  br label %spin
spin:
  %round = phi i32 [ 0, %idle ], [ %next.round, %pause ]
  %current = load atomic i64, ptr %generation acquire, align 8
  %changed = icmp ne i64 %current, %seen
  br i1 %changed, label %go, label %again
again:
  %tired = icmp uge i32 %round, 2000
  br i1 %tired, label %sleep, label %pause
pause:
  call void @nrc.pause()
  %next.round = add i32 %round, 1
  br label %spin
sleep:
  call i32 @pthread_mutex_lock(ptr %mutex)
  atomicrmw add ptr %sleepers, i32 1 seq_cst
  br label %check
check:
  %latest = load atomic i64, ptr %generation seq_cst, align 8
  %same = icmp eq i64 %latest, %seen
  br i1 %same, label %wait, label %awake
wait:
  call i32 @pthread_cond_wait(ptr %work, ptr %mutex)
  br label %check
awake:
  atomicrmw sub ptr %sleepers, i32 1 seq_cst
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %go
go:
  %new = phi i64 [ %current, %spin ], [ %latest, %awake ]
  %stopping = load atomic i32, ptr %stop acquire, align 4
  %leave = icmp ne i32 %stopping, 0
  br i1 %leave, label %return, label %share
share:
  call void @nrc.share(ptr %pool, i64 %index)
  %left = atomicrmw sub ptr %remaining, i64 1 seq_cst
  %last = icmp eq i64 %left, 1
  br i1 %last, label %report, label %finished
report:
  %asleep = load atomic i32, ptr %waiting seq_cst, align 4
  %caller.sleeps = icmp ne i32 %asleep, 0
  br i1 %caller.sleeps, label %rouse, label %finished
rouse:
  call i32 @pthread_mutex_lock(ptr %mutex)
  call i32 @pthread_cond_signal(ptr %done)
  call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %finished
finished:
  br label %idle
return:
  ret ptr null
}

; A pool of %threads threads, the caller included. Null where memory or threads are missing; nothing is left behind.
define hidden ptr @nrc.pool.create(i64 %threads) #0 {
entry:
  %all = alloca [16 x i64]
  %old = alloca [16 x i64]
  %head = ptrtoint ptr getelementptr (%nrc.pool, ptr null, i32 1) to i64
  %each = ptrtoint ptr getelementptr (%nrc.worker, ptr null, i32 1) to i64
  %tail = mul i64 %threads, %each
  %size = add i64 %head, %tail
  %padded = add i64 %size, 63
  %bytes = and i64 %padded, -64
  %pool = call ptr @aligned_alloc(i64 64, i64 %bytes)
  %missing = icmp eq ptr %pool, null
  br i1 %missing, label %fail, label %prepare
prepare:
  call void @llvm.memset.p0.i64(ptr %pool, i8 0, i64 %bytes, i1 false)
  %threads.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 4
  %mutex = getelementptr %nrc.pool, ptr %pool, i32 0, i32 13
  %work = getelementptr %nrc.pool, ptr %pool, i32 0, i32 14
  %done = getelementptr %nrc.pool, ptr %pool, i32 0, i32 15
  call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  call i32 @pthread_cond_init(ptr %work, ptr null)
  call i32 @pthread_cond_init(ptr %done, ptr null)
  ; Signals are for the program's own threads: workers start with all of them blocked (SIG_SETMASK is 2).
  call i32 @sigfillset(ptr %all)
  call i32 @pthread_sigmask(i32 2, ptr %all, ptr %old)
  %first = getelementptr %nrc.pool, ptr %pool, i32 1
  br label %next
next:
  %index = phi i64 [ 1, %prepare ], [ %following, %start ]
  ; What is started so far is what pool.destroy joins.
  store i64 %index, ptr %threads.at
  %complete = icmp uge i64 %index, %threads
  br i1 %complete, label %ready, label %start
start:
  %worker = getelementptr %nrc.worker, ptr %first, i64 %index
  %index.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 1
  %thread.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 2
  store ptr %pool, ptr %worker
  store i64 %index, ptr %index.at
  %status = call i32 @pthread_create(ptr %thread.at, ptr null, ptr @nrc.worker, ptr %worker)
  %started = icmp eq i32 %status, 0
  %following = add i64 %index, 1
  br i1 %started, label %next, label %undo
undo:
  call i32 @pthread_sigmask(i32 2, ptr %old, ptr null)
  call void @nrc.pool.destroy(ptr %pool)
  br label %fail
ready:
  call i32 @pthread_sigmask(i32 2, ptr %old, ptr null)
  ret ptr %pool
fail:
  ret ptr null
}

; Ends the workers and frees the pool.
define hidden void @nrc.pool.destroy(ptr %pool) #0 {
entry:
  %threads.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 4
  %threads = load i64, ptr %threads.at
  %stop = getelementptr %nrc.pool, ptr %pool, i32 0, i32 5
  store atomic i32 1, ptr %stop release, align 4
  call void @nrc.wake(ptr %pool)
  %first = getelementptr %nrc.pool, ptr %pool, i32 1
  br label %next
next:
  %index = phi i64 [ 1, %entry ], [ %following, %join ]
  %over = icmp uge i64 %index, %threads
  br i1 %over, label %release, label %join
join:
  %worker = getelementptr %nrc.worker, ptr %first, i64 %index
  %thread.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 2
  %thread = load i64, ptr %thread.at
  call i32 @pthread_join(i64 %thread, ptr null)
  %following = add i64 %index, 1
  br label %next
release:
  %mutex = getelementptr %nrc.pool, ptr %pool, i32 0, i32 13
  %work = getelementptr %nrc.pool, ptr %pool, i32 0, i32 14
  %done = getelementptr %nrc.pool, ptr %pool, i32 0, i32 15
  call i32 @pthread_cond_destroy(ptr %done)
  call i32 @pthread_cond_destroy(ptr %work)
  call i32 @pthread_mutex_destroy(ptr %mutex)
  call void @free(ptr %pool)
  ret void
}
