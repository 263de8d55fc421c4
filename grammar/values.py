"""Evaluates written values: constants, parameters of macros, tuples, and the one value taken from a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, Span, note


@dataclass(frozen=True)
class Word:
    """A bare word that is no parameter: it stands for itself, as in `loss: mse`."""

    text: str


@dataclass(frozen=True)
class Applied:
    """A call as a value: `ExponentialDecay(0.1, 1000)`. Arguments keep their tree nodes for messages."""

    name: str
    arguments: tuple[tuple[str | None, Evaluated, Span], ...]
    span: Span


@dataclass(frozen=True)
class Chosen:
    """The value taken from `HPO(...)`: the first choice, or the low end of a range."""

    value: Evaluated


@dataclass(frozen=True)
class LayerArgument:
    """A layer given to another one: `TimeDistributed(Dense(8))`. `node` is a node of `grammar.program`."""

    name: str
    node: object


@dataclass(frozen=True)
class Broken:
    """A value that was reported to be wrong: nobody complains about it again."""


Evaluated: TypeAlias = (
    "bool | int | float | str | Word | tuple[Evaluated, ...] | Applied | LayerArgument | Chosen | Broken | None"
)
Scope: TypeAlias = Mapping[str, Evaluated]
Report: TypeAlias = Callable[[Diagnostic], None]

_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "none": None, "null": None}


def evaluate(value: t.Value, scope: Scope, report: Report) -> Evaluated:
    """The value of an expression; errors and notes go to `report`."""
    match value:
        case t.Text() | t.Number():
            return value.value
        case t.Name():
            if value.value in scope:
                return scope[value.value]
            if value.value.lower() in _CONSTANTS:
                return _CONSTANTS[value.value.lower()]
            return Word(value.value)
        case t.Sequence():
            return tuple(evaluate(item, scope, report) for item in value.items)
        case t.Call():
            arguments = tuple(
                (None if a.name is None else a.name.value, evaluate(a.value, scope, report), a.span)
                for a in value.arguments
            )
            return Applied(value.name.value, arguments, value.span)
        case t.Hpo():
            return _choose(value, scope, report)


def _choose(search: t.Hpo, scope: Scope, report: Report) -> Evaluated:
    values = [plain(evaluate(value, scope, report)) for value in search.values]
    step = None if search.step is None else plain(evaluate(search.step, scope, report))
    problem = _search_problem(search.kind, values, step)
    if problem is not None:
        report(Diagnostic("E0308", problem, search.span))
        return Broken()
    which = "its first choice" if search.kind == "choice" else "its low end"
    report(note("W0302", f"one value is needed here: the search takes {which}, {describe(values[0])}", search.span))
    return Chosen(values[0])


def is_broken(value: Evaluated) -> bool:
    """Whether the value, or a part of it, was reported to be wrong."""
    match value:
        case Broken():
            return True
        case Chosen():
            return is_broken(value.value)
        case tuple():
            return any(is_broken(part) for part in value)
        case Applied():
            return any(is_broken(inner) for _, inner, _ in value.arguments)
        case _:
            return False


def _search_problem(kind: str, values: list[Evaluated], step: Evaluated) -> str | None:
    if any(is_broken(value) for value in (*values, step)):
        return "a search inside this one is impossible"
    if kind == "choice":
        kinds = {_kind(value) for value in values}
        return None if len(kinds) == 1 else f"a choice holds values of one kind, not {' and '.join(sorted(kinds))}"
    low, high = values
    if isinstance(low, bool) or isinstance(high, bool) or not isinstance(low, int | float):
        return "a range goes from number to number"
    if not isinstance(high, int | float):
        return "a range goes from number to number"
    if low > high:
        return f"the range from {low} to {high} is empty"
    if kind == "log_range" and low <= 0:
        return f"a logarithmic range starts above 0, not at {low}"
    if step is not None and (isinstance(step, bool) or not isinstance(step, int | float) or step <= 0):
        return f"the step of a range is above 0, not {describe(step)}"
    return None


def _kind(value: Evaluated) -> str:
    match value:
        case bool():
            return "flags"
        case int() | float():
            return "numbers"
        case str() | Word():
            return "strings"
        case tuple():
            return "tuples"
        case Applied() | LayerArgument():
            return "layers"
        case _:
            return "None"


def plain(value: Evaluated) -> Evaluated:
    """The value without the mark that it was taken from a search."""
    match value:
        case Chosen():
            return plain(value.value)
        case tuple():
            return tuple(plain(part) for part in value)
        case _:
            return value


def describe(value: Evaluated) -> str:
    """A value as a message shows it."""
    match value:
        case None:
            return "None"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case Word():
            return f"`{value.text}`"
        case tuple():
            inner = ", ".join(describe(part) for part in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case Applied() | LayerArgument():
            return f"`{value.name}(...)`"
        case Chosen():
            return describe(value.value)
        case Broken():
            return "an impossible search"
        case _:
            return str(value)
