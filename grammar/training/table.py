"""The form of the tables: named things with parameters, found by any spelling of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from neuralc.grammar.diagnostics import Diagnostic, Span, suggest
from neuralc.grammar.parameters import Converted, Kind, Optional, Parameter, Parameters, Several
from neuralc.grammar.values import Evaluated

OTHER_NAMES = {"lr": "learning_rate"}
"""Names of parameters that PyTorch and older versions of Keras have for the same thing."""

Check: TypeAlias = Callable[[Mapping[str, Any]], str | None]
"""Says what is wrong with parameters that are right one by one: "`boundaries` go up"."""


@dataclass(frozen=True)
class Entry:
    """One optimizer, loss, ...: what it takes, and where its meaning and its defaults are defined."""

    name: str
    parameters: Parameters
    source: str
    doc: str
    aliases: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()

    def parameter(self, name: str | None, index: int) -> Parameter | None:
        """The parameter that an argument is for, by its name here or elsewhere, or else by its position."""
        if name is None:
            return self.parameters[index] if index < len(self.parameters) else None
        found = {parameter.name: parameter for parameter in self.parameters}
        return found.get(name, found.get(OTHER_NAMES.get(name, name)))


@dataclass(frozen=True)
class Table:
    """Entries of one noun. `elsewhere` are names of other frameworks, and how to say the same here."""

    noun: str
    code: str
    entries: tuple[Entry, ...]
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries)

    @cached_property
    def _spellings(self) -> dict[str, Entry]:
        found = {_key(entry.name): entry for entry in self.entries}
        return {_key(alias): entry for entry in self.entries for alias in entry.aliases} | found

    def find(self, name: str) -> Entry | None:
        """By its name in any case, in snake_case or CamelCase, or by an alias."""
        return self._spellings.get(_key(name))

    def unknown(self, name: str, span: Span | None) -> Diagnostic:
        """The error for a name that no entry has."""
        there = self.elsewhere.get(_key(name))
        spellings = [*self.names, *(alias for entry in self.entries for alias in entry.aliases)]
        help = suggest(name, spellings) if there is None else f"write `{there}`"
        notes = (f"known are {', '.join(self.names)}",) if help is None else ()
        return Diagnostic(self.code, f"unknown {self.noun} `{name}`", span, notes, help)


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


@dataclass(frozen=True)
class CallOf:
    """A parameter that is an entry of a table, `Adam(0.1)` or `adam`, or what `other` takes.

    The clauses bind such a call with its own parameters, so any value passes here."""

    table: Table
    other: Kind | None = None

    @property
    def description(self) -> str:
        noun = self.table.noun
        call = f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
        return call if self.other is None else f"{self.other.description}, or {call}"

    def convert(self, value: Evaluated) -> Converted:
        return Converted(value)


def called_table(kind: Kind) -> Table | None:
    """The table whose entries a parameter takes, if it takes calls."""
    match kind:
        case CallOf():
            return kind.table
        case Optional() | Several():
            return called_table(kind.kind)
        case _:
            return None


def p(name: str, kind: Kind, default: Any, doc: str = "") -> Parameter:
    """A parameter with a default."""
    return Parameter(name, kind, default, doc)


def needs(name: str, kind: Kind, doc: str) -> Parameter:
    """A parameter without a default."""
    return Parameter(name, kind, doc=doc)
