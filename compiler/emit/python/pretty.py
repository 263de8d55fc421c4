"""Documents that know where their lines may end, and what they look like in a given width (Wadler, A prettier printer).

A group is written on one line where it fits up to the next place that may end a line, else it is broken at all of its
own places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Line:
    """The end of a line where the group around it is broken; else `flat`."""

    flat: str = " "


@dataclass(frozen=True)
class IfBroken:
    """Text where the group around it is broken: a trailing comma."""

    text: str


@dataclass(frozen=True)
class Group:
    parts: Document


@dataclass(frozen=True)
class Indented:
    parts: Document


Document: TypeAlias = "str | Line | IfBroken | Group | Indented | Sequence[Document]"
_Pending: TypeAlias = "tuple[int, bool, Document]"
"""An indentation, whether the group around is broken, and what is to be written there."""

SOFT = Line("")
INDENT = 4


def printed(document: Document, width: int) -> list[str]:
    """The lines of a document."""
    lines, line = [], ""
    pending: list[_Pending] = [(0, True, document)]
    while pending:
        indent, broken, part = pending.pop()
        match part:
            case str():
                line += part
            case Line() if broken:
                lines.append(line.rstrip())
                line = " " * indent
            case Line():
                line += part.flat
            case IfBroken():
                line += part.text if broken else ""
            case Group():
                flat = _fits(width - len(line), (indent, False, part.parts), pending)
                pending.append((indent, not flat, part.parts))
            case Indented():
                pending.append((indent + INDENT, broken, part.parts))
            case _:
                pending += [(indent, broken, item) for item in reversed(part)]
    return [*lines, line]


def _fits(room: int, first: _Pending, behind: Sequence[_Pending]) -> bool:
    """Whether what is pending fits up to the first place that ends the line."""
    rest = list(behind)
    pending = [first]
    while room >= 0:
        if not pending:
            if not rest:
                return True
            pending.append(rest.pop())
        indent, broken, part = pending.pop()
        match part:
            case str():
                room -= len(part)
            case Line() if broken:
                return True
            case Line():
                room -= len(part.flat)
            case IfBroken():
                room -= len(part.text) if broken else 0
            case Group() | Indented():
                pending.append((indent, broken, part.parts))
            case _:
                pending += [(indent, broken, item) for item in reversed(part)]
    return False
