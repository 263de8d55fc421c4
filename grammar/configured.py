"""What clauses keep: named things with their parameters, where a search stays a search.

Adam(learning_rate=HPO(log_range(1e-4, 1e-2)))   ->   Configured("Adam", {"learning_rate": Space("log_range", ..)})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from neuralc.grammar.binding import Given, bind
from neuralc.grammar.diagnostics import Diagnostic, Span
from neuralc.grammar.parameters import Kind, Optional, Several, Unfit
from neuralc.grammar.quoted import looks_like_a_call, no_call
from neuralc.grammar.training.kinds import Either
from neuralc.grammar.training.table import CallOf, Entry, Table
from neuralc.grammar.values import Applied, Chosen, Evaluated, Report, Space, Word, describe, is_broken, plain


@dataclass(frozen=True)
class Configured:
    """An optimizer, a schedule, a loss, ...: its name in the table, and the parameters that were written."""

    name: str
    arguments: Mapping[str, Kept] = field(default_factory=dict)
    span: Span | None = field(default=None, compare=False)


Kept: TypeAlias = "bool | int | float | str | tuple[Kept, ...] | Configured | Space | None"
"""A value of a clause. The values of a Space are Kept too."""


@dataclass(frozen=True)
class Keeper:
    """Converts what was written to what is kept; errors go to `report`."""

    report: Report

    def keep(self, about: str, kind: Kind, value: Evaluated, span: Span) -> Kept:
        """A value that `bind` has checked, but for calls of tables, which are checked here."""
        if isinstance(value, Chosen) and value.space.kind == "choice":
            options = (self.keep(about, kind, option, value.space.span) for option in value.space.values)
            return replace(value.space, values=tuple(options))
        if isinstance(kind, Optional):
            return None if value is None else self.keep(about, kind.kind, value, span)
        if isinstance(kind, Either):
            return self.keep(about, kind.first if _takes(kind.first, value) else kind.second, value, span)
        if isinstance(kind, Several):
            parts = value if isinstance(value, tuple) else (value,)
            return tuple(self.keep(about, kind.kind, part, span) for part in parts)
        if isinstance(value, Chosen):
            return self._range(about, kind, value.space)
        if isinstance(kind, CallOf):
            return self._call(about, kind, value, span)
        converted: Kept = kind.convert(value).value
        return converted

    def _range(self, about: str, kind: Kind, space: Space) -> Space:
        """Both ends have to fit, and the first step: the ends of whole numbers are not rounded here."""
        low, high = space.values
        second = low if space.step is None or low + space.step > high else low + space.step
        kept = [self._number(about, kind, number, space.span) for number in (low, high, second)]
        return replace(space, values=tuple(kept[:2]))

    def _number(self, about: str, kind: Kind, number: int | float, span: Span) -> Kept:
        if isinstance(kind, CallOf):
            return self._call(about, kind, number, span)
        try:
            converted: Kept = kind.convert(number).value
        except Unfit as unfit:
            self.report(unfit.diagnostic(about, span))
            return None
        return converted

    def _call(self, about: str, kind: CallOf, value: Evaluated, span: Span) -> Kept:
        value = plain(value)
        if isinstance(value, Word | Applied | str):
            return self.configured(kind.table, value, span)
        if is_broken(value):
            return None
        if kind.other is None:
            self.report(Diagnostic("E0305", f"{about} is {kind.description}, not {describe(value)}", span))
            return None
        try:
            converted: Kept = kind.other.convert(value).value
        except Unfit as unfit:
            message = f"is {kind.description}, not {describe(value)}"
            self.report(Unfit(unfit.code, message).diagnostic(about, span))
            return None
        return converted

    def configured(self, table: Table, value: Word | Applied | str, span: Span) -> Configured | None:
        """The entry of a table that a word, a string or a call names, with its parameters checked."""
        name = value.name if isinstance(value, Applied) else value.text if isinstance(value, Word) else value
        entry = table.find(name)
        if entry is None and isinstance(value, str) and looks_like_a_call(value):
            self.report(no_call(value, span))
            return None
        if entry is None:
            self.report(table.unknown(name, span))
            return None
        place = value.span if isinstance(value, Applied) else span
        given = [
            Given(_own_name(entry, argument, index), inner, where)
            for index, (argument, inner, where) in enumerate(value.arguments if isinstance(value, Applied) else ())
        ]
        what = f"`{entry.name}`"
        bound = bind(what, entry.parameters, (), given, place, self.report)
        if bound is None:
            return None
        for check in entry.checks:
            problem = check(bound.values)
            if problem is not None:
                self.report(Diagnostic("E0314", f"{what}: {problem}", place))
        return Configured(
            entry.name,
            {
                parameter.name: self.keep(
                    f"{what}: `{parameter.name}`",
                    parameter.kind,
                    bound.written[parameter.name],
                    bound.spans[parameter.name],
                )
                for parameter in entry.parameters
                if parameter.name in bound.written
            },
            place,
        )


def _own_name(entry: Entry, name: str | None, index: int) -> str | None:
    """The name that a parameter of another framework has here."""
    found = None if name is None else entry.parameter(name, index)
    return name if found is None else found.name


def _takes(kind: Kind, value: Evaluated) -> bool:
    try:
        kind.convert(value)
    except Unfit:
        return False
    return True
