"""What `model.compile` said, as the clauses of the language: loss, optimizer, metrics.

What the language has no words for is left out with a warning: it changes no run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neuralc.frontends.keras.objects import Unsaid, evaluated
from neuralc.grammar.configured import Configured, Keeper
from neuralc.grammar.diagnostics import Diagnostic, Span, warning
from neuralc.grammar.program import Program
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS
from neuralc.grammar.training.table import Table
from neuralc.grammar.values import Applied, Evaluated, Word

WITHOUT_WORDS = ("loss_weights", "weighted_metrics")
"""Arguments of `compile` that no clause has."""


def with_clauses(program: Program, compiled: Any, outputs: Sequence[str]) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program with the clauses of `compile`, and warnings about what is left out.

    `outputs` are the names that Keras has for the outputs."""
    if not isinstance(compiled, Mapping) or not compiled:
        return program, ()
    reader = _Reader(outputs, program.span)
    found: dict[str, Any] = {
        "loss": reader.losses(compiled.get("loss")),
        "optimizer": reader.optimizer(compiled.get("optimizer")),
        "metrics": reader.metrics(compiled.get("metrics")),
    }
    for name in WITHOUT_WORDS:
        if compiled.get(name) is not None:
            reader.leave_out(name, "the language has no clause for it")
    clauses = {name: value for name, value in found.items() if value}
    return replace(program, clauses=clauses), tuple(reader.told)


@dataclass
class _Reader:
    outputs: Sequence[str]
    span: Span
    told: list[Diagnostic] = field(default_factory=list)

    def leave_out(self, name: str, reason: str) -> None:
        message = f"what `compile` says of the {name} is left out: {reason}"
        self.told.append(warning("W0601", message, help="write it into the program where it trains"))

    def optimizer(self, value: Any) -> Configured | None:
        return None if value is None else self._called("optimizer", OPTIMIZERS, value)

    def losses(self, value: Any) -> tuple[Configured, ...]:
        """One for all outputs, or one for each."""
        parts = self._of_outputs(value)
        if parts is None or any(part is None for part in parts):
            self.leave_out("loss", "not every output has one")
            return ()
        found = [self._called("loss", LOSSES, part) for part in parts]
        return () if None in found else tuple(each for each in found if each is not None)

    def metrics(self, value: Any) -> tuple[Configured, ...]:
        parts = self._of_outputs(value)
        nested = isinstance(value, Mapping) or any(isinstance(part, list) for part in parts or ())
        if parts is None or (nested and len(self.outputs) > 1):
            self.leave_out("metrics", "they are of single outputs")
            return ()
        found = [self._called("metrics", METRICS, part) for part in _flat(parts)]
        return tuple(each for each in found if each is not None)

    def _of_outputs(self, value: Any) -> Sequence[Any] | None:
        """What an argument says, in the order of the outputs; None where it leaves some out."""
        match value:
            case None:
                return ()
            case {"class_name": str()}:
                return (value,)
            case Mapping():
                return None if set(value) != set(self.outputs) else [value[name] for name in self.outputs]
            case list() | tuple():
                return value
        return (value,)

    def _called(self, what: str, table: Table, value: Any) -> Configured | None:
        """An entry of a table. None, and a warning, where the table has none or an argument is not said there."""
        errors: list[Diagnostic] = []
        if isinstance(value, Mapping) and value.get("class_name") == "function":
            value = value.get("config")  # functions of Keras are saved by their names
        try:
            call = _trimmed(table, evaluated(value, self.span))
        except Unsaid as problem:
            self.leave_out(what, str(problem))
            return None
        found = Keeper(errors.append).configured(table, call, self.span)
        wrong = next((each.message for each in errors if each.severity == "error"), None)
        if wrong is not None:
            self.leave_out(what, wrong)
        return None if wrong is not None else found


def _flat(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        elif value is not None:
            yield value


def _trimmed(table: Table, value: Evaluated) -> Word | Applied | str:
    """A call with the arguments that say something: Keras writes all of them, and names that follow from the class."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Applied):
        raise Unsaid(f"it is no {table.noun}")
    entry = table.find(value.name)
    defaults = {} if entry is None else {parameter.name: parameter.default for parameter in entry.parameters}
    arguments = tuple(
        (name, _short(inner), span)
        for name, inner, span in value.arguments
        if name not in ("name", "dtype") and inner is not None and _short(inner) != defaults.get(str(name))
    )
    return replace(value, arguments=arguments)


def _short(value: Evaluated) -> Evaluated:
    """The shortest number that is the same in float32, in which optimizers keep their rates."""
    if isinstance(value, float) and float(np.float32(value)) == value:
        return float(str(np.float32(value)))
    return value
