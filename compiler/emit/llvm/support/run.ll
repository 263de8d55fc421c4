; The threads of a run: how it gets workers of the pool, and how they wait for each other.
;
; All threads of a run go through its program together. Each runs its own part of a launch, so what a program computes
; does not depend on how many there are; between launches that depend on each other stands a barrier. A run takes what
; workers it can get, and never so many that more threads are busy than there are processors: a second caller runs with
; fewer, or alone. That is why a run never waits for another one.
;
; Each worker looks at a word of its own, `state`. A caller gives it work by changing that from 0 to the address of a
; run. A worker without work looks for SPIN nanoseconds, then it sleeps in the kernel of the system (futex). To be woken
; takes longer than a short run does: such a run does not wait for sleeping workers, it wakes them for the next one.
; Where no run came soon after, sleepers are left alone for some runs, twice as many each time. A worker that was on the
; caller's processor is kept from it. Where other programs take the processors, so that threads wait for each other for
; longer than they can gain, some runs are run alone, and again twice as many each time.

%nrc.run = type {
  ptr, ptr, ptr, ptr, ptr, ptr, ; 0-5 inputs, dims, outputs, arena, weights, states
  i64,       ;  6 turn: which of their two places hold the states that are swapped
  ptr,       ;  7 void (ptr run, i64 thread): the program
  i64,       ;  8 threads: 0 until it is known how many there are
  i32,       ;  9 status: 0, or the number of the error that the data has
  i32,       ; 10 patience: how often a thread looks at a barrier before it lets others have its processor
  i64,       ; 11 lost: nanoseconds that threads waited at barriers where they slept, or waited for long
  i64,       ; 12 woken: 1 where a worker of it had to be woken, which takes time
  [4 x i64], ; 13 to the end of the cache line
  i64,       ; 14 arrived: twice how often a thread came to a barrier or to the end; odd when any has slept there
  [7 x i64]
}

declare i32 @clock_gettime(i32, ptr)
declare i32 @sched_getcpu()
declare i32 @sched_setaffinity(i32, i64, ptr)
declare i32 @gettid()
declare i64 @syscall(i64, ...)
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)

; Counts this thread in, and returns when all threads of the run are here. A thread that waits for much longer than a
; barrier takes lets others have its processor, the one it waits for among them, and comes back at once where nobody
; wants it. Where somebody took it, for more than 0.3 milliseconds, it sleeps until the last one comes, and is less
; patient at the next barriers; so it does after 5 milliseconds, for which shares of work are never so unequal.
define hidden void @nrc.barrier(ptr %run) #0 {
entry:
  %threads.at = getelementptr %nrc.run, ptr %run, i32 0, i32 8
  %patience.at = getelementptr %nrc.run, ptr %run, i32 0, i32 10
  %arrived = getelementptr %nrc.run, ptr %run, i32 0, i32 14
  %threads = load i64, ptr %threads.at
  %before = call i64 @nrc.arrive(ptr %run, i64 %threads)
  %round = udiv i64 %before, %threads
  %next = add i64 %round, 1
  %all = mul i64 %next, %threads
  %patience = load atomic i32, ptr %patience.at monotonic, align 4
  br label %look
look:
  %looks = phi i32 [ 0, %entry ], [ %more, %pause ]
  %word = load atomic i64, ptr %arrived acquire, align 8
  %here = lshr i64 %word, 1
  %complete = icmp uge i64 %here, %all
  br i1 %complete, label %return, label %wait
wait:
  %more = add i32 %looks, 1
  %long = icmp ugt i32 %more, %patience
  br i1 %long, label %tired, label %pause
pause:
  call void @nrc.pause()
  br label %look
tired:
  %begin = call i64 @nrc.now()
  br label %offer
offer:
  %before.offer = phi i64 [ %begin, %tired ], [ %after, %still ]
  call i32 @sched_yield()
  %after = call i64 @nrc.now()
  %current = load atomic i64, ptr %arrived acquire, align 8
  %present = lshr i64 %current, 1
  %met = icmp uge i64 %present, %all
  br i1 %met, label %waited, label %still
still:
  %away = sub i64 %after, %before.offer
  %taken = icmp ugt i64 %away, 300000
  %offered = sub i64 %after, %begin
  %late = icmp ugt i64 %offered, 5000000
  %enough = or i1 %taken, %late
  br i1 %enough, label %resign, label %offer
waited: ; for the threads it waited for, somebody else may have had the processor
  %spent = sub i64 %after, %begin
  %much = icmp ugt i64 %spent, 200000
  br i1 %much, label %account, label %return
resign:
  %less = udiv i32 %patience, 4
  store atomic i32 %less, ptr %patience.at monotonic, align 4
  br label %sleep
sleep:
  %old = atomicrmw or ptr %arrived, i64 1 acq_rel
  %came = lshr i64 %old, 1
  %over = icmp uge i64 %came, %all
  br i1 %over, label %account, label %rest
account:
  %end = call i64 @nrc.now()
  %rested = sub i64 %end, %begin
  %looked = zext i32 %patience to i64
  %before.that = mul i64 %looked, 25
  %slept = add i64 %rested, %before.that
  %lost = getelementptr %nrc.run, ptr %run, i32 0, i32 11
  atomicrmw add ptr %lost, i64 %slept monotonic
  br label %return
rest:
  %seen = or i64 %old, 1
  %low = trunc i64 %seen to i32
  call void @nrc.sleep(ptr %arrived, i32 %low)
  br label %sleep
return:
  ret void
}

; Counts this thread in, wakes the others where it is the last one, and gives how often threads had arrived before. The
; run may be over with it: afterwards nothing of it is read or written.
define hidden i64 @nrc.arrive(ptr %run, i64 %threads) #0 {
  %arrived = getelementptr %nrc.run, ptr %run, i32 0, i32 14
  %old = atomicrmw add ptr %arrived, i64 2 acq_rel
  %before = lshr i64 %old, 1
  %now = add i64 %before, 1
  %rest = urem i64 %now, %threads
  %last = icmp eq i64 %rest, 0
  %sleepers = and i64 %old, 1
  %some = icmp ne i64 %sleepers, 0
  %rouse = and i1 %last, %some
  br i1 %rouse, label %wake, label %return
wake:
  call void @nrc.wake(ptr %arrived)
  br label %return
return:
  ret i64 %before
}

; Gives the run to workers: %threads - 1 at most, fewer where they are taken. %work is an estimate of the nanoseconds of
; one thread that the program can share. Runs of less than 3 microseconds are run alone; those of less than 100 do not
; wait for sleepers. Leaves the number of threads in the run.
define hidden void @nrc.fork(ptr %pool, ptr %run, i64 %threads, i64 %work) #0 {
entry:
  %busy = getelementptr %nrc.pool, ptr %pool, i32 0, i32 0
  %processors.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 2
  %workers.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 3
  %first = getelementptr %nrc.pool, ptr %pool, i32 1
  %threads.at = getelementptr %nrc.run, ptr %run, i32 0, i32 8
  %alone.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 8
  %asleep.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 6
  %woken.at = getelementptr %nrc.run, ptr %run, i32 0, i32 12
  %mark = ptrtoint ptr %run to i64
  %little = icmp ult i64 %work, 3000
  br i1 %little, label %alone, label %count
alone:
  store i64 1, ptr %threads.at
  ret void
count:
  %others = atomicrmw add ptr %busy, i64 1 acq_rel
  %processors = load i64, ptr %processors.at
  %workers = load i64, ptr %workers.at
  %left = sub i64 %processors, %others ; this thread needs one of them
  %room = call i64 @llvm.smin.i64(i64 %left, i64 %threads)
  %waits = icmp uge i64 %work, 100000
  ; A look takes 20 to 50 nanoseconds: a thread is patient for about as long as it can gain, which is half of the work.
  %patience.at = getelementptr %nrc.run, ptr %run, i32 0, i32 10
  %patience = load i32, ptr %patience.at
  %half = udiv i64 %work, 60
  %gain = add i64 %half, 200
  %looks = call i64 @llvm.umin.i64(i64 %gain, i64 2000)
  %worth = trunc i64 %looks to i32
  %patient = call i32 @llvm.umin.i32(i32 %patience, i32 %worth)
  store i32 %patient, ptr %patience.at
  %cpu = call i64 @nrc.processor()
  %crowd = call i1 @nrc.skip(ptr %alone.at)
  br i1 %crowd, label %set, label %next
next:
  %index = phi i64 [ 0, %count ], [ %following, %done ]
  %team = phi i64 [ 1, %count ], [ %now, %done ]
  %over = icmp uge i64 %index, %workers
  %full = icmp sge i64 %team, %room
  %end = or i1 %over, %full
  br i1 %end, label %publish, label %ask
ask:
  %worker = getelementptr %nrc.worker, ptr %first, i64 %index
  %index.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 1
  %state = load atomic i64, ptr %worker monotonic, align 8
  %asleep = icmp eq i64 %state, 1
  br i1 %asleep, label %sleeper, label %awake
awake:
  %its.cpu.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 4
  %its.cpu = load atomic i64, ptr %its.cpu.at monotonic, align 8
  %near = icmp eq i64 %its.cpu, %cpu
  br i1 %near, label %crowded, label %take
crowded:
  call void @nrc.move(ptr %pool, ptr %worker, i64 %cpu)
  br i1 %waits, label %take, label %done
take:
  %taking = cmpxchg ptr %worker, i64 0, i64 %mark acq_rel monotonic
  %taken = extractvalue { i64, i1 } %taking, 1
  br i1 %taken, label %reward, label %done
reward:
  call void @nrc.judge(ptr %asleep.at, i64 %work, i1 true)
  br label %member
sleeper:
  %leave = call i1 @nrc.skip(ptr %asleep.at)
  br i1 %leave, label %done, label %rouse
rouse:
  %old.cpu.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 4
  %old.cpu = load atomic i64, ptr %old.cpu.at monotonic, align 8
  %here = icmp eq i64 %old.cpu, %cpu
  br i1 %here, label %elsewhere, label %call
elsewhere:
  call void @nrc.move(ptr %pool, ptr %worker, i64 %cpu)
  br label %call
call:
  %given = select i1 %waits, i64 %mark, i64 0
  %rousing = cmpxchg ptr %worker, i64 1, i64 %given acq_rel monotonic
  %roused = extractvalue { i64, i1 } %rousing, 1
  br i1 %roused, label %wake, label %done
wake:
  call void @nrc.wake(ptr %worker)
  br i1 %waits, label %woken, label %next.time
woken:
  store i64 1, ptr %woken.at
  br label %member
next.time:
  call void @nrc.judge(ptr %asleep.at, i64 %work, i1 false) ; a run that finds it awake tells otherwise
  br label %done
member:
  store i64 %team, ptr %index.at
  %larger = add i64 %team, 1
  br label %done
done:
  %now = phi i64 [ %team, %crowded ], [ %team, %take ], [ %team, %next.time ], [ %team, %sleeper ], [ %team, %call ], [ %larger, %member ]
  %following = add i64 %index, 1
  br label %next
publish:
  %helpers = sub i64 %team, 1
  %none = icmp eq i64 %helpers, 0
  br i1 %none, label %set, label %add
add:
  atomicrmw add ptr %busy, i64 %helpers acq_rel
  br label %set
set:
  %members = phi i64 [ %team, %publish ], [ %team, %add ], [ 1, %count ]
  ; Workers of this run wait for it, and read their index behind it.
  store atomic i64 %members, ptr %threads.at release, align 8
  ret void
}

; Two numbers stand at %at: for how many runs something is not tried when it is no use, and for how many more it is not
; tried now. Writes them down after it was of use, or not.
define hidden void @nrc.judge(ptr %at, i64 %work, i1 %useful) #0 {
  %penalty = load atomic i32, ptr %at monotonic, align 4
  %useless = xor i1 %useful, true
  %known = icmp ne i32 %penalty, 0
  %changes = or i1 %useless, %known
  br i1 %changes, label %write, label %return
write:
  %twice = mul i32 %penalty, 2
  %more = add i32 %twice, 1
  %runs = udiv i64 20000000, %work ; not for longer than about 20 milliseconds
  %few = trunc i64 %runs to i32
  %capped = call i32 @llvm.umin.i32(i32 %more, i32 %few)
  %new = select i1 %useful, i32 0, i32 %capped
  %left = getelementptr i32, ptr %at, i32 1
  store atomic i32 %new, ptr %at monotonic, align 4
  store atomic i32 %new, ptr %left monotonic, align 4
  br label %return
return:
  ret void
}

; Whether it is not tried this time.
define hidden i1 @nrc.skip(ptr %at) #0 {
  %left.at = getelementptr i32, ptr %at, i32 1
  %left = load atomic i32, ptr %left.at monotonic, align 4
  %some = icmp ne i32 %left, 0
  br i1 %some, label %count, label %return
count:
  %fewer = sub i32 %left, 1
  store atomic i32 %fewer, ptr %left.at monotonic, align 4
  br label %return
return:
  ret i1 %some
}

; Has a worker run on any processor of the pool but this one, where there is another.
define hidden void @nrc.move(ptr %pool, ptr %worker, i64 %cpu) #0 {
  %mask = alloca [16 x i64]
  %all = getelementptr %nrc.pool, ptr %pool, i32 0, i32 12
  call void @llvm.memcpy.p0.p0.i64(ptr %mask, ptr %all, i64 128, i1 false)
  %thread.at = getelementptr %nrc.worker, ptr %worker, i32 0, i32 5
  %thread = load atomic i32, ptr %thread.at monotonic, align 4
  %begun = icmp ne i32 %thread, 0
  %counted = icmp ult i64 %cpu, 1024
  %known = and i1 %begun, %counted
  br i1 %known, label %leave, label %return
leave:
  %index = lshr i64 %cpu, 6
  %bit = and i64 %cpu, 63
  %one = shl i64 1, %bit
  %others = xor i64 %one, -1
  %word.at = getelementptr i64, ptr %mask, i64 %index
  %word = load i64, ptr %word.at
  %fewer = and i64 %word, %others
  store i64 %fewer, ptr %word.at
  call i32 @sched_setaffinity(i32 %thread, i64 128, ptr %mask) ; fails, with no effect, where none is left
  br label %return
return:
  ret void
}

; The processor that this thread is on.
define hidden i64 @nrc.processor() #0 {
  %number = call i32 @sched_getcpu()
  %wide = zext i32 %number to i64
  ret i64 %wide
}

; Returns when all threads of the run are at its end.
define hidden void @nrc.join(ptr %pool, ptr %run, i64 %work) #0 {
  %threads.at = getelementptr %nrc.run, ptr %run, i32 0, i32 8
  %busy = getelementptr %nrc.pool, ptr %pool, i32 0, i32 0
  %threads = load i64, ptr %threads.at
  %several = icmp ugt i64 %threads, 1
  br i1 %several, label %meet, label %leave
meet:
  call void @nrc.barrier(ptr %run)
  %woken.at = getelementptr %nrc.run, ptr %run, i32 0, i32 12
  %woken = load i64, ptr %woken.at
  %fair = icmp eq i64 %woken, 0
  br i1 %fair, label %balance, label %leave
balance:
  %lost.at = getelementptr %nrc.run, ptr %run, i32 0, i32 11
  %lost = load atomic i64, ptr %lost.at monotonic, align 8
  %four.times = mul i64 %lost, 4
  %three.times = mul i64 %work, 3 ; without waiting, half of the work is gained by two threads
  %gained = icmp ult i64 %four.times, %three.times
  %alone.at = getelementptr %nrc.pool, ptr %pool, i32 0, i32 8
  call void @nrc.judge(ptr %alone.at, i64 %work, i1 %gained)
  br label %leave
leave:
  %little = icmp ult i64 %work, 3000 ; as nrc.fork says, which has not counted it
  br i1 %little, label %return, label %subtract
subtract:
  atomicrmw sub ptr %busy, i64 %threads acq_rel
  br label %return
return:
  ret void
}

; Sleeps until the word is woken, or at once no longer, where its lower half is not %value.
define hidden void @nrc.sleep(ptr %word, i32 %value) #0 {
  %number = call i64 @nrc.futex()
  call i64 (i64, ...) @syscall(i64 %number, ptr %word, i32 128, i32 %value, ptr null) ; FUTEX_WAIT_PRIVATE
  ret void
}

; Wakes all that sleep at a word.
define hidden void @nrc.wake(ptr %word) #0 {
  %number = call i64 @nrc.futex()
  call i64 (i64, ...) @syscall(i64 %number, ptr %word, i32 129, i32 2147483647) ; FUTEX_WAKE_PRIVATE
  ret void
}

; Nanoseconds of CLOCK_MONOTONIC.
define hidden i64 @nrc.now() #0 {
  %time = alloca [2 x i64]
  call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr i64, ptr %time, i32 1
  %rest = load i64, ptr %rest.at
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %rest
  ret i64 %sum
}

; The life of a worker.
define hidden ptr @nrc.worker(ptr %self) #0 {
entry:
  %index.at = getelementptr %nrc.worker, ptr %self, i32 0, i32 1
  %cpu.at = getelementptr %nrc.worker, ptr %self, i32 0, i32 4
  %thread.at = getelementptr %nrc.worker, ptr %self, i32 0, i32 5
  %thread = call i32 @gettid()
  store atomic i32 %thread, ptr %thread.at monotonic, align 4
  br label %idle
idle:
  %here = call i64 @nrc.processor()
  store atomic i64 %here, ptr %cpu.at monotonic, align 8
  %start = call i64 @nrc.now()
  %deadline = add i64 %start, 200000 ; SPIN, the time that neuralc.h tells
  br label %look
look:
  %looks = phi i32 [ 0, %idle ], [ 0, %clock ], [ %more, %pause ]
  %state = load atomic i64, ptr %self acquire, align 8
  %work = icmp ne i64 %state, 0
  br i1 %work, label %go, label %again
again:
  %more = add i32 %looks, 1
  %many = icmp ugt i32 %more, 64
  br i1 %many, label %clock, label %pause
pause:
  call void @nrc.pause()
  br label %look
clock:
  %cpu = call i64 @nrc.processor()
  store atomic i64 %cpu, ptr %cpu.at monotonic, align 8
  %time = call i64 @nrc.now()
  %late = icmp ugt i64 %time, %deadline
  br i1 %late, label %tired, label %look
tired:
  %try = cmpxchg ptr %self, i64 0, i64 1 acq_rel acquire
  %slept = extractvalue { i64, i1 } %try, 1
  br i1 %slept, label %sleep, label %idle
sleep:
  call void @nrc.sleep(ptr %self, i32 1)
  %word = load atomic i64, ptr %self acquire, align 8
  %still = icmp eq i64 %word, 1
  br i1 %still, label %sleep, label %idle
go:
  %end = icmp eq i64 %state, 2
  br i1 %end, label %return, label %join
join:
  %run = inttoptr i64 %state to ptr
  %threads.at = getelementptr %nrc.run, ptr %run, i32 0, i32 8
  %threads = load atomic i64, ptr %threads.at acquire, align 8
  %known = icmp ne i64 %threads, 0
  br i1 %known, label %share, label %unknown
unknown:
  call void @nrc.pause()
  br label %join
share:
  %program.at = getelementptr %nrc.run, ptr %run, i32 0, i32 7
  %program = load ptr, ptr %program.at
  %index = load i64, ptr %index.at
  call void %program(ptr %run, i64 %index)
  ; It may have new work before it has left the run, which is over for the caller with the next instruction.
  store atomic i64 0, ptr %self release, align 8
  call i64 @nrc.arrive(ptr %run, i64 %threads)
  br label %idle
return:
  ret ptr null
}
