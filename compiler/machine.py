"""This machine's limits, measured: multiply-adds in registers, bandwidths of its memory, fork and join.

    machine = measure(seconds=0.4)
    machine.limit_seconds(flops=8.2e9, bytes_=1.0e8)     # the least time that work can take on one core

Best samples on one thread: what nothing else disturbs. Code that comes near them has nothing left to gain.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

LEVELS = ("l1", "l2", "l3", "memory")


@dataclass(frozen=True)
class Machine:
    """Of one core: GFLOP/s of fp32, GB/s of reading from each level, and the sizes of the caches in bytes."""

    name: str
    peak_gflops: float
    bandwidth: dict[str, float]
    caches: dict[str, int]
    fork_join: float = 0.0
    """Seconds of a fork and join of two threads."""

    def level_of(self, bytes_: float) -> str:
        """The nearest level of memory that so many bytes fit, with as many of something else beside them."""
        return next((name for name in LEVELS[:-1] if bytes_ <= self.caches[name] / 2), LEVELS[-1])

    def limit_seconds(self, flops: float, bytes_: float) -> float:
        """The least time on one core at its best: max(flops / peak, bytes / bandwidth of the level they fit)."""
        return max(flops / self.peak_gflops, bytes_ / self.bandwidth[self.level_of(bytes_)]) / 1e9


def span(level: str, caches: Mapping[str, int]) -> int:
    """Bytes that lie in a level of memory and in none nearer, with room for others."""
    return caches[level] // 2 if level in caches else 4 * caches[LEVELS[-2]]


def measure(seconds: float = 0.4, progress: Callable[[str], None] = lambda what: None) -> Machine:
    """This machine; `seconds` for each of the six figures. `progress` is told what is measured next."""
    from neuralc.emit.llvm.fork import fork_join_seconds
    from neuralc.emit.llvm.peak import fma_peak_gflops, stream_bandwidth
    from neuralc.passes.target import Target

    target = Target.host()
    caches = {"l1": target.caches.l1, "l2": target.caches.l2, "l3": target.caches.l3}
    progress("multiply-adds in registers")
    peak = fma_peak_gflops(target, seconds)
    bandwidth: dict[str, float] = {}
    for name in LEVELS:
        progress(f"bandwidth of {name.upper() if name in caches else name}")
        bandwidth[name] = stream_bandwidth(target, span(name, caches), seconds).read
    progress("fork and join of threads")
    return Machine(processor_name(), peak, bandwidth, caches, fork_join_seconds(target, seconds))


def processor_name() -> str:
    """What the processor is sold as, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
