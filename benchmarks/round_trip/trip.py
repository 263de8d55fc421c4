"""One model written in one form: run there, read again where it is a file of a model, and compared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.round_trip.compare import (
    EXACT,
    ROUNDED,
    Different,
    check_exact,
    check_outputs,
    check_weights,
    equal,
    rearranged,
)
from benchmarks.round_trip.gradients import check_gradients
from benchmarks.round_trip.original import Array, Original
from benchmarks.round_trip.process import FrameworkFailure, Process
from neuralc import driver
from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.driver import Compilation, Options
from neuralc.emit.code_forms import FORMS
from neuralc.emit.placements import WeightPlan
from neuralc.emit.written_model import WrittenModel
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.verifier import verify_module
from neuralc.settings import load_weights
from neuralc.verify.reference import put_question, read_answer, write_request
from neuralc.weights_file import declared_weights


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
        found = {each.name: self.compilation.weights[each.name] for each in declared_weights(self.compilation.module)}
        return {name: array for name, array in found.items() if array.dtype.kind not in "biu"}

    def weights_of(self, path: Path) -> WeightStore:
        """The model's weights in a file that its code has saved, as `--weights` takes it. Raises Different."""
        imported = self.compilation.imported
        own = self.compilation.weights if imported else None
        try:
            return load_weights(path, self.compilation.module, own, imported=imported)
        except NeuralcError as problem:
            raise Different(f"what the code saves is not read: {_reason(problem)}") from None

    @property
    def torch_weights(self) -> WeightPlan:
        """What the parameters of its PyTorch code are of its weights."""
        found = self.compilation
        return FORMS["torch"].file_of(WrittenModel(found.module, found.weights, found.imported)).weights

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
            refused = problem.diagnostics[0].code == "E0850"
            found = Outcome("refused" if refused else "fails", _reason(problem))
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
            check_gradients(folder / "model.py", loaded.torch_weights, loaded.original)
        return remark

    def keras(self, loaded: Loaded, folder: Path) -> str:
        return self._code("keras", loaded, folder)

    def jax(self, loaded: Loaded, folder: Path) -> str:
        return self._code("jax", loaded, folder)

    def onnx(self, loaded: Loaded, folder: Path) -> str:
        """Run by onnxruntime, then read again: the same weights, and the same in doubles."""
        remark = self._run("onnxruntime", loaded, folder)
        read = again(folder / "model.onnx")
        check_weights(read.weights, loaded.parameters, rearranged)
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
        """Code: run there, and the file that it saves is read as the model's weights.

        Where the framework has one weight for the sum of two, what is read gives the same results.
        """
        remark, saved = self._run(framework, loaded, folder), folder / "saved.safetensors"
        if not saved.exists():
            return remark
        again = loaded.weights_of(saved)
        try:
            check_weights(again, loaded.parameters, equal)
        except Different as problem:
            found = run_module(loaded.compilation.module, loaded.inputs, again)
            check_exact(loaded.outputs, found, loaded.exact, ROUNDED)
            return f"{problem}, with the same results; {remark}".rstrip("; ")
        return remark

    def _run(self, framework: str, loaded: Loaded, folder: Path) -> str:
        request, arrays = write_request(framework, loaded.written(), loaded.inputs, folder)
        put_question(folder, {**request, "threads": 1, "saved": str(folder / "saved.safetensors")}, arrays)
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


def _reason(problem: NeuralcError) -> str:
    first = problem.diagnostics[0]
    return " ".join(" ".join([first.message, *first.notes]).split())


def again(path: Path) -> Compilation:
    """The model that was written, read. Raises Different where it is not."""
    try:
        found = driver.load(path, Options())
        verify_module(found.module)
    except NeuralcError as problem:
        raise Different(f"not read again: {problem.diagnostics[0].message}") from None
    return found
