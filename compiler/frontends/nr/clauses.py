"""From checked clauses to the typed attributes of graph.model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr
from xdsl.ir import Attribute

from neuralc.dialects.graph.configuration import (
    BenchmarkAttr,
    CallbackAttr,
    CalledAttr,
    ExecutionAttr,
    LossAttr,
    MetricAttr,
    OptimizerAttr,
    ResearchAttr,
    ScheduleAttr,
    SectionAttr,
    TestAttr,
    TrainAttr,
)
from neuralc.dialects.graph.search import ChoiceAttr, LogRangeAttr, RangeAttr, SearchAttr, SpaceAttr, WrittenAttr
from neuralc.dialects.graph.terms import term
from neuralc.grammar.configured import Configured
from neuralc.grammar.research import Research
from neuralc.grammar.searches import Searched
from neuralc.grammar.values import Applied, Chosen, Space, Word

_CALLS: dict[str, type[CalledAttr]] = {
    "loss": LossAttr,
    "metrics": MetricAttr,
    "optimizer": OptimizerAttr,
    "inner_optimizer": OptimizerAttr,
    "learning_rate": ScheduleAttr,
    "schedule": ScheduleAttr,
    "callbacks": CallbackAttr,
    "early_stopping": CallbackAttr,
}
"""Which attribute a call is, by the clause or the parameter it stands in."""

_SECTIONS: dict[str, type[SectionAttr]] = {
    "train": TrainAttr,
    "execution": ExecutionAttr,
    "benchmark": BenchmarkAttr,
    "test": TestAttr,
}


def clause_attributes(clauses: Mapping[str, Any]) -> dict[str, Attribute]:
    """The attributes of a model for `Clauses.data`, in order of their names."""
    return {name: _clause(name, found) for name, found in sorted(clauses.items())}


def _clause(name: str, found: Any) -> Attribute:
    if name in _SECTIONS:
        return _SECTIONS[name].of({entry: _value(entry, value) for entry, value in found.items()})
    if name == "research":
        return ArrayAttr([_research(block) for block in found])
    if name == "searches":
        return DictionaryAttr({path: _searched(searched) for path, searched in sorted(found.items())})
    return _value(name, found)


def _value(place: str, value: Any) -> Attribute:
    """A value of a clause; `place` is the clause or the parameter it stands in."""
    match value:
        case Configured():
            arguments = {name: _value(name, inner) for name, inner in value.arguments.items()}
            return _CALLS[place].of(value.name, arguments)
        case Space():
            return _space(place, value)
        case tuple():
            return ArrayAttr([_value(place, part) for part in value])
        case _:
            return term(value)


def _space(place: str, space: Space) -> SpaceAttr:
    if space.kind == "choice":
        return ChoiceAttr.of([_value(place, option) for option in space.values])
    low, high = space.values
    return LogRangeAttr.of(low, high) if space.kind == "log_range" else RangeAttr.of(low, high, space.step)


def _research(block: Research) -> ResearchAttr:
    metrics, references = term({**block.metrics}), term({**block.references})
    entries = ({"metrics": metrics} if block.metrics else {}) | ({"references": references} if block.references else {})
    return ResearchAttr.of(block.name or "", entries)


def _searched(searched: Searched) -> SearchAttr:
    calls = any(isinstance(option, Applied) for option in _options(searched.space))
    space = _space("", _as_written(searched.space, calls))
    return SearchAttr.of(space, _value("", _written(searched.value, calls)), str(searched.space.span))


def _options(space: Space) -> Iterator[Any]:
    for option in space.values:
        if isinstance(option, Chosen):
            yield from _options(option.space)
        else:
            yield option


def _as_written(space: Space, calls: bool) -> Space:
    return replace(space, values=tuple(_written(option, calls) for option in space.values))


def _written(value: Any, calls: bool) -> Any:
    """An option as it stands in the model. Among `calls`, a bare word is one without arguments."""
    match value:
        case Word():
            return WrittenAttr(value.text) if calls else value.text
        case Applied():
            return WrittenAttr(value.span.text)
        case Chosen():
            return _as_written(value.space, calls)
        case tuple():
            return tuple(_written(part, calls) for part in value)
        case _:
            return value
