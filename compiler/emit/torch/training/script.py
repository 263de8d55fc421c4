"""The training script that stands beside an emitted module: what its clauses say, as a person writes it in PyTorch.

Losses, optimizers and metrics mean what they mean in Keras; what torch has no exact counterpart for is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import ModelOp, the_model
from neuralc.dialects.types import shape_of
from neuralc.emit.python.expressions import literal
from neuralc.emit.python.names import function_name
from neuralc.emit.python.writer import Writer
from neuralc.emit.refusals import Refusals
from neuralc.emit.torch.training import losses, optimizers
from neuralc.emit.torch.training.losses import Measure, accuracy
from neuralc.emit.torch.training.main_function import MainFunction
from neuralc.emit.torch.training.optimizers import Optimizer, clipping
from neuralc.emit.torch.training.rates import SCHEDULES
from neuralc.emit.torch.training.settings import Call, Settings, schedule_of

BATCH_SIZE = 32
"""What Keras's `fit` takes unless it is said."""

_READ = ("epochs", "batch_size", "validation_split", "shuffle", "seed", "verbose", "data", "search_method", "trials")
"""Entries of `train` that a script has, or that say nothing about it."""


def training_script(module: ModuleOp, code: str) -> Callable[[str | None], str]:
    """The text of the script as a function of the stem of the module's file; `code` is the text of that.

    Raises NeuralcError E0850 with every clause that cannot be written.
    """
    model = the_model(module)
    refusals = Refusals("a PyTorch training script")
    settings = Settings.of(model, refusals)
    parts = _Parts(model, settings, refusals)
    refusals.raise_if_any()
    return lambda stem: _text(model, settings, parts, code, stem or "model")


class _Parts:
    """The functions of a script, as far as they can be written."""

    def __init__(self, model: ModelOp, settings: Settings, refusals: Refusals) -> None:
        self._model = model
        self._refusals = refusals
        self.losses = self._losses(settings)
        self.metrics = self._metrics(settings)
        self.optimizer = self._optimizer(settings)
        self.clipping = [] if settings.optimizer is None else clipping(settings.optimizer)
        self.rate = self._rate(settings)
        for name in settings.train:
            if name not in _READ and settings.train[name] is not None:
                self._refuse(f"`{name}` of `train` is not written for PyTorch")

    def _refuse(self, reason: str) -> None:
        self._refusals.add(self._model, reason)

    def _losses(self, settings: Settings) -> list[tuple[str, Measure, str]]:
        """A function for each output: its name, what it computes, and how a batch becomes one number."""
        count = len(self._model.outputs)
        if not settings.losses:
            self._refuse("the program has no `loss`")
        if len(settings.losses) not in (1, count):
            self._refuse(f"{len(settings.losses)} losses for {count} outputs")
            return []
        found = []
        for call in [*settings.losses] * (count if len(settings.losses) == 1 else 1):
            measure = self._measure(call, losses.LOSSES, "loss")
            reduction = call.arguments.get("reduction", "sum_over_batch_size")
            if reduction in (None, "none"):
                self._refuse(f"the loss {call.name} without a reduction is no number")
            found.append((call.name, measure, "sum" if reduction == "sum" else "mean"))
        return found

    def _metrics(self, settings: Settings) -> list[tuple[str, Measure]]:
        shape = shape_of(self._model.terminator.operands[0].type)
        found = []
        for call in settings.metrics:
            if len(self._model.outputs) > 1:
                self._refuse(f"the metric {call.name} of several outputs")
                continue
            if call.name == "accuracy" and settings.losses:
                call = Call(accuracy(settings.losses[0].name, shape[-1]), call.arguments)
            found.append((call.name, self._measure(call, losses.METRICS, "metric")))
        return found

    def _measure(self, call: Call, table: Mapping[str, Callable[[Call], Measure]], noun: str) -> Measure:
        if call.name not in table:
            self._refuse(f"the {noun} {call.name} is not written for PyTorch")
            return Measure([])
        for name in call.given(losses.USUAL):
            self._refuse(f"`{name}` of the {noun} {call.name} is not written for PyTorch")
        return table[call.name](call)

    def _optimizer(self, settings: Settings) -> Optimizer | None:
        call = settings.optimizer
        if call is None:
            self._refuse("the program has no `optimizer`")
            return None
        if call.name not in optimizers.OPTIMIZERS:
            self._refuse(f"the optimizer {call.name} has no exact counterpart in torch")
            return None
        for name in call.given(optimizers.USUAL):
            self._refuse(f"`{name}` of the optimizer {call.name} is not written for PyTorch")
        made = optimizers.OPTIMIZERS[call.name](call)
        if isinstance(made, str):
            self._refuse(f"the optimizer {call.name}: {made}")
            return None
        return made

    def _rate(self, settings: Settings) -> list[str]:
        """The statements of `learning_rate(step)`; none where it is one number."""
        schedule = None if settings.optimizer is None else schedule_of(settings.optimizer)
        if schedule is None:
            return []
        if schedule.name not in SCHEDULES:
            self._refuse(f"the schedule {schedule.name} is not written for PyTorch")
            return []
        return list(SCHEDULES[schedule.name](schedule))


def _text(model: ModelOp, settings: Settings, parts: _Parts, code: str, stem: str) -> str:
    assert parts.optimizer is not None, "refused else"
    name = re.findall(r"^class (\w+)\(nn\.Module\)", code, re.MULTILINE)[-1]
    functions = [each for each in ("constrain", "load", "penalty", "save") if f"\ndef {each}(" in code]
    body = Writer()
    _write_names(body, model)
    if parts.optimizer.source:
        body.blank(2)
        body.lines(parts.optimizer.source.splitlines())
    names = _write_measures(body, parts)
    if parts.rate:
        body.blank(2)
        with body.block("def learning_rate(step: int) -> float:"):
            body.docstring("The rate of a step of the optimizer.")
            body.lines(parts.rate)
    MainFunction(body, name, functions, names, settings, parts.optimizer, parts.clipping, bool(parts.rate)).write()
    body.blank(2)
    with body.block('if __name__ == "__main__":'):
        body.line("main()")
    return _header(model, name, functions, body.text, stem) + body.text


def _write_names(body: Writer, model: ModelOp) -> None:
    body.blank()
    body.line("# The arrays of the data: what the model takes, and what it should give.")
    body.line(f"INPUTS = {literal(tuple(model.inputs))}")
    body.line(f"TARGETS = {literal(tuple(model.outputs))}")


def _write_measures(body: Writer, parts: _Parts) -> tuple[list[str], list[tuple[str, str]]]:
    """The functions of losses and metrics; the calls of the losses, and the metrics with their functions."""
    written: dict[str, tuple[str, Measure]] = {}

    def function(wanted: str, measure: Measure) -> str:
        name = function_name(wanted)
        while name in written and written[name][1] != measure:
            name += "_"
        if name not in written:
            written[name] = wanted, measure
            _write_measure(body, name, measure)
        return name

    calls = [f"{function(name, measure)}({{}}, {{}}).{reduced}()" for name, measure, reduced in parts.losses]
    return calls, [(name, function(name, measure)) for name, measure in parts.metrics]


def _write_measure(body: Writer, name: str, measure: Measure) -> None:
    body.blank(2)
    with body.block(f"def {name}(p: Tensor, t: Tensor) -> Tensor:"):
        body.docstring("A value for each example, of what the model gives and its target.")
        body.line("t = t.reshape(p.shape[:-1]).long()" if measure.sparse else "t = t.reshape(p.shape).to(p.dtype)")
        *lines, last = measure.lines
        body.lines(lines)
        body.line(f"return {last}")


def _header(model: ModelOp, name: str, functions: Sequence[str], body: str, stem: str) -> str:
    head = Writer()
    arrays = ", ".join([*model.inputs, *model.outputs])
    head.docstring(
        f"Trains the model `{name}` of {stem}.py, written by neuralc.",
        f"python {stem}_train.py data.npz    with the arrays {arrays}",
    )
    head.blank()
    standard = [f"import {module}" for module in ("argparse", "math") if re.search(rf"\b{module}\.", body)]
    head.lines(standard)
    abstract = [name for name in ("Iterable", "Sequence") if f"{name}[" in body]
    head.line(f"from collections.abc import {', '.join(abstract)}")
    head.blank()
    head.line("import numpy as np")
    head.line("import torch")
    if re.search(r"\bF\.", body):
        head.line("import torch.nn.functional as F")
    imported = f"from {stem} import {', '.join([name, *functions])}"
    own = ["Tensor", *(["nn"] if re.search(r"\bnn\.", body) else [])]
    # Ruff sorts third-party modules by their names, those with a capital letter after them.
    lines = [imported, f"from torch import {', '.join(own)}", "from torch.utils.data import DataLoader, TensorDataset"]
    head.lines(sorted(lines, key=lambda line: line.split()[1].lower()))
    return head.text
