"""Evaluates written values: constants, parameters of macros, tuples, and the one value taken from a search."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from neuralc.grammar import tree as t
from neuralc.grammar.calculation import calculate
from neuralc.grammar.diagnostics import Diagnostic, Span, note

MOST_DESCRIBED = 20
"""Parts of a tuple that a message shows."""


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
class Space:
    """What `HPO(...)` searches in. An option of a choice that is a search itself is `Chosen`, with its own space."""

    kind: Literal["choice", "range", "log_range"]
    values: tuple[Any, ...]
    """The options of a choice, or the low and the high end of a range; `Evaluated` until a clause converts them."""
    step: int | float | None
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Chosen:
    """The value taken from `HPO(...)`, the first choice or the low end of a range, and what it was taken from."""

    value: Evaluated
    space: Space

    @property
    def of_range(self) -> bool:
        """Whether the value is an end of a range: the ends of whole numbers are rounded."""
        space = self.space
        while space.kind == "choice":
            first = space.values[0]
            if not isinstance(first, Chosen):
                return False
            space = first.space
        return True


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


class Chooser(Protocol):
    """Who takes the one value of a search; `grammar/searches.py` asks the command line."""

    def choose(self, space: Space, report: Report) -> Evaluated: ...


_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "none": None, "null": None}


def evaluate(value: t.Value, scope: Scope, report: Report, searches: Chooser | None = None) -> Evaluated:
    """The value of an expression; errors and notes go to `report`. `searches` takes the values of searches."""
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
            return tuple(evaluate(item, scope, report, searches) for item in value.items)
        case t.Call():
            arguments = tuple(
                (None if a.name is None else a.name.value, evaluate(a.value, scope, report, searches), a.span)
                for a in value.arguments
            )
            return Applied(value.name.value, arguments, value.span)
        case t.Hpo():
            return _search(value, scope, report, searches)
        case t.Calculation():
            return _calculated(value, [_operand(each, scope, report, searches) for each in value.operands], report)


def _operand(value: t.Value, scope: Scope, report: Report, searches: Chooser | None) -> Evaluated:
    """`(a + b)` stands for its one value."""
    while isinstance(value, t.Sequence) and value.brackets == "()" and len(value.items) == 1:
        (value,) = value.items
    return plain(evaluate(value, scope, report, searches))


_NAMES = (
    "numbers have names as parameters of a macro or network; values of the graph are combined by layers: `Add(a, b)`"
)


def _calculated(calculation: t.Calculation, operands: Sequence[Evaluated], report: Report) -> Evaluated:
    numbers: list[int | float] = []
    for written, operand in zip(calculation.operands, operands, strict=True):
        if isinstance(operand, int | float) and not isinstance(operand, bool):
            numbers.append(operand)
        elif not is_broken(operand):
            message = f"`{calculation.operator}` takes numbers, not {describe(operand)}"
            report(Diagnostic("E0316", message, written.span, (), _NAMES if isinstance(operand, Word) else None))
    if len(numbers) < len(operands):
        return Broken()
    try:
        return calculate(calculation.operator, *numbers)
    except ArithmeticError as problem:
        report(Diagnostic("E0316", f"`{calculation.span.text}` is no number: {problem}", calculation.span))
        return Broken()


def _search(search: t.Hpo, scope: Scope, report: Report, searches: Chooser | None) -> Evaluated:
    values: list[Evaluated] = []
    notes: list[list[Diagnostic]] = []
    for option in search.values:
        found: list[Diagnostic] = []
        values.append(evaluate(option, scope, found.append, searches))
        for diagnostic in found:
            if diagnostic.severity == "error":
                report(diagnostic)
        # A search as an option tells its value by the search it stands in.
        notes.append([] if isinstance(option, t.Hpo) else [d for d in found if d.severity != "error"])
    step = None if search.step is None else plain(evaluate(search.step, scope, report, searches))
    problem = _search_problem(search.kind, values, step)
    if problem is not None:
        report(Diagnostic("E0308", problem, search.span))
        return Broken()
    ends = tuple(values) if search.kind == "choice" else tuple(map(plain, values))
    space = Space(search.kind, ends, step if isinstance(step, int | float) else None, search.span)
    taken = (searches or _First()).choose(space, report)
    for value, about in zip(values, notes, strict=True):
        if plain(taken) is plain(value):
            for diagnostic in about:
                report(diagnostic)
    return taken


class _First:
    """Takes the first choice, or the low end."""

    def choose(self, space: Space, report: Report) -> Evaluated:
        report(note("W0302", f"one value is needed here: {taken_by_default(space, 'the search')}", space.span))
        return Chosen(plain(space.values[0]), space)


def taken_by_default(space: Space, search: str) -> str:
    """The half of a sentence that says which value a search gives when nobody chose one."""
    which = "its first choice" if space.kind == "choice" else "its low end"
    return f"{search} takes {which}, {describe(space.values[0])}"


def alternatives(value: Evaluated) -> Iterator[Evaluated]:
    """The value with a search in it decided in other ways: each option, and the high end of a range."""
    match value:
        case Chosen(space=Space(kind="choice", values=(first, *others))):
            for option in others:
                yield option
                yield from alternatives(option)
            yield from alternatives(first)
        case Chosen(space=Space(values=(_, high)) as space):
            yield Chosen(high, space)
        case tuple():
            for index, part in enumerate(value):
                for other in alternatives(part):
                    yield (*value[:index], other, *value[index + 1 :])


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
        return _choice_problem(values)
    low, high = map(plain, values)
    if isinstance(low, bool) or isinstance(high, bool) or not isinstance(low, int | float):
        return "a range goes from number to number"
    if not isinstance(high, int | float):
        return "a range goes from number to number"
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"the ends of a range are finite, not {low} and {high}"
    if low > high:
        return f"the range from {low} to {high} is empty"
    if kind == "log_range" and low <= 0:
        return f"a logarithmic range starts above 0, not at {low}"
    if step is not None and (isinstance(step, bool) or not isinstance(step, int | float) or not 0 < step < math.inf):
        return f"the step of a range is above 0, not {describe(step)}"
    return None


def _choice_problem(values: list[Evaluated]) -> str | None:
    plains = [plain(value) for value in values]
    kinds = {_kind(value) for value in plains if value is not None}
    if "calls" in kinds:
        kinds.discard("numbers")  # `choice(0.1, StepLR(0.1, 30))`; who takes the value knows whether he takes both
        if not any(isinstance(value, str) for value in plains):
            kinds.discard("strings")  # `choice(Adam, SGD(0.1))`: a bare name is a call without arguments
    if len(kinds) > 1:
        return f"a choice holds values of one kind, not {' and '.join(sorted(kinds))}"
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
            return "calls"
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


def identity(value: Evaluated) -> Hashable:
    """What tells values apart that mean different things: not where they stand, but `8` from `8.0` and `"8"`."""
    match value:
        case tuple():
            return "tuple", *map(identity, value)
        case Applied():
            return "call", value.name, *((name, identity(inner)) for name, inner, _ in value.arguments)
        case Chosen():
            return "search", value.space.span, identity(value.value)
        case None | bool() | int() | float() | str() | Word():
            return type(value), value
        case _:
            return "object", id(value)


def parts_of(value: Evaluated, most: int) -> tuple[int, int]:
    """How many values there are in a value, and how many of them are options of searches; no longer than `most`.

    Parts that are one object count as often as they stand.
    """
    waiting, parts, options = [value], 0, 0
    while waiting and parts <= most:
        part = waiting.pop()
        parts += 1
        match part:
            case tuple():
                waiting += part
            case Applied():
                waiting += [inner for _, inner, _ in part.arguments]
            case Chosen():
                waiting += [part.value, *part.space.values]
                options += len(part.space.values)
    return parts, options


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
            inner = ", ".join(describe(part) for part in value[:MOST_DESCRIBED])
            end = ", ..." if len(value) > MOST_DESCRIBED else "," if len(value) == 1 else ""
            return f"({inner}{end})"
        case Applied() | LayerArgument():
            return f"`{value.name}(...)`"
        case Chosen():
            return describe(value.value)
        case Broken():
            return "an impossible search"
        case _:
            return str(value)
