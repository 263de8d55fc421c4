"""How long threads take to share work: a fork and a join, a barrier, and how long they stay awake.

    python -m benchmarks.fork_join [--seconds 1]

A model of two programs that take equally long is run from Python as often as fits, with one thread and with two, and
the best calls are compared: what two threads need beyond half of the time of one is a fork and a join. A thousand
barriers between the two launches of a longer one tell what a barrier takes. Where other processes take the processors
so that all calls run alone, that shows as half of the work. Then the processor time that the process takes while nobody
calls it: what threads spin after a call.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from neuralc.dialects.weights import WeightStore
from neuralc.emit.llvm.in_process import load_native
from neuralc.emit.llvm.products import generate
from neuralc.passes.parsing import parse_module
from neuralc.passes.target import Target

SHARED = """
kernel.func @work(%x: !kernel.ref<[2], f32>, %y: !kernel.ref<[2], f32>) dims [] grid (2) {
  %p = kernel.program_id
  %start = kernel.load %x[%p] -> !kernel.tile<f32, v1>
  %sum = kernel.loop %k = 0 to STEPS step 1 iter(%a = %start) {
    %next = kernel.map fma %a, %start, %start -> !kernel.tile<f32, v1>
    kernel.yield %next
  }
  kernel.store %sum, %y[%p]
  kernel.return
}
kernel.host @shared(%x: !kernel.ref<[2], f32>, %y: !kernel.ref<[2], f32>) dims [] inputs ["x"] outputs ["y"] arena (0)
    shared (STEPS * 2) {
  kernel.launch @work[](%x, %y) {parallel}
  kernel.for @t from 0 to BARRIERS {
    kernel.barrier
  }
  kernel.return
}
"""

BARRIERS = 1000
SHORT, LONG = 10_000, 200_000
"""Steps of a program, of about a nanosecond each: one that is worth a fork, and one that is worth waking threads."""


def model(steps: int, barriers: int, threads: int) -> Callable[[], object]:
    """A call of the program above."""
    text = SHARED.replace("STEPS", str(steps)).replace("BARRIERS", str(barriers))
    made = load_native(generate(parse_module(text), WeightStore(), Target.host(), threads=threads))
    x, y = np.full(2, 0.5, np.float32), np.zeros(2, np.float32)
    return lambda: made(x, out=y)


def best(run: Callable[[], object], seconds: float, between: Callable[[], object] = lambda: None) -> float:
    """Seconds of the shortest of many calls."""
    found, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        between()
        start = time.perf_counter()
        run()
        found = min(found, time.perf_counter() - start)
    return found


def measure(seconds: float) -> dict[str, float]:
    """Seconds of each. The call from Python, which is not halved, is that of a program without steps."""
    call = best(model(0, 0, 1), seconds)
    halves = {steps: call + (best(model(steps, 0, 1), seconds) - call) / 2 for steps in (SHORT, LONG)}
    short, long_, many = model(SHORT, 0, 2), model(LONG, 0, 2), model(LONG, BARRIERS, 2)
    together = best(long_, seconds)
    return {
        "fork and join": best(short, seconds) - halves[SHORT],
        "barrier": (best(many, seconds) - together) / BARRIERS,
        "fork and join, threads asleep": best(long_, seconds, lambda: time.sleep(2e-3)) - halves[LONG],
        "spinning after a call": _spinning(short),
    }


def _spinning(run: Callable[[], object]) -> float:
    """Processor time of two calls and of the 50 ms behind them, in which the process does nothing.

    The first call wakes the worker for the second one. The system adds up the time of a thread when it stops running.
    """
    spent = []
    for _ in range(20):
        time.sleep(0.05)
        start = time.process_time()
        run()
        run()
        time.sleep(0.05)
        spent.append(time.process_time() - start)
    return sorted(spent)[len(spent) // 2]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement")
    for name, seconds in measure(parser.parse_args().seconds).items():
        print(f"{name:<30} {seconds * 1e6:8.2f} us")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
