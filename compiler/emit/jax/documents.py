"""Nested literals and calls in emitted text, broken as `ruff format` breaks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from neuralc.emit.python.expressions import Expression, literal
from neuralc.emit.python.writer import Writer

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


def write_document(writer: Writer, before: str, document: Document, after: str = "") -> None:
    """`before`, the document and `after`; what is too long for a line is broken, from the outside in."""
    if writer.fits(before + document.text + after):
        writer.line(before + document.text + after)
        return
    match document:
        case Expression(arguments=None):
            writer.line(before + document.text + after)
        case Expression():
            writer.broken(f"{before}{document.head}(", document.arguments or (), f"){after}")
        case Mapped():
            writer.line(before + "{")
            with writer.indented():
                for key, value in document.items:
                    write_document(writer, f"{key}: ", value, ",")
            writer.line("}" + after)
        case Repeated():
            writer.comprehension(before + "[", document.item, document.loop, "]" + after)
        case Listed():
            writer.line(before + "[")
            with writer.indented():
                for value in document.items:
                    write_document(writer, "", value, ",")
            writer.line("]" + after)
