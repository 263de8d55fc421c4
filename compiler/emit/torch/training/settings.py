"""What the clauses of a model say, with the defaults of the language: names and all arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute

from neuralc.dialects.graph import ModelOp
from neuralc.dialects.graph.configuration import CalledAttr, SectionAttr
from neuralc.emit.refusals import Refusals
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.table import Table


@dataclass(frozen=True)
class Call:
    """An entry of a table with all its arguments; those that are calls again are attributes."""

    name: str
    arguments: Mapping[str, Any]
    rate: Attribute | None = None
    """The learning rate of an optimizer, where it is a schedule."""

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def given(self, usual: Mapping[str, Any]) -> Iterator[str]:
        """The arguments that are not as `usual`."""
        return (name for name, value in usual.items() if self.arguments.get(name, value) != value)


@dataclass(frozen=True)
class Settings:
    """The clauses that training reads."""

    losses: Sequence[Call]
    metrics: Sequence[Call]
    optimizer: Call | None
    train: Mapping[str, Any]
    searched: bool

    @staticmethod
    def of(model: ModelOp, refusals: Refusals) -> Settings:
        section = model.attributes.get("train")
        entries = section.entries.data if isinstance(section, SectionAttr) else {}
        plain = {name: section.literal(name) for name in entries} if isinstance(section, SectionAttr) else {}
        found = model.attributes.get("optimizer")
        return Settings(
            list(_calls(model.attributes.get("loss"), LOSSES)),
            list(_calls(model.attributes.get("metrics"), METRICS)),
            next(_calls(found, OPTIMIZERS), None),
            plain,
            "searches" in model.attributes,
        )


def _calls(attribute: Attribute | None, table: Table) -> Iterator[Call]:
    if isinstance(attribute, ArrayAttr):
        for each in attribute:
            yield from _calls(each, table)
    elif isinstance(attribute, CalledAttr):
        yield call_of(attribute, table)


def call_of(attribute: CalledAttr, table: Table) -> Call:
    """The entry that an attribute names; arguments that were not written have their defaults."""
    entry = table.find(attribute.called.data)
    arguments: dict[str, Any] = {} if entry is None else {each.name: each.default for each in entry.parameters}
    rate = attribute.arguments.data.get("learning_rate")
    for name in attribute.arguments.data:
        if name != "learning_rate" or not isinstance(rate, CalledAttr):
            arguments[name] = attribute.literal(name)
    name = attribute.called.data if entry is None else entry.name
    return Call(name, arguments, rate if isinstance(rate, CalledAttr) else None)


def schedule_of(optimizer: Call) -> Call | None:
    """The schedule of an optimizer's learning rate."""
    return call_of(optimizer.rate, SCHEDULES) if isinstance(optimizer.rate, CalledAttr) else None
