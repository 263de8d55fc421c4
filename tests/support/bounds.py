"""Bounds on the time and memory of a piece of a test, which is stopped where it goes beyond them."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

MEGABYTE = 1 << 20


class TookTooLong(Exception):
    """The piece used more seconds of the processor than it may."""


@contextmanager
def bounded(seconds: float = 2.0, megabytes: int = 500) -> Iterator[None]:
    """Raises TookTooLong after so many seconds of this process on a processor, MemoryError beyond so much new memory.

    Seconds are those of the process alone, so that a busy machine does not matter. For the main thread.
    """
    before = signal.signal(signal.SIGVTALRM, _stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + megabytes * MEGABYTE, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGVTALRM, before)


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    raise TookTooLong
