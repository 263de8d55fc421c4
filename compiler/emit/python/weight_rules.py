"""What regularizers and constraints say of the weights of a model, for the functions of an emitted file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuralc.dialects.graph import WeightOp
from neuralc.dialects.syntax import to_literal
from neuralc.emit.python.plan import Row
from neuralc.grammar.configured import Configured
from neuralc.grammar.initializers import CONSTRAINT, REGULARIZER

EPSILON = 1e-7
"""keras.backend.epsilon(), which norms are raised by before they divide."""


@dataclass(frozen=True)
class Rule:
    """A parameter of the emitted model, and what its weight says: the name of a rule with all of its arguments."""

    row: Row
    name: str
    arguments: Mapping[str, Any]

    @property
    def axes(self) -> tuple[int, ...]:
        """Where the axes that a norm is taken over stand in the parameter."""
        rank = len(self.row.axes)
        return tuple(sorted(self.row.axes.index(axis % rank) for axis in self.arguments["axis"]))


def regularized(rows: Sequence[Row], declared: Mapping[str, WeightOp]) -> list[Rule]:
    """What adds to the loss."""
    found = []
    for row in _trained(rows, declared):
        if (given := declared[row.key].regularizer) is not None:
            arguments = REGULARIZER.arguments(Configured(given.called.data, given.plain_arguments))
            found.append(Rule(row, given.called.data, arguments))
    return found


def constrained(rows: Sequence[Row], declared: Mapping[str, WeightOp]) -> list[Rule]:
    """What a step of the optimizer ends with."""
    found = []
    for row in _trained(rows, declared):
        if (given := declared[row.key].constraint) is not None:
            arguments = CONSTRAINT.arguments(Configured(given.called.data, given.plain_arguments))
            found.append(Rule(row, given.called.data, arguments))
    return found


def _trained(rows: Sequence[Row], declared: Mapping[str, WeightOp]) -> list[Row]:
    weights = [(row, declared[row.key]) for row in rows if row.key in declared]
    return [
        row
        for row, weight in weights
        if "trainable" not in weight.attributes or bool(to_literal(weight.attributes["trainable"]))
    ]
