"""The values that another framework, or the interpreter, computes for a model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuralc.grammar.diagnostics import NeuralcError, error, usage_error

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from neuralc.dialects.weights import WeightStore
    from neuralc.driver import Compilation

Array = NDArray[Any]

FRAMEWORKS = ("onnxruntime", "torch", "interp")

WORKER = ("-P", "-m", "neuralc.verify.worker")
"""How Python is told to run the other framework, whatever files stand around; the folder of the request follows."""


@dataclass(frozen=True)
class Reference:
    """What the other one says: values by name, and who it is."""

    values: Mapping[str, Array]
    who: str


@dataclass(frozen=True)
class Limits:
    """What the other framework may use."""

    threads: int = 1
    seconds: float = 600


def interpreted(module: ModuleOp, weights: WeightStore, inputs: Mapping[str, Array]) -> Reference:
    """The interpreter on the graph level, every float in float64 and never rounded."""
    from neuralc.dialects.graph import the_model
    from neuralc.dialects.interp.run import run_module

    names = the_model(module).outputs
    return Reference(dict(zip(names, run_module(module, inputs, weights), strict=True)), "the interpreter in float64")


def onnxruntime(model: Path, inputs: Mapping[str, Array], limits: Limits, *, layers: bool) -> Reference:
    """onnxruntime on the file, all optimizations off. Raises UsageError E0814 for other files, E0920, E0921."""
    if model.suffix != ".onnx":
        raise usage_error(
            "E0814", f"onnxruntime does not run {model.name}", help="`--against torch` or `--against interp`"
        )
    request = {"framework": "onnxruntime", "model": str(model.resolve()), "layers": layers, "names": list(inputs)}
    return _ask(request, list(inputs.values()), limits)


def torch(compilation: Compilation, inputs: Mapping[str, Array], limits: Limits) -> Reference:
    """The PyTorch code that neuralc writes for the model. Raises NeuralcError E0850, E0920, E0921."""
    from neuralc.dialects.graph import the_model

    model = the_model(compilation.module)
    with TemporaryDirectory(prefix="neuralc-verify-") as folder:
        request = {"framework": "torch", **_torch_files(compilation, Path(folder)), "outputs": list(model.outputs)}
        return _ask(request, [inputs[name] for name in model.inputs], limits)


def _torch_files(compilation: Compilation, folder: Path) -> dict[str, str]:
    from safetensors.numpy import save_file

    from neuralc.emit.torch import emit

    weights = {name: np.ascontiguousarray(array) for name, array in compilation.weights.items()}
    try:
        text = emit(compilation.module, weights_table=bool(weights))
    except NeuralcError as refused:
        if any(each.code != "E0850" for each in refused.diagnostics):
            raise
        first, *others = [each.message for each in refused.diagnostics]
        raise error(
            "E0850",
            f"torch cannot run {compilation.name}: neuralc has no PyTorch code for it",
            note=first + (f", and {len(others)} more" if others else ""),
            help="compare with `--against onnxruntime` or `--against interp`",
        ) from None
    code, stored = folder / "model.py", folder / "weights.safetensors"
    code.write_text(text, encoding="utf-8")
    save_file(weights, stored)
    return {"model": str(code), "weights": str(stored) if weights else ""}


def _ask(request: Mapping[str, Any], inputs: Sequence[Array], limits: Limits) -> Reference:
    """Run the framework in a process of its own: what it does to memory, threads and signals is its own affair."""
    framework = str(request["framework"])
    _check_installed(framework)
    with TemporaryDirectory(prefix="neuralc-verify-") as name:
        folder = Path(name)
        (folder / "request.json").write_text(json.dumps({**request, "threads": limits.threads}), encoding="utf-8")
        np.savez(folder / "inputs.npz", *inputs)
        try:
            done = subprocess.run(
                [sys.executable, *WORKER, name], capture_output=True, text=True, check=False, timeout=limits.seconds
            )
        except subprocess.TimeoutExpired:
            note = f"it did not end within {limits.seconds:g} seconds"
            raise _failed(framework, note, "`--timeout` gives it longer, smaller `--sizes` less to do") from None
        if done.returncode != 0 or not (folder / "answer.json").exists():
            raise _failed(framework, _last_words(done), "`--against interp` needs no other framework")
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
        with np.load(folder / "outputs.npz") as stored:
            arrays = [stored[f"arr_{i}"] for i in range(len(stored.files))]
    return Reference(dict(zip(answer["names"], arrays, strict=True)), answer["version"])


def _check_installed(framework: str) -> None:
    """Raises NeuralcError E0921 with the command that installs it."""
    needed = [framework, "onnx"] if framework == "onnxruntime" else [framework]
    absent = [name for name in needed if find_spec(name) is None]
    if absent:
        raise error(
            "E0921",
            f"comparing with {framework} needs the package{'s' if len(absent) > 1 else ''} {' and '.join(absent)}",
            help=f"pip install {' '.join(absent)}",
        )


def _failed(framework: str, note: str, help: str) -> NeuralcError:
    return error("E0920", f"{framework} could not run the model", note=note, help=help)


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        number = -done.returncode
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return f"its process was ended by {name}"
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return said[-1].strip()[:300] if said else f"its process ended with code {done.returncode}"
