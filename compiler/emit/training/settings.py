"""What the clauses of a model say, with the defaults of the language: names and all arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute

from neuralc.dialects.graph import ModelOp
from neuralc.dialects.graph.configuration import CalledAttr, SectionAttr
from neuralc.grammar.training.callbacks import CALLBACKS
from neuralc.grammar.training.losses import LOSSES
from neuralc.grammar.training.metrics import METRICS
from neuralc.grammar.training.optimizers import OPTIMIZERS, SCHEDULES
from neuralc.grammar.training.table import Table


@dataclass(frozen=True)
class Call:
    """An entry of a table with all its arguments; those that are calls again are attributes."""

    name: str
    arguments: Mapping[str, Any]
    source: str = ""
    """Where its meaning is defined: `keras.optimizers.Adam`."""
    written: frozenset[str] = frozenset()
    """The arguments that the program gives."""
    calls: Mapping[str, CalledAttr] = field(default_factory=dict)
    """Arguments that are calls again: a schedule, an optimizer inside."""

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
    """Entries that are plain values."""
    callbacks: Sequence[Call]
    """With what the program calls `early_stopping`."""

    @staticmethod
    def of(model: ModelOp) -> Settings:
        section = model.attributes.get("train")
        entries = section.entries.data if isinstance(section, SectionAttr) else {}
        called = ("callbacks", "early_stopping")
        plain: dict[str, Any] = {}
        if isinstance(section, SectionAttr):
            plain = {name: section.literal(name) for name in entries if name not in called}
        found = [each for name in called for each in _calls(entries.get(name), CALLBACKS)]
        return Settings(
            list(_calls(model.attributes.get("loss"), LOSSES)),
            list(_calls(model.attributes.get("metrics"), METRICS)),
            next(_calls(model.attributes.get("optimizer"), OPTIMIZERS), None),
            {name: value for name, value in plain.items() if value is not None},
            found,
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
    given = attribute.arguments.data
    calls = {name: each for name, each in given.items() if isinstance(each, CalledAttr)}
    for name in given:
        if name not in calls:
            arguments[name] = attribute.literal(name)
    name, source = (attribute.called.data, "") if entry is None else (entry.name, entry.source)
    return Call(name, arguments, source, frozenset(given), calls)


def schedule_of(call: Call, argument: str = "learning_rate") -> Call | None:
    """The schedule of an optimizer's learning rate, or of a callback."""
    found = call.calls.get(argument)
    return None if found is None else call_of(found, SCHEDULES)
