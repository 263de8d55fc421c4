"""What `neuralc bench` measures: a model in rounds beside its peers, its limit, and its launches one by one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuralc.bench.peers import Peer, request_for
from neuralc.bench.profile import Launch, profile
from neuralc.bench.rounds import Times, Worker, alternate, bootstrap
from neuralc.bench.work import Work
from neuralc.grammar.diagnostics import error

if TYPE_CHECKING:
    from neuralc.driver import Compilation
    from neuralc.machine import Machine

TOLERANCE = 1e-3
"""Largest difference of a peer's outputs from ours, times max(1, max|y|), for its time to count."""
OURS = "neuralc"

Array = NDArray[Any]
Progress = Callable[[str], None]
"""Is told what comes next."""


@dataclass(frozen=True)
class Engine:
    """An engine's figures: seconds of single calls, and to get ready."""

    name: str
    times: Times
    ready: float
    written: bool
    """Whether it ran what neuralc writes of a program, since it reads no `.nr` files."""


@dataclass(frozen=True)
class Outcome:
    """One model at some sizes with some threads. `work` is that of its products and of the bytes a call must move."""

    model: str
    threads: int
    sizes: Mapping[str, int]
    work: Work
    limit: float
    engines: Sequence[Engine]
    launches: Sequence[Launch]

    def as_dict(self, machine: Machine) -> dict[str, Any]:
        """Plain data; times in seconds, ratios above 1 where neuralc is faster."""
        ours = self.engines[0]
        return {
            "model": self.model,
            "threads": self.threads,
            "sizes": dict(self.sizes),
            "flops": self.work.flops,
            "bytes": self.work.bytes,
            "limit": self.limit,
            "engines": {
                each.name: {
                    "min": min(each.times.calls),
                    "median": asdict(bootstrap(each.times.medians)),
                    "p99": float(np.percentile(each.times.calls, 99)),
                    "calls": len(each.times.calls),
                    "rounds": len(each.times.rounds),
                    "ready": each.ready,
                    "ratio": None if each is ours else asdict(each.times.ratio_to(ours.times)),
                    "runs_written_code": each.written,
                }
                for each in self.engines
            },
            "launches": [{**asdict(each), "share_of_limit": each.share(machine)} for each in self.launches],
        }


def measure_rounds(
    model: Path,
    options: Mapping[str, Any],
    compilation: Compilation,
    arrays: Mapping[str, Array],
    peers: Sequence[Peer],
    *,
    threads: int,
    rounds: int,
    seconds: float,
    progress: Progress,
) -> list[Engine]:
    """Ours first, then the peers. Raises NeuralcError E0920 where one cannot run the model or computes another."""
    with TemporaryDirectory(prefix="neuralc-bench-") as name:
        folder = Path(name)
        ours = {"engine": OURS, "model": str(model.resolve()), "options": dict(options)}
        requests = [(ours, list(arrays.values()))]
        requests += [request_for(peer, model, compilation, arrays, folder) for peer in peers]
        workers: list[Worker] = []
        try:
            for request, given in requests:
                progress(f"{request['engine']} gets ready")
                workers.append(_worker({**request, "threads": threads}, given, folder))
            for worker in workers[1:]:
                _check(worker, workers[0])
            times = alternate(workers, rounds, seconds, progress)
        finally:
            for worker in workers:
                worker.stop()
        return [
            Engine(each.engine, times[each.engine], each.first["seconds"], str(folder) in str(request["model"]))
            for each, (request, _) in zip(workers, requests, strict=True)
        ]


def _worker(request: Mapping[str, Any], arrays: Sequence[Array], folder: Path) -> Worker:
    place = folder / f"run-{request['engine']}"
    place.mkdir()
    (place / "request.json").write_text(json.dumps(request), encoding="utf-8")
    np.savez(place / "inputs.npz", *arrays)
    command = [sys.executable, "-P", "-m", "neuralc.bench.worker", str(place)]
    return Worker(str(request["engine"]), command, int(request["threads"]))


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


def work_of_model(compilation: Compilation, sizes: Mapping[str, int]) -> Work:
    """Operations of products and convolutions, bytes of inputs, outputs and weights: what no engine can avoid."""
    from neuralc.inspection.graph_level import summarize
    from neuralc.passes.graph.bound_dims import BoundDimsPass
    from neuralc.passes.graph.inline import InlinePass

    module = compilation.module.clone()
    for each in (InlinePass(), BoundDimsPass()):
        each.run(module, compilation.context)
    found = summarize(compilation.name, module, sizes)
    products = sum(layer.flops or 0 for layer in found.layers if layer.kind == "product")
    ports = sum(found.values[port.value].bytes or 0 for port in (*found.inputs, *found.outputs))
    return Work(float(products), float(ports + found.weight_bytes))


def measure_launches(compilation: Compilation, sizes: Mapping[str, int], progress: Progress) -> list[Launch]:
    """The launches of a run with these sizes. `compilation` is lowered for it."""
    from neuralc import driver

    driver.compile_to(compilation, "kernel")
    return profile(compilation.module, compilation.target, sizes, progress)
