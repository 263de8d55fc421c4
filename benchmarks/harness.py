"""One case: every engine's process, its output held against neuralc's, and the rounds of neuralc.bench.rounds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.cases import ROOT, Case
from neuralc.bench.rounds import Figure, Worker, alternate, bootstrap

TOLERANCE = 1e-4
"""Largest difference of an engine's output from neuralc's, times max(1, max|y|), for its time to count."""


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


def run_case(
    suite: str, case: Case, folder: Path, rounds: int, seconds: float, progress: Callable[[str], None]
) -> Result:
    """Measure one case. Raises RuntimeError where an engine computes something else than neuralc."""
    command = [sys.executable, "-m", "benchmarks.worker", suite, case.name]
    workers: list[Worker] = []
    try:
        for engine in case.engines:
            workers.append(Worker(engine, [*command, engine, str(folder)], case.threads, ROOT))
        _check(case, workers)
        times = alternate(workers, rounds, seconds, progress)
    finally:
        for worker in workers:
            worker.stop()
    ours = np.asarray(times["neuralc"].medians)
    ratios = {name: bootstrap(list(ours / each.medians)) for name, each in times.items() if name != "neuralc"}
    return Result(case.name, case.bar, {name: bootstrap(each.medians) for name, each in times.items()}, ratios, rounds)


def _check(case: Case, workers: list[Worker]) -> None:
    outputs = [None if (path := worker.first["output"]) is None else np.load(path) for worker in workers]
    reference = outputs[0]
    for worker, output in zip(workers[1:], outputs[1:], strict=True):
        if output is None or reference is None:
            continue  # the limit of the machine computes nothing
        difference = float(np.abs(output - reference).max()) / max(1.0, float(np.abs(reference).max()))
        if not difference <= TOLERANCE:
            raise RuntimeError(f"{case.name}: {worker.engine} differs from neuralc by {difference:.1e}")
