"""Rounds: every engine in its own process, one after the other, again and again: what disturbs one disturbs all.

A spinning thread of one engine would spoil the next one's time in one process; here each waits, blocked on its pipe,
while another runs. The figure of a round is the median of its calls; the figure of an engine is the median of its
rounds with a bootstrap interval; a ratio is taken round by round, against the neighbour in time, before its median.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.grammar.diagnostics import error


@dataclass(frozen=True)
class Figure:
    """A median with its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def bootstrap(values: Sequence[float], samples: int = 2000) -> Figure:
    """The median and the interval in which 95 % of resampled medians lie."""
    array = np.asarray(values)
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(array, (samples, len(array))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return Figure(float(np.median(array)), float(low), float(high))


@dataclass(frozen=True)
class Times:
    """Seconds of single calls of an engine, by round."""

    rounds: Sequence[Sequence[float]] = field(default_factory=list)

    @property
    def calls(self) -> list[float]:
        return [each for times in self.rounds for each in times]

    @property
    def medians(self) -> list[float]:
        return [float(np.median(times)) for times in self.rounds]

    def ratio_to(self, ours: Times) -> Figure:
        """How many times as long as ours it takes, round by round."""
        return bootstrap([theirs / mine for theirs, mine in zip(self.medians, ours.medians, strict=True)])


PATIENCE = 600.0
"""Seconds without an answer after which an engine has failed."""


class Worker:
    """An engine's process. Raises NeuralcError E0920 where it cannot run the model, or says nothing for too long."""

    def __init__(
        self, engine: str, command: Sequence[str], threads: int, folder: Path | None = None, patience: float = PATIENCE
    ) -> None:
        self.engine = engine
        self.patience = patience
        self.messages = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 (as long as self)
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            encoding="utf-8",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.messages,  # a pipe that nobody reads would stop it when full
        )
        self.first = self._reply()

    def round(self, seconds: float) -> list[float]:
        """The times of the calls of one round, in seconds."""
        if self.process.stdin is None:
            raise RuntimeError("the worker has no input")
        self.process.stdin.write(json.dumps({"seconds": seconds}) + "\n")
        self.process.stdin.flush()
        return [float(each) for each in self._reply()["times"]]

    def stop(self) -> None:
        self.process.communicate()
        self.messages.close()

    def _reply(self) -> dict[str, Any]:
        if self.process.stdout is None:
            raise RuntimeError("the worker has no output")
        silent = not select.select([self.process.stdout], [], [], self.patience)[0]
        if silent:
            self.process.kill()
            self.process.communicate()
        line = "" if silent else self.process.stdout.readline()
        if not line:
            raise error(
                "E0920",
                f"{self.engine} could not run the model",
                note=f"no answer for {self.patience:.0f} s" if silent else self._last_words(),
            )
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _last_words(self) -> str:
        """What it said at the end. Notes of an error of ours stand indented below it."""
        self.process.communicate()
        self.messages.seek(0)
        said = [line for line in self.messages.read().splitlines() if line.strip() and not line.startswith(" ")]
        self.messages.close()
        return said[-1] if said else f"its process ended with {self.process.returncode}"


def alternate(
    workers: Sequence[Worker], rounds: int, seconds: float, progress: Callable[[str], None]
) -> Mapping[str, Times]:
    """So many rounds of each engine; every other one runs backwards: nobody always follows the same neighbour."""
    times: dict[str, list[list[float]]] = {worker.engine: [] for worker in workers}
    for number in range(rounds):
        for worker in workers if number % 2 == 0 else workers[::-1]:
            progress(f"round {number + 1} of {rounds}, {worker.engine}")
            times[worker.engine].append(worker.round(seconds))
    return {name: Times(found) for name, found in times.items()}
