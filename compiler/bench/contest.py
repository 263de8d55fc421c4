"""A model in rounds beside its peers: every engine gets ready in its process, is checked against ours, and is timed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuralc.bench.peers import Peer, request_for
from neuralc.bench.rounds import Times, Worker, alternate
from neuralc.grammar.diagnostics import NeuralcError, error

if TYPE_CHECKING:
    from neuralc.driver import Compilation

TOLERANCE = 1e-3
"""Largest difference of a peer's outputs from ours, times max(1, max|y|), for its time to count."""
OURS = "neuralc"
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
    """How long each engine is measured."""

    rounds: int = 15
    seconds: float = 0.1


def measure_rounds(
    subject: Subject, peers: Sequence[Peer], threads: int, effort: Effort, progress: Progress, refused: Refused
) -> list[Engine]:
    """Ours first, then the peers that compute the same. Raises NeuralcError E0920 where ours cannot run the model."""
    with TemporaryDirectory(prefix="neuralc-bench-") as name:
        folder = Path(name)
        workers: list[Worker] = []
        written: dict[str, bool] = {}
        try:
            progress(f"{OURS} gets ready")
            ours = {"engine": OURS, "model": str(subject.path.resolve()), "options": dict(subject.options)}
            workers.append(_worker(ours, list(subject.arrays.values()), threads, folder))
            for peer in peers:
                progress(f"{peer.name} gets ready")
                try:
                    request, arrays = request_for(
                        peer, (subject.path, *subject.others), subject.compilation, subject.arrays, folder
                    )
                    written[peer.name] = request["written"]
                    workers.append(worker := _worker(request, arrays, threads, folder, peer.python))
                    _check(worker, workers[0])
                except NeuralcError as problem:
                    if workers[-1].engine == peer.name:
                        workers.pop().stop()
                    refused(peer.name, problem)
            times = alternate(workers, effort.rounds, effort.seconds, progress)
        finally:
            for worker in workers:
                worker.stop()
        return [
            Engine(each.engine, times[each.engine], each.first["seconds"], written.get(each.engine, False))
            for each in workers
        ]


def _worker(
    request: Mapping[str, Any], arrays: Sequence[Array], threads: int, folder: Path, python: str = ""
) -> Worker:
    place = folder / f"run-{request['engine']}"
    place.mkdir()
    (place / "request.json").write_text(json.dumps({**request, "threads": threads}), encoding="utf-8")
    np.savez(place / "inputs.npz", *arrays)
    return Worker(str(request["engine"]), _command(python, place), threads)


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
