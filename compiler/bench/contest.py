"""A model in rounds beside its peers: every engine gets ready in its process, is checked against ours, and is timed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuralc.bench.limits import Request
from neuralc.bench.peers import Peer, request_for
from neuralc.bench.rounds import PATIENCE, Times, Worker, alternate
from neuralc.grammar.diagnostics import NeuralcError, error

if TYPE_CHECKING:
    from neuralc.driver import Compilation

TOLERANCE = 1e-3
"""Largest difference of a peer's outputs from ours, times max(1, max|y|), for its time to count."""
OURS = "neuralc"
LIMIT = "the machine's limits"
ELSEWHERE = """
import sys, types
from pathlib import Path
package = types.ModuleType("neuralc")
package.__path__ = sys.argv[1:2]
sys.modules["neuralc"] = package
from neuralc.bench.worker import main
main(Path(sys.argv[2]))
"""
"""Runs a worker by its files alone: another environment has an engine and numpy, in versions of its own."""

Array = NDArray[Any]
Progress = Callable[[str], None]
"""Is told what comes next."""
Refused = Callable[[str, NeuralcError], None]
"""Is told of a peer that cannot run the model, and why; may raise."""


@dataclass(frozen=True)
class Engine:
    """An engine's figures: seconds of single calls, and to get ready."""

    name: str
    times: Times
    ready: float
    written: bool
    """Whether it ran what neuralc writes of a program, since it reads no `.nr` files."""


@dataclass(frozen=True)
class Subject:
    """The model that all run: its file, the same model in files of other kinds, and what neuralc reads of it."""

    path: Path
    others: Sequence[Path]
    options: Mapping[str, Any]
    """Of `neuralc.compile`, as JSON."""
    compilation: Compilation
    arrays: Mapping[str, Array]


@dataclass(frozen=True)
class Effort:
    """How long each engine is measured, and waited for."""

    rounds: int = 15
    seconds: float = 0.1
    patience: float = PATIENCE


def measure_rounds(
    subject: Subject,
    peers: Sequence[Peer],
    limits: Request,
    effort: Effort,
    progress: Progress,
    refused: Refused,
) -> tuple[list[Engine], Times]:
    """Ours first, then the peers that compute the same; and the least time that the machine allows in each round.

    Raises NeuralcError E0920 where ours cannot run the model.
    """
    with TemporaryDirectory(prefix="neuralc-bench-") as name:
        running = _Running(Path(name), limits.threads, effort.patience)
        written = {OURS: False}
        try:
            progress(f"{OURS} gets ready")
            running.begin(subject)
            for peer in peers:
                progress(f"{peer.name} gets ready")
                try:
                    written[peer.name] = running.join(peer, subject)
                except NeuralcError as problem:
                    refused(peer.name, problem)
            running.measure(limits)
            times = alternate(running.workers, effort.rounds, effort.seconds, progress)
        finally:
            running.stop()
        engines = [
            Engine(each.engine, times[each.engine], each.first["seconds"], written[each.engine])
            for each in running.workers
            if each.engine != LIMIT
        ]
        return engines, times[LIMIT]


@dataclass
class _Running:
    """The processes of one measurement, ours first."""

    folder: Path
    threads: int
    patience: float
    workers: list[Worker] = field(default_factory=list)

    def begin(self, subject: Subject) -> None:
        request = {"engine": OURS, "model": str(subject.path.resolve()), "options": dict(subject.options)}
        self.workers.append(self._start(request, list(subject.arrays.values())))

    def join(self, peer: Peer, subject: Subject) -> bool:
        """Take in a peer that computes the same; tells whether it runs what neuralc writes. Raises NeuralcError."""
        files = (subject.path, *subject.others)
        request, arrays = request_for(peer, files, subject.compilation, subject.arrays, self.folder)
        worker = self._start(request, arrays, peer.python)
        try:
            _check(worker, self.workers[0])
        except NeuralcError:
            worker.stop()
            raise
        self.workers.append(worker)
        return bool(request["written"])

    def measure(self, limits: Request) -> None:
        """Take in the limits of the machine."""
        self.workers.append(Worker(LIMIT, limits.command, self.threads, patience=self.patience))

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()

    def _start(self, request: Mapping[str, Any], arrays: Sequence[Array], python: str = "") -> Worker:
        place = self.folder / f"run-{request['engine']}"
        place.mkdir()
        (place / "request.json").write_text(json.dumps({**request, "threads": self.threads}), encoding="utf-8")
        np.savez(place / "inputs.npz", *arrays)
        return Worker(request["engine"], _command(python, place), self.threads, patience=self.patience)


def _command(python: str, place: Path) -> list[str]:
    """A process of this Python, or of another one, where neuralc is not installed."""
    if not python:
        return [sys.executable, "-P", "-m", "neuralc.bench.worker", str(place)]
    return [python, "-I", "-c", ELSEWHERE, str(Path(__file__).parent.parent), str(place)]


def _check(worker: Worker, ours: Worker) -> None:
    theirs, mine = (_outputs(each.first["outputs"]) for each in (worker, ours))
    if len(theirs) != len(mine):
        raise error("E0920", f"{worker.engine} gives {len(theirs)} outputs, neuralc {len(mine)}")
    for index, (a, b) in enumerate(zip(theirs, mine, strict=True)):
        scale = max(1.0, float(np.abs(b.astype(np.float64)).max(initial=0.0)))
        far = float(np.abs(a.astype(np.float64) - b).max(initial=0.0)) / scale if a.shape == b.shape else np.inf
        if not far <= TOLERANCE:
            raise error(
                "E0920",
                f"{worker.engine} computes something else than neuralc: output {index} is off by {far:.1e}",
                help="`neuralc verify --against` tells where they part",
            )


def _outputs(path: str) -> list[Array]:
    with np.load(path) as stored:
        return [stored[f"arr_{index}"] for index in range(len(stored.files))]
