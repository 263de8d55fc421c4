"""The names of values and shared layers within one body, and which of them are used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Span


@dataclass
class Name:
    """A name that an assignment, an input or a branch gives; `shared` ones are layers that are called again.

    A `forked` one is a branch that starts from the running value."""

    span: Span
    shared: bool = False
    value: bool = True
    used: bool = False
    branch: bool = False
    forked: bool = False


@dataclass
class Names:
    """One body's names; the ones around it are seen too, and `captured` tells that one of them was used."""

    called: frozenset[str] = frozenset()
    """Assigned names that are called somewhere in the body: layers rather than values."""
    outer: Names | None = None
    own: dict[str, Name] = field(default_factory=dict)
    captured: bool = False
    unused: list[tuple[str, Name]] = field(default_factory=list)

    def define(self, name: str, entry: Name) -> None:
        """A later definition hides an earlier one."""
        earlier = self.own.get(name)
        if earlier is not None and not earlier.used:
            self.unused.append((name, earlier))
        self.own[name] = entry

    def find(self, name: str) -> Name | None:
        """Marks what it finds as used, and the bodies between here and there as capturing."""
        between: list[Names] = []
        for names in self._outwards():
            found = names.own.get(name)
            if found is not None:
                found.used = True
                for inner in between:
                    inner.captured = True
                return found
            between.append(names)
        return None

    def has(self, name: str) -> bool:
        return any(name in names.own for names in self._outwards())

    def visible(self) -> list[str]:
        """All names that may be used here."""
        return [name for names in self._outwards() for name in names.own]

    def _outwards(self) -> Iterator[Names]:
        """These names, and those of each body around."""
        names: Names | None = self
        while names is not None:
            yield names
            names = names.outer

    def left(self) -> Iterator[tuple[str, Name]]:
        """Names that nothing used, at the end of the body. One that begins with `_` says that this is meant."""
        for name, entry in (*self.unused, *self.own.items()):
            if not (entry.used or entry.branch or name.startswith("_")):
                yield name, entry


@dataclass(frozen=True)
class Mentions:
    """What the items of a body mention: names that stand where a layer is called, and where a value may stand."""

    called: frozenset[str]
    values: frozenset[str]
    assigned: frozenset[str]


class Mentioned:
    """Looks through bodies, each once: those around a block ask for what is in it again."""

    def __init__(self) -> None:
        self._known: dict[int, Mentions] = {}

    def by(self, items: Sequence[t.Item]) -> Mentions:
        """What items and the blocks in them mention; items are those of a tree that lives as long as this."""
        known = self._known.get(id(items))
        if known is None:
            known = self._known[id(items)] = self._look(items)
        return known

    def _look(self, items: Sequence[t.Item]) -> Mentions:
        called: set[str] = set()
        values: set[str] = set()
        assigned: set[str] = set()
        for item in items:
            if isinstance(item, t.Branch):
                values.add(item.name.value)
            else:
                called.add(item.name.value)
                assigned |= {target.value for target in item.targets}
                for argument in (*item.arguments, *(item.applied or ())):
                    values |= set(names_in(argument.value))
                    called |= set(calls_in(argument.value))
            if item.block is not None:
                inner = self.by(item.block.items)
                called |= inner.called
                values |= inner.values
                assigned |= inner.assigned
        return Mentions(frozenset(called), frozenset(values), frozenset(assigned))


def calls_in(value: t.Value) -> Iterator[str]:
    """The layers that a value holds: `TimeDistributed(Encoder())`."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        match part:
            case t.Call():
                yield part.name.value
                waiting += [argument.value for argument in part.arguments]
            case t.Sequence():
                waiting += part.items
            case _:
                pass


def names_in(value: t.Value) -> Iterator[str]:
    """The bare words that a value holds."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        match part:
            case t.Name():
                yield part.value
            case t.Sequence():
                waiting += part.items
            case t.Hpo():
                waiting += part.values
            case t.Calculation():
                waiting += part.operands
            case t.Call():
                waiting += [argument.value for argument in part.arguments]
            case _:
                pass
