"""One model written in one form: run there, read again where it is a file of a model, and compared."""

from __future__ import annotations

import json
import time
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from safetensors.numpy import load_file

from benchmarks.round_trip.compare import EXACT, ROUNDED, Different, check_exact, check_outputs, check_weights
from benchmarks.round_trip.gradients import check_gradients
from benchmarks.round_trip.original import Array, Original
from benchmarks.round_trip.process import FrameworkFailure, Process
from neuralc import driver
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import declared_states, the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import element_of, numpy_dtype, shape_of
from neuralc.driver import Compilation, Options
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.verifier import verify_module
from neuralc.verify.inputs import sizes_of
from neuralc.verify.reference import put_question, read_answer, write_request


@dataclass(frozen=True)
class Outcome:
    """`ok`, `refused`, `wrong`, or `fails` where what was written cannot be run; and the reason or a remark."""

    kind: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Loaded:
    """A model that neuralc has read, and what it computes in doubles."""

    compilation: Compilation
    original: Original
    exact: Sequence[Array]

    @classmethod
    def of(cls, original: Original) -> Loaded:
        """Raises NeuralcError where the model is not read, Different where it is read as another one."""
        compilation = driver.load(original.model, original.options)
        names = the_model(compilation.module).inputs
        inputs = dict(zip(names, original.inputs, strict=True))
        found = cls(compilation, original, run_module(compilation.module, inputs, compilation.weights))
        check_outputs(found.outputs, found.exact, original.expected, found.exact)
        return found

    @property
    def inputs(self) -> dict[str, Array]:
        return dict(zip(the_model(self.compilation.module).inputs, self.original.inputs, strict=True))

    @property
    def outputs(self) -> Sequence[str]:
        return the_model(self.compilation.module).outputs

    @property
    def parameters(self) -> dict[str, Array]:
        """The weights that are trained; others, as indices of a file, are constants that a form may say otherwise."""
        return {name: array for name, array in self.compilation.weights.items() if array.dtype.kind not in "biu"}

    @property
    def is_onnx(self) -> bool:
        """Whether it has its constants in single precision: a layer that they are raised to has them in full."""
        return isinstance(self.original.model, Path) and self.original.model.suffix == ".onnx"

    def written(self) -> Compilation:
        """A compilation of its own to write, with the weights of an untrained program too."""
        return replace(self.compilation, module=self.compilation.module.clone(), trained=True)


@dataclass
class Forms:
    """What models are sent through; holds the processes of frameworks."""

    processes: dict[str, Process] = field(default_factory=dict)

    def outcome(self, form: str, loaded: Loaded) -> Outcome:
        started = time.perf_counter()
        try:
            with TemporaryDirectory(prefix="neuralc-trip-") as folder:
                found = Outcome("ok", TRIPS[form](self, loaded, Path(folder)))
        except Different as problem:
            found = Outcome("wrong", str(problem))
        except FrameworkFailure as problem:
            found = Outcome("fails", str(problem))
        except NeuralcError as problem:
            first = problem.diagnostics[0]
            refused = first.code == "E0850"
            reason = " ".join(" ".join([first.message, *first.notes]).split())
            found = Outcome("refused" if refused else "fails", reason)
        except Exception as problem:  # a fault of the emitter or of what it wrote
            found = Outcome("fails", " ".join(f"{type(problem).__name__}: {problem}".split()))
        return replace(found, seconds=time.perf_counter() - started)

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()

    # -- the forms -----------------------------------------------------------------------------------------------------
    def torch(self, loaded: Loaded, folder: Path) -> str:
        remark = self._code("torch", loaded, folder)
        if loaded.original.torch is not None:
            check_gradients(folder / "model.py", folder / "model.safetensors", loaded.original)
        return remark

    def keras(self, loaded: Loaded, folder: Path) -> str:
        return self._code("keras", loaded, folder)

    def jax(self, loaded: Loaded, folder: Path) -> str:
        return self._code("jax", loaded, folder)

    def onnx(self, loaded: Loaded, folder: Path) -> str:
        """Run by onnxruntime, then read again: the same weights, and the same in doubles."""
        states = _first_states(loaded.compilation, loaded.inputs)
        remark = self._run("onnxruntime", loaded, folder, states)
        read = again(folder / "model.onnx")
        check_weights(read.weights, loaded.parameters)
        found = run_module(read.module, list(loaded.inputs.values()), read.weights)
        check_exact(loaded.outputs, found, loaded.exact, ROUNDED)
        return remark

    def nr(self, loaded: Loaded, folder: Path) -> str:
        """Read again: the same in doubles, and as many parameters."""
        from neuralc.cli_products import write
        from neuralc.products import emitter

        kind, path = emitter("nr", "cpu"), folder / "model.nr"
        write(str(path), kind.make(loaded.written(), "nr"), kind)
        read = again(path)
        given = list(loaded.inputs.values())
        found = run_module(read.module, given, read.weights)
        check_exact(loaded.outputs, found, loaded.exact, ROUNDED if loaded.is_onnx else EXACT)
        return ""

    def _code(self, framework: str, loaded: Loaded, folder: Path) -> str:
        """Code: run there, and its weights as it saves them are the model's.

        Where the framework has one weight for the sum of two, the file that it saves gives the same results.
        """
        remark, saved = self._run(framework, loaded, folder, {}), folder / "saved.safetensors"
        if not saved.exists():
            return remark
        try:
            check_weights(load_file(saved), loaded.parameters)
        except Different as problem:
            before = read_answer(folder).values
            request = json.loads((folder / "request.json").read_text("utf-8"))
            put_question(folder, {**request, "weights": str(saved), "saved": ""}, loaded.original.inputs)
            self.processes[framework].ask(folder)
            after = read_answer(folder).values
            if set(load_file(saved)) < set(loaded.parameters) or not all(map(_equal, before.values(), after.values())):
                raise
            return f"{problem}, saved so that results are the same; {remark}".rstrip("; ")
        return remark

    def _run(self, framework: str, loaded: Loaded, folder: Path, states: Mapping[str, Array]) -> str:
        request = write_request(framework, loaded.written(), loaded.inputs, folder)
        given = ChainMap(dict(states), loaded.inputs)
        names = [*request["names"], *states]
        further = {"names": names, "threads": 1, "saved": str(folder / "saved.safetensors")}
        put_question(folder, {**request, **further}, [given[name] for name in names])
        self.processes.setdefault(framework, Process()).ask(folder)
        found = list(read_answer(folder).values.values())
        return check_outputs(loaded.outputs, found, loaded.original.expected, loaded.exact)


TRIPS: Mapping[str, Callable[[Forms, Loaded, Path], str]] = {
    "torch": Forms.torch,
    "keras": Forms.keras,
    "jax": Forms.jax,
    "onnx": Forms.onnx,
    "nr": Forms.nr,
}


def _equal(left: Array, right: Array) -> bool:
    return np.array_equal(left, right, equal_nan=left.dtype.kind == "f")


def again(path: Path) -> Compilation:
    """The model that was written, read. Raises Different where it is not."""
    try:
        found = driver.load(path, Options())
        verify_module(found.module)
    except NeuralcError as problem:
        raise Different(f"not read again: {problem.diagnostics[0].message}") from None
    return found


def _first_states(compilation: Compilation, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What each state begins with: an input of the model in ONNX."""
    found, sizes = {}, sizes_of(compilation.module, inputs)
    for name, state in declared_states(compilation.module).items():
        shape = [as_dim(size).evaluate(sizes) for size in shape_of(state.type)]
        weight = state.initial_weight
        first = to_literal(state.initial) if weight is None else compilation.weights[weight]
        found[name] = np.broadcast_to(np.asarray(first, numpy_dtype(element_of(state.type))), shape).copy()
    return found
