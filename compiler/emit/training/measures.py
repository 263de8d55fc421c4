"""The functions of a training script that say how good a model is: losses, metrics, and `measure` of them all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuralc.emit.python.expressions import literal
from neuralc.emit.python.names import function_name
from neuralc.emit.python.writer import Writer
from neuralc.emit.training.loop import Loop
from neuralc.emit.training.losses import Measure
from neuralc.emit.training.words import Words, worded


@dataclass(frozen=True)
class MeasureForm:
    """How a form writes the functions of losses and metrics."""

    words: Words
    type: str
    targets: Mapping[str, str]
    """The first statement of a function, by the kind of its targets."""


class Measures:
    """Writes the functions of losses and metrics, each once."""

    def __init__(self, body: Writer, form: MeasureForm) -> None:
        self._body = body
        self._form = form
        self._written: dict[str, Measure] = {}

    def function(self, wanted: str, measure: Measure, what: str) -> str:
        """The name of the function of a measure, which is a loss or a metric."""
        found = function_name(wanted)
        while found in self._written and self._written[found] != measure:
            found += "_"
        if found not in self._written:
            self._written[found] = measure
            self._write(found, measure, what)
        return found

    def _write(self, function: str, measure: Measure, what: str) -> None:
        body, form = self._body, self._form
        body.blank(2)
        with body.block(f"def {function}(p: {form.type}, t: {form.type}) -> {form.type}:"):
            body.docstring(f"The {what} of each example: `p` is what the model gives, `t` its target.")
            *lines, last = worded(measure.lines, form.words)
            body.code(form.targets[measure.targets], *lines, f"return {last}")


@dataclass(frozen=True)
class Measured:
    """The functions of losses and metrics, for what each output gives."""

    losses: Sequence[str]
    """Terms of the loss."""
    means: Mapping[str, str]
    """Metrics that are means over examples."""
    whole: Mapping[str, str]
    """Those of all predictions of an epoch."""

    @staticmethod
    def of(loop: Loop, measures: Measures) -> Measured:
        def place(output: int) -> str:
            return "" if len(loop.clauses.targets) == 1 else f"[{output}]"

        def applied(function: str, output: int, how: str) -> str:
            return f"{function}(p{place(output)}, t{place(output)}).{how}()"

        losses = [
            applied(measures.function(loss.name, loss.measure, "loss"), output, loss.reduction)
            for output, loss in enumerate(loop.losses)
        ]
        means, whole = {}, {}
        for metric in loop.metrics:
            if isinstance(metric.measure, Measure):
                function = measures.function(metric.name, metric.measure, "metric")
                means[metric.label] = applied(function, metric.output, "mean")
            else:
                whole[metric.label] = re.sub(r"\b([pt])\b", rf"\1{place(metric.output)}", str(metric.measure.made))
        return Measured(losses, means, whole)


def write_measure(body: Writer, measured: Measured, loop: Loop, array: str, penalized: str | None) -> None:
    """`measure`: the loss of a batch and its metrics; `penalized` is its first parameter, where there are penalties."""
    kind = array if len(loop.clauses.targets) == 1 else f"Sequence[{array}]"
    first = [] if penalized is None else [penalized]
    body.blank(2)
    body.definition("measure", [*first, f"p: {kind}", f"t: {kind}"], f"dict[str, {array}]")
    with body.indented():
        metrics = " and its metrics" if measured.means else ""
        body.docstring(f"The loss of a batch{metrics}.")
        terms = [*measured.losses, *(f"penalty({each.partition(':')[0]})" for each in first)]
        entries = {"loss": " + ".join(terms), **measured.means}
        body.code(f"return {{{', '.join(f'{literal(label)}: {text}' for label, text in entries.items())}}}")


def write_measure_all(body: Writer, measured: Measured, loop: Loop) -> None:
    """`measure_all`: metrics of all predictions and targets of an epoch, which its batches have as pairs of arrays."""
    if not measured.whole:
        return
    body.blank(2)
    with body.block('def measure_all(pairs: list, prefix: str = "") -> dict[str, float]:'):
        body.docstring("Metrics of all that the model gave in an epoch, and of its targets.")
        if len(loop.clauses.targets) == 1:
            body.line("p, t = (np.concatenate(each) for each in zip(*pairs))")
        else:
            body.line("p, t = ([np.concatenate(each) for each in zip(*side)] for side in zip(*pairs))")
        body.code(f"found = {{{', '.join(f'{literal(label)}: {text}' for label, text in measured.whole.items())}}}")
        body.line("return {prefix + name: value for name, value in found.items()}")
