"""The machine's limits, measured in the same run: multiply-adds in registers, bandwidth of every level of memory.

Run as a process (`python -m benchmarks.machine`) it prints them as JSON, so that no engine's threads are around.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.cases import ROOT


@dataclass(frozen=True)
class Machine:
    """Of one core: GFLOP/s of fp32, GB/s of reading from each level, and the sizes of the caches in bytes."""

    name: str
    peak_gflops: float
    bandwidth: dict[str, float]
    caches: dict[str, int]

    def limit_seconds(self, flops: float, bytes_: float, threads: int = 1) -> float:
        """max(flops / peak, bytes / bandwidth of the level they fit), on so many cores."""
        level = next((name for name in ("l1", "l2", "l3") if bytes_ <= self.caches[name] / 2), "memory")
        shared = threads if level in ("l1", "l2") else 1
        return max(flops / (self.peak_gflops * threads), bytes_ / (self.bandwidth[level] * shared)) / 1e9


def measure(seconds: float = 0.4) -> Machine:
    from neuralc.emit.llvm.peak import fma_peak_gflops, stream_bandwidth
    from neuralc.passes.target import Target

    target = Target.host()
    caches = {"l1": target.caches.l1, "l2": target.caches.l2, "l3": target.caches.l3}
    sizes = {name: size // 2 for name, size in caches.items()} | {"memory": 4 * caches["l3"]}
    bandwidth = {name: stream_bandwidth(target, size, seconds).read for name, size in sizes.items()}
    return Machine(_processor(), fma_peak_gflops(target, seconds), bandwidth, caches)


def in_process_of_its_own() -> Machine:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.machine"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return Machine(**json.loads(done.stdout))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    print(json.dumps(asdict(measure())))
