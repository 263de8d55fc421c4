"""Nested literals and calls of emitted text, while they are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from neuralc.emit.python.expressions import Expression, literal

Document: TypeAlias = "Expression | Mapped | Listed | Repeated"


@dataclass(frozen=True)
class Mapped:
    """`{"a": .., "b": ..}`."""

    items: tuple[tuple[str, Document], ...]

    @property
    def text(self) -> str:
        return "{" + ", ".join(f"{key}: {value.text}" for key, value in self.items) + "}"


@dataclass(frozen=True)
class Listed:
    """`[a, b]`."""

    items: tuple[Document, ...]

    @property
    def text(self) -> str:
        return "[" + ", ".join(item.text for item in self.items) + "]"


@dataclass(frozen=True)
class Repeated:
    """`[item for _ in range(count)]`."""

    item: Expression
    count: str

    @property
    def loop(self) -> str:
        return f"for _ in range({self.count})"

    @property
    def text(self) -> str:
        return f"[{self.item} {self.loop}]"


def mapped(items: dict[str, Document]) -> Mapped:
    return Mapped(tuple((literal(key), value) for key, value in items.items()))
