"""One program in one form: written, run there, compared with what the interpreter computes."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.forms.programs import Program
from benchmarks.round_trip.compare import distance
from benchmarks.round_trip.original import Array
from benchmarks.round_trip.process import FrameworkFailure, Process
from neuralc import driver
from neuralc.cli_products import write
from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.driver import Compilation, Options
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.base import PassContext
from neuralc.passes.verifier import verify_module
from neuralc.products import emitter
from neuralc.settings import make_target
from neuralc.verify.inputs import first_states, sizes_of
from neuralc.verify.reference import put_question, read_answer

WORKER = Path(__file__).with_name("worker.py")

FORMS = ("torch", "keras", "jax", "onnx", "nr")

REFUSAL = re.compile(r"(?P<op>graph\.\w+) as [^:]+: (?P<reason>.*)", re.DOTALL)
"""A message of E0850."""


@dataclass(frozen=True)
class Outcome:
    """The scaled error, or why there is none: refused, by op, without code in the framework, or failed."""

    error: float | None = None
    by: str = ""
    """What has run it."""
    refused: Sequence[tuple[str, str]] = ()
    lacking: str = ""
    """What the framework says where it has no code for a type of numbers."""
    failed: str = ""


@dataclass
class Trials:
    """Holds the processes of frameworks."""

    processes: dict[str, Process] = field(default_factory=dict)

    def outcome(self, form: str, program: Program) -> Outcome:
        """Never raises for what a form does to a program."""
        try:
            with TemporaryDirectory(prefix="neuralc-forms-") as name:
                path = written(form, program, Path(name))
                found, by = self._again(path, program) if form == "nr" else self._run(form, path, program)
        except FrameworkFailure as problem:
            return Outcome(lacking=str(problem)) if _is_lacking(problem) else Outcome(failed=str(problem))
        except NeuralcError as problem:
            if all(each.code == "E0850" for each in problem.diagnostics):
                return Outcome(refused=[_told(each.message) for each in problem.diagnostics])
            return Outcome(failed=problem.diagnostics[0].message)
        except Exception as problem:  # a fault of the emitter
            return Outcome(failed=" ".join(f"{type(problem).__name__}: {problem}".split()))
        if len(found) != len(program.expected):
            return Outcome(failed=f"{len(found)} results instead of {len(program.expected)}")
        return Outcome(max(map(distance, found, program.expected), default=0.0), by)

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()

    def _run(self, form: str, path: Path, program: Program) -> tuple[Sequence[Array], str]:
        """The results of a framework, without the states that ONNX has behind them."""
        folder, module = path.parent, program.module
        model, weights = the_model(module), path.with_suffix(".safetensors")
        states = first_states(module, program.weights, program.inputs) if form == "onnx" else {}
        given: Mapping[str, Any] = ChainMap(states, dict(program.inputs))
        names = [*model.inputs, *states]
        request = {
            "framework": form,
            "model": str(path),
            "weights": str(weights) if weights.exists() else "",
            "names": names,
            "outputs": [*model.outputs, *states],
            "sizes": sizes_of(module, program.inputs),
            "layers": False,
            "threads": 1,
        }
        put_question(folder, request, [given[name] for name in names])
        if form not in self.processes:
            self.processes[form] = Process(("-P", str(WORKER)))
        try:
            self.processes[form].ask(folder)
        except FrameworkFailure as failure:
            if form != "onnx" or not _is_lacking(failure):
                raise
            return self._again(path, program)
        answer = read_answer(folder)
        return list(answer.values.values())[: len(model.outputs)], answer.who

    def _again(self, path: Path, program: Program) -> tuple[Sequence[Array], str]:
        """What nothing else runs, read again and interpreted."""
        again = driver.load(path, Options())
        verify_module(again.module)
        return run_module(again.module, list(program.inputs.values()), again.weights), "neuralc"


def _is_lacking(failure: FrameworkFailure) -> bool:
    """Whether the worker says `NoKernel`."""
    return str(failure).startswith("NoKernel")


def written(form: str, program: Program, folder: Path) -> Path:
    """The file of a form, with its weights beside it. Raises NeuralcError E0850."""
    context = PassContext(target=make_target({}), weights=program.weights)
    compilation = Compilation("model", program.module.clone(), "graph", make_target({}), context, Options())
    found = emitter(form, "cpu")
    path = folder / f"model{Path(f'model{found.suffix}').suffix}"
    write(str(path), found.make(compilation, form), found)
    return path


def _told(message: str) -> tuple[str, str]:
    """The op that a refusal names, without `graph.`, and the reason."""
    found = REFUSAL.fullmatch(message)
    return (found["op"].removeprefix("graph."), found["reason"]) if found else ("", message)
