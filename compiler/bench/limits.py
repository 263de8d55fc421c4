"""The machine's limits as an engine of the rounds: `python -m neuralc.bench.limits REQUEST`, which is JSON.

A shared or throttled machine does less at one time than at another. So the limit of a model is measured as the engines
are, in rounds between theirs: the answer to `{"seconds": 0.05}` is how long the model's multiply-adds take in registers
alone, or the reading of as many bytes again and again, from wherever they fit, whichever is longer, on all threads at
once; and what it takes several threads to begin and to end together.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from neuralc.bench.worker import answer

SMALLEST = 4096
"""Bytes of which one pass is more than a loop that has hardly begun."""

Loop = tuple[Callable[[], None], float]
"""A call that loads one core for about a millisecond, and how much it does: operations, or bytes."""


@dataclass(frozen=True)
class Request:
    """Work that is given to so many threads in equal parts."""

    flops: float
    bytes: float
    threads: int = 1

    @property
    def command(self) -> list[str]:
        """What measures it in a process of its own."""
        return [sys.executable, "-P", "-m", "neuralc.bench.limits", json.dumps(asdict(self))]


class Limits:
    """Threads that do nothing but what limits the work."""

    def __init__(self, request: Request) -> None:
        from neuralc.emit.llvm.fork import ForkJoin
        from neuralc.emit.llvm.peak import fma_loop, read_loop
        from neuralc.passes.target import Target

        target, threads = Target.host(), range(request.threads)
        self.request = request
        self.pool = ThreadPoolExecutor(request.threads)
        self.arithmetic = [fma_loop(target) for _ in threads]
        size = max(SMALLEST, int(request.bytes) // request.threads)
        self.reading = [read_loop(target, size) for _ in threads]
        self.fork = ForkJoin(target, request.threads) if request.threads > 1 else None

    def seconds_in(self, seconds: float) -> float:
        """The least time that the work takes, by what the threads do in about `seconds`."""
        part = seconds / (2 if self.fork is None else 3)
        flops = self._rate(self.arithmetic, part)
        bytes_ = self._rate(self.reading, part)
        fork_join = 0.0 if self.fork is None else self.fork.seconds_in(part)
        return max(self.request.flops / flops, self.request.bytes / bytes_) + fork_join

    def _rate(self, loops: Sequence[Loop], seconds: float) -> float:
        """What all threads do in a second: of each the median of its calls."""
        end = time.perf_counter() + seconds
        return sum(self.pool.map(lambda loop: _rate_until(end, loop), loops))


def _rate_until(end: float, loop: Loop) -> float:
    run, amount = loop
    run()
    times: list[float] = []
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return amount / statistics.median(times)


def main(text: str) -> None:
    replies, sys.stdout = sys.stdout, sys.stderr
    limits = Limits(Request(**json.loads(text)))
    answer(lambda seconds: [limits.seconds_in(seconds)], {}, replies)


if __name__ == "__main__":
    main(sys.argv[1])
