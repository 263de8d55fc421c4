"""Bounds on the time and memory of a piece of a test, which is stopped where it goes beyond them."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import NoReturn

MEGABYTE = 1 << 20


class TookTooLong(Exception):
    """The piece used more seconds of the processor than it may."""


@contextmanager
def bounded(seconds: float = 2.0, megabytes: int = 500) -> Iterator[None]:
    """Raises TookTooLong after so many seconds of this process on a processor, MemoryError beyond so much new memory.

    Seconds are those of the process alone, so that a busy machine does not matter, and of a fast machine: `slowness`
    says how many a slower one takes. For the main thread.
    """
    before = signal.signal(signal.SIGVTALRM, _stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + megabytes * MEGABYTE, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds * slowness())
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGVTALRM, before)


REFERENCE = 0.025
"""Seconds in which a fast machine, with nobody beside it, does the work that `slowness` measures."""


@cache
def slowness() -> float:
    """How many times as long as on a fast machine a piece of Python may take here, with neighbours that come and go."""
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        counts: dict[int, int] = {}
        for number in range(300_000):
            counts[number & 1023] = counts.get(number & 511, 0) + len(str(number))
        seconds.append(time.process_time() - begin)
    return max(1.0, max(seconds) / REFERENCE)


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    raise TookTooLong
