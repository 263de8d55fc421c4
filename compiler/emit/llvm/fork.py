"""What a fork and join costs: a launch of a program for each of several threads against one of one program.

Both are models that go the road of all others, called through the Python interface, so that what a call costs is in
both. The least time of many calls: the other thread still spins, as it does from launch to launch within a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from neuralc.passes.target import Target

ROUNDS = 40_000
"""Multiply-adds of a program, each waiting for the last: some fifty microseconds, time enough for the other threads to
begin, and no memory that two cores would contend for."""

PROGRAMS = """builtin.module {{
  kernel.func @chain(%x: {memory}, %y: {memory}) dims [] grid ({programs}) {{
    %program = kernel.program_id
    %lanes = arith.constant {apart} : index
    %at = arith.muli %program, %lanes : index
    %factor = kernel.splat 0.5 -> {tile}
    %first = kernel.load %x[%at over 0] -> {tile}
    %last = kernel.loop %i = 0 to {rounds} step 1 iter(%value = %first) {{
      %next = kernel.map fma %value, %factor, %factor -> {tile}
      kernel.yield %next
    }}
    kernel.store %last, %y[%at over 0]
    kernel.return
  }}
  kernel.host @Fork(%x: {memory}, %y: {memory}) dims [] inputs ["x"] outputs ["y"] arena (0) {{
    kernel.launch @chain[](%x, %y) {mark}
    kernel.return
  }}
}}
"""


class ForkJoin:
    """Two calls that take equally long but for a fork and a join."""

    def __init__(self, target: Target, threads: int) -> None:
        with TemporaryDirectory() as folder:
            self._alone, self._forked = (_call(target, programs, Path(folder)) for programs in (1, threads))

    def seconds_in(self, seconds: float) -> float:
        """What one fork and join takes, by the best of calls in turns for about `seconds`."""
        alone = forked = float("inf")
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            alone, forked = min(alone, _time(self._alone)), min(forked, _time(self._forked))
        return max(0.0, forked - alone)


def fork_join_seconds(target: Target, seconds: float = 0.1) -> float:
    """Seconds of two threads, 0 where there is one processor."""
    return ForkJoin(target, 2).seconds_in(seconds) if target.threads > 1 else 0.0


def _call(target: Target, programs: int, folder: Path) -> Callable[[], object]:
    """A call of a model with so many programs, on as many threads."""
    from neuralc import api

    apart = 16 * target.lanes
    total = programs * apart
    text = PROGRAMS.format(
        memory=f"!kernel.ref<[{total}], f32, [1]>",
        tile=f"!kernel.tile<{target.lanes}xf32, v{target.lanes}>",
        programs=programs,
        apart=apart,
        rounds=ROUNDS,
        mark="{parallel}" if programs > 1 else "",
    )
    path = folder / f"fork_{programs}.mlir"
    path.write_text(text, encoding="utf-8")
    model = api.compile(path, threads=programs)
    x, y = np.zeros(total, np.float32), np.zeros(total, np.float32)
    return lambda: model(x, out=y)


def _time(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
