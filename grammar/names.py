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
        """Marks what it finds as used."""
        own = self.own.get(name)
        if own is not None:
            own.used = True
            return own
        around = None if self.outer is None else self.outer.find(name)
        self.captured = self.captured or around is not None
        return around

    def has(self, name: str) -> bool:
        return name in self.own or (self.outer is not None and self.outer.has(name))

    def visible(self) -> list[str]:
        """All names that may be used here."""
        return [*self.own, *(self.outer.visible() if self.outer is not None else ())]

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


def mentions(items: Sequence[t.Item]) -> Mentions:
    """Looks through the items and the blocks in them, with no recursion: blocks may nest deeply."""
    called: set[str] = set()
    values: set[str] = set()
    assigned: set[str] = set()
    waiting: list[t.Item] = list(items)
    while waiting:
        item = waiting.pop()
        if isinstance(item, t.Branch):
            values.add(item.name.value)
            waiting += item.block.items
            continue
        called.add(item.name.value)
        assigned |= {target.value for target in item.targets}
        for argument in (*item.arguments, *(item.applied or ())):
            values |= set(_names(argument.value))
            called |= set(_calls(argument.value))
        if item.block is not None:
            waiting += item.block.items
    return Mentions(frozenset(called), frozenset(values), frozenset(assigned))


def _calls(value: t.Value) -> Iterator[str]:
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


def _names(value: t.Value) -> Iterator[str]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        match part:
            case t.Name():
                yield part.value
            case t.Sequence():
                waiting += part.items
            case t.Call():
                waiting += [argument.value for argument in part.arguments]
            case _:
                pass
