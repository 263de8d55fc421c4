"""How long the command line takes, and how much memory a compilation: each figure from new processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.suite import ROOT


@dataclass(frozen=True)
class Startup:
    """Median seconds of new processes, and the largest memory of one in MB."""

    name: str
    seconds: float
    megabytes: float
    bar: str


COMMANDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("neuralc --help", ("--help",), "< 0.3 s"),
    ("mnist -O2 to an object", ("examples/mnist.nr", "-O2", "--emit=obj", "-o", "-"), "< 2.5 s, < 300 MB"),
    ("mnist -O0 to an object", ("examples/mnist.nr", "-O0", "--emit=obj", "-o", "-"), "< 1.2 s, < 300 MB"),
)

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measure(times: int = 7) -> list[Startup]:
    """Each command `times` times."""
    results = []
    for name, arguments, bar in COMMANDS:
        command = [sys.executable, "-m", "neuralc", *arguments]
        seconds, memory = [], 0.0
        for _ in range(times):
            start = time.perf_counter()
            subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - start)
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *command], cwd=ROOT, capture_output=True, text=True, check=True
        )
        memory = float(done.stdout) / 1024
        results.append(Startup(name, statistics.median(seconds), memory, bar))
    return results
