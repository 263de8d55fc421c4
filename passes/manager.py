"""The pass manager: runs a pipeline, verifies, tells instruments what happened, and leaves a reproducer on failure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import DiagnosticException

from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.printing import print_module
from neuralc.passes.registry import format_pass, level_change
from neuralc.passes.reproducer import replay, write_reproducer
from neuralc.passes.verifier import verify_module


@dataclass(frozen=True)
class Step:
    """One pass that has run."""

    index: int
    """Its place in the pipeline, from 1."""
    each: ModulePass
    seconds: float
    ops_before: int
    ops_after: int
    before: str
    """Text of the module before, empty unless an instrument wants texts."""
    after: str

    @property
    def changed(self) -> bool:
        """Whether the text of the module is another one; meaningful when texts were taken."""
        return self.before != self.after


class Instrument:
    """Something that watches a pipeline: a dump, a clock, a check. All methods may be left as they are."""

    wants_texts: ClassVar[bool] = False
    """Ask for the text before and after each pass, which costs about as much as a pass."""

    def start(self, module: ModuleOp, context: PassContext) -> None:
        """Before the first pass."""

    def before_pass(self, module: ModuleOp, each: ModulePass) -> None:
        """Before each pass."""

    def after_pass(self, module: ModuleOp, step: Step) -> None:
        """After each pass, on a verified module when `verify_each` is on."""

    def finish(self, module: ModuleOp) -> None:
        """After the last pass; not called when one failed."""


def run_pipeline(
    module: ModuleOp,
    passes: Sequence[ModulePass],
    context: PassContext,
    *,
    instruments: Sequence[Instrument] = (),
    verify_each: bool = False,
    reproducer: Path | None = None,
) -> None:
    """Run the passes on `module` in place; it is verified where the level changes, and after each pass on request.

    A NeuralcError of a pass about the model goes through. What is a fault of neuralc (another exception, a pass that
    leaves invalid IR or changes results) is raised as a NeuralcError E99xx that names the pass; the IR before it is
    written to `reproducer` (default: a file in the folder for temporary files) with the command that runs it again.
    """
    if not passes:
        return
    texts = any(instrument.wants_texts for instrument in instruments)
    start_text = print_module(module, locations=True)
    for instrument in instruments:
        instrument.start(module, context)
    before = print_module(module) if texts else ""
    ops = _count_ops(module) if instruments else 0
    for index, each in enumerate(passes, start=1):
        doing = "failed"
        try:
            for instrument in instruments:
                instrument.before_pass(module, each)
            started = time.perf_counter()
            each.run_in(module, context)
            seconds = time.perf_counter() - started
            doing = "left IR that cannot be checked"
            if verify_each or level_change(each.name):
                _verify_after(module, each)
            after = print_module(module) if texts else ""
            ops_after = _count_ops(module) if instruments else 0
            step = Step(index, each, seconds, ops, ops_after, before, after)
            for instrument in instruments:
                instrument.after_pass(module, step)
        except NeuralcError as fault:
            if not _is_fault_of_neuralc(fault):
                raise
            text, rest = replay(start_text, passes, index - 1, context)
            path = write_reproducer(text, rest, context, fault, reproducer)
            raise with_reproducer(fault, path, f"neuralc-opt --run-reproducer {path}") from fault
        except Exception as fault:  # whatever a pass raises: the user gets one message and a file, not a traceback
            told = internal_fault(f"pass `{format_pass(each)}` {doing}", fault)
            text, rest = replay(start_text, passes, index - 1, context)
            path = write_reproducer(text, rest, context, told, reproducer)
            raise with_reproducer(told, path, f"neuralc-opt --run-reproducer {path}") from fault
        before, ops = after, ops_after
    for instrument in instruments:
        instrument.finish(module)


def _verify_after(module: ModuleOp, each: ModulePass) -> None:
    try:
        verify_module(module)
    except NeuralcError as fault:
        first = Diagnostic("E9903", f"pass `{format_pass(each)}` left invalid IR")
        raise NeuralcError([first, *fault.diagnostics]) from None


def internal_fault(what: str, fault: Exception) -> NeuralcError:
    """E9901: something of ours raised what it should not."""
    message = str(fault).partition("\n")[0]
    kind = "" if isinstance(fault, DiagnosticException) else f"{type(fault).__name__}: "
    return NeuralcError([Diagnostic("E9901", f"{what}: {kind}{message}")])


def with_reproducer(fault: NeuralcError, path: Path, command: str) -> NeuralcError:
    """The same error, and where the IR is that shows it."""
    first, *rest = fault.diagnostics
    told = replace(
        first,
        notes=(*first.notes, f"the IR before it is in {path}"),
        help=f"run it again with `{command}`",
    )
    return NeuralcError([told, *rest])


def _is_fault_of_neuralc(fault: NeuralcError) -> bool:
    return any(diagnostic.code.startswith("E99") for diagnostic in fault.diagnostics)


def _count_ops(module: ModuleOp) -> int:
    return sum(1 for _ in module.walk())
