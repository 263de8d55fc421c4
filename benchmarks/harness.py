"""Rounds: every engine in its own process, one after the other, again and again: what disturbs one disturbs all.

A spinning thread of one engine would spoil the next one's time in one process; here each waits, blocked on its pipe,
while another runs. The figure of a round is the median of its calls; the figure of an engine is the median of its
rounds with a bootstrap interval; a ratio is taken round by round, against the neighbour in time, before its median.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.cases import ROOT, Case

TOLERANCE = 1e-4
"""Largest difference of an engine's output from neuralc's, times max(1, max|y|), for its time to count."""


@dataclass(frozen=True)
class Figure:
    """A median with its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


@dataclass
class Result:
    """One case: seconds of a call by engine, and ratios neuralc / engine."""

    case: str
    bar: str
    seconds: dict[str, Figure]
    ratios: dict[str, Figure]
    rounds: int

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def bootstrap(values: Sequence[float], samples: int = 2000) -> Figure:
    """The median and the interval in which 95 % of resampled medians lie."""
    array = np.asarray(values)
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(array, (samples, len(array))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return Figure(float(np.median(array)), float(low), float(high))


class Worker:
    """An engine's process."""

    def __init__(self, suite: str, case: Case, engine: str, folder: Path) -> None:
        self.engine = engine
        environment = dict(os.environ, OMP_NUM_THREADS=str(case.threads), MKL_NUM_THREADS=str(case.threads))
        command = [sys.executable, "-m", "benchmarks.worker", suite, case.name, engine, str(folder)]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        path = self._reply()["output"]
        self.output = None if path is None else np.load(str(path))

    def round(self, seconds: float) -> float:
        """The median time of a call in one round."""
        self._write({"do": "run", "seconds": seconds})
        times = self._reply()["seconds"]
        return float(np.median(np.asarray(times, dtype=np.float64)))

    def stop(self) -> None:
        if self.process.poll() is None:
            self._write({"do": "stop"})
        self.process.communicate()

    def _write(self, command: dict[str, object]) -> None:
        if self.process.stdin is None:
            raise RuntimeError("the worker has no input")
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def _reply(self) -> dict[str, object]:
        if self.process.stdout is None:
            raise RuntimeError("the worker has no output")
        line = self.process.stdout.readline()
        if not line:
            message = self.process.stderr.read() if self.process.stderr else ""
            raise RuntimeError(f"{self.engine} stopped:\n{message[-2000:]}")
        reply: dict[str, object] = json.loads(line)
        return reply


def run_case(suite: str, case: Case, folder: Path, rounds: int, seconds: float, progress: Callable[[], None]) -> Result:
    """Measure one case. Raises RuntimeError where an engine computes something else than neuralc."""
    workers = [Worker(suite, case, engine, folder) for engine in case.engines]
    try:
        reference = workers[0].output
        for worker in workers[1:]:
            if worker.output is None or reference is None:
                continue  # the limit of the machine computes nothing
            difference = float(np.abs(worker.output - reference).max()) / max(1.0, float(np.abs(reference).max()))
            if not difference <= TOLERANCE:
                raise RuntimeError(f"{case.name}: {worker.engine} differs from neuralc by {difference:.1e}")
        times: dict[str, list[float]] = {worker.engine: [] for worker in workers}
        for number in range(rounds):
            # Every other round runs backwards: nobody always follows the same neighbour.
            for worker in workers if number % 2 == 0 else workers[::-1]:
                times[worker.engine].append(worker.round(seconds))
                progress()
    finally:
        for worker in workers:
            worker.stop()
    ours = np.asarray(times["neuralc"])
    ratios = {name: bootstrap(list(ours / np.asarray(peer))) for name, peer in times.items() if name != "neuralc"}
    return Result(case.name, case.bar, {name: bootstrap(each) for name, each in times.items()}, ratios, rounds)
