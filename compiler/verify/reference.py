"""The values that another framework, or the interpreter, computes for a model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuralc.grammar.diagnostics import NeuralcError, error

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from neuralc.dialects.weights import WeightStore
    from neuralc.driver import Compilation

Array = NDArray[Any]


@dataclass(frozen=True)
class Written:
    """A form that neuralc writes models in, and what runs it."""

    kind: str
    """Of `--emit`."""
    said: str
    """What is written, in a sentence."""
    needs: tuple[str, ...]
    """Packages."""
    takes_states: bool = False
    """Whether what a run finds and leaves are inputs and outputs of the model, behind the others."""


WRITTEN: Mapping[str, Written] = {
    "torch": Written("torch", "PyTorch code", ("torch",)),
    "keras": Written("keras", "Keras code", ("keras", "tensorflow")),
    "jax": Written("jax", "JAX code", ("jax",)),
    "onnxruntime": Written("onnx", "ONNX form", ("onnxruntime", "onnx"), takes_states=True),
}
"""What runs a model in another form. onnxruntime takes the file itself where that is an ONNX model."""

FRAMEWORKS = (*WRITTEN, "interp")

find_spec = PathFinder.find_spec
"""What another process finds, whatever this one has loaded or refuses to."""

WORKER = ("-P", "-m", "neuralc.verify.worker")
"""How Python is told to run the other framework, whatever files stand around; the folder of the request follows."""


REMARKS = ("For simplicity, JAX has removed", "----")
"""What JAX writes behind an error."""


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
    """onnxruntime on an ONNX file, all optimizations off. Raises NeuralcError E0920, E0921."""
    request = {"framework": "onnxruntime", "model": str(model.resolve()), "layers": layers, "names": list(inputs)}
    return _ask(request, list(inputs.values()), limits)


def written(framework: str, compilation: Compilation, inputs: Mapping[str, Array], limits: Limits) -> Reference:
    """What neuralc writes for the model in the form of a framework, run there. Raises NeuralcError E0850, E0920, E0921.

    With the values inside exposed as outputs they are among the values found.
    """
    with TemporaryDirectory(prefix="neuralc-verify-") as folder:
        request, arrays = write_request(framework, compilation, inputs, Path(folder))
        return _ask(request, arrays, limits)


def write_request(
    framework: str, compilation: Compilation, inputs: Mapping[str, Array], folder: Path
) -> tuple[dict[str, Any], list[Array]]:
    """Write the model in the form of a framework to `folder`; gives what the worker has to be asked to run it.

    Raises NeuralcError E0850, E0921.
    """
    from neuralc.dialects.graph import the_model
    from neuralc.verify.inputs import first_states, sizes_of

    model = the_model(compilation.module)
    _check_installed(framework)
    path = _write(WRITTEN[framework], framework, compilation, folder)
    weights = path.with_suffix(".safetensors")
    given = {name: inputs[name] for name in model.inputs}
    if WRITTEN[framework].takes_states:
        given |= first_states(compilation.module, compilation.weights, inputs)
    request = {
        "framework": framework,
        "model": str(path),
        "weights": str(weights) if weights.exists() else "",
        "names": list(given),
        "outputs": list(model.outputs),
        "sizes": sizes_of(compilation.module, inputs),
        "layers": False,
    }
    return request, list(given.values())


def _write(form: Written, framework: str, compilation: Compilation, folder: Path) -> Path:
    """The model's code or file, with its weights beside it, those of an untrained one included."""
    from dataclasses import replace

    from neuralc.cli_products import write
    from neuralc.products import emitter

    found = emitter(form.kind, compilation.options.target)
    path = folder / f"model{Path(f'model{found.suffix}').suffix}"
    try:
        write(str(path), found.make(replace(compilation, trained=True), form.kind), found)
    except NeuralcError as refused:
        if any(each.code != "E0850" for each in refused.diagnostics):
            raise
        first, *others = [each.message for each in refused.diagnostics]
        raise error(
            "E0850",
            f"{framework} cannot run {compilation.name}: neuralc has no {form.said} for it",
            note=first + (f", and {len(others)} more" if others else ""),
            help="compare with another framework, or with `--against interp`",
        ) from None
    return path


def _ask(request: Mapping[str, Any], inputs: Sequence[Array], limits: Limits) -> Reference:
    """Run the framework in a process of its own: what it does to memory, threads and signals is its own affair."""
    framework = str(request["framework"])
    _check_installed(framework)
    with TemporaryDirectory(prefix="neuralc-verify-") as name:
        folder = Path(name)
        put_question(folder, {**request, "threads": limits.threads}, inputs)
        try:
            done = subprocess.run(
                [sys.executable, *WORKER, name], capture_output=True, text=True, check=False, timeout=limits.seconds
            )
        except subprocess.TimeoutExpired:
            note = f"it did not end within {limits.seconds:g} seconds"
            raise _failed(framework, note, "`--timeout` gives it longer, smaller `--sizes` less to do") from None
        if done.returncode != 0 or not (folder / "answer.json").exists():
            raise _failed(framework, _last_words(done), "`--against interp` needs no other framework")
        return read_answer(folder)


def put_question(folder: Path, request: Mapping[str, Any], inputs: Sequence[Array]) -> None:
    """Write what the worker finds in its folder."""
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    np.savez(folder / "inputs.npz", *inputs)


def read_answer(folder: Path) -> Reference:
    """What the worker left there."""
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    with np.load(folder / "outputs.npz") as stored:
        arrays = [stored[f"arr_{i}"] for i in range(len(stored.files))]
    return Reference(dict(zip(answer["names"], arrays, strict=True)), answer["version"])


def _check_installed(framework: str) -> None:
    """Raises NeuralcError E0921 with the command that installs it."""
    absent = [name for name in WRITTEN[framework].needs if find_spec(name) is None]
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
    said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith(REMARKS)]
    return said[-1].strip()[:300] if said else f"its process ended with code {done.returncode}"
