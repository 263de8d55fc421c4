"""Source locations of ops: how rewriting keeps them, how messages show them, and how they become spans of a source.

xDSL gives every op a location but its rewriter drops it; whoever makes ops in a pass goes through `inherit_location`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    IntAttr,
    LocationAttr,
    NameLoc,
    NoneAttr,
    StringAttr,
    UnknownLoc,
)
from xdsl.ir import Attribute, Operation

from neuralc.grammar.diagnostics import Source, Span

UNKNOWN = UnknownLoc()


def file_location(file: str, line: int, column: int) -> FileLineColLoc:
    """The location of a place in a text; line and column count from 1."""
    return FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(column))


def fuse_locations(locations: Iterable[LocationAttr]) -> LocationAttr:
    """One location that stands for all the given ones: flattened, without repetitions and unknowns."""
    parts: dict[LocationAttr, None] = {}
    for location in locations:
        if isinstance(location, FusedLoc) and isinstance(location.locations, ArrayAttr):
            parts.update((part, None) for part in location.locations if not isinstance(part, UnknownLoc))
        elif not isinstance(location, UnknownLoc):
            parts[location] = None
    if not parts:
        return UNKNOWN
    if len(parts) == 1:
        return next(iter(parts))
    return FusedLoc(ArrayAttr(parts), NoneAttr())


def inherit_location(new: Operation, location: LocationAttr) -> None:
    """Give `location` to an op and to the ops inside it, where they have none of their own."""
    for op in new.walk():
        if isinstance(op.location, UnknownLoc):
            op.location = location


def file_positions(location: Attribute) -> Iterator[FileLineColLoc]:
    """Every place in a file that a location names, the most specific one first."""
    match location:
        case FileLineColLoc():
            yield location
        case NameLoc():
            yield from file_positions(location.location)
        case CallSiteLoc():
            yield from file_positions(location.callee)
            yield from file_positions(location.caller)
        case FusedLoc(locations=ArrayAttr() as parts):
            for part in parts:
                yield from file_positions(part)
        case _:
            return


def describe_location(location: Attribute) -> str:
    """`file:line:column` of the first place a location names, else the name of a node, or the empty string."""
    place = next(file_positions(location), None)
    if place is None:
        return next(_names(location), "")
    return f"{place.filename.data}:{place.line.data}:{place.column.data}"


def _names(location: Attribute) -> Iterator[str]:
    """The names in a location that has no places: those of the nodes of an imported model."""
    match location:
        case NameLoc():
            yield location.desc.data
        case FusedLoc(locations=ArrayAttr() as parts):
            for part in parts:
                yield from _names(part)
        case _:
            return


def span_of(location: Attribute, source: Source | None = None) -> Span | None:
    """The span of an op's location, from `source` when it has that name, else from the file when it can be read.

    The span is the word at that place: a location holds no end.
    """
    place = next(file_positions(location), None)
    if place is None:
        return None
    name = place.filename.data
    text = source if source is not None and source.name == name else _read(name)
    if text is None:
        return _placeless_span(name, place.line.data, place.column.data)
    if place.line.data > len(text.line_starts) or place.line.data < 1:
        return None
    start = text.line_starts[place.line.data - 1] + place.column.data - 1
    end = start
    while end < len(text.text) and (text.text[end].isalnum() or text.text[end] in "_.%"):
        end += 1
    return Span(text, min(start, len(text.text)), min(max(end, start + 1), len(text.text)))


def _read(name: str) -> Source | None:
    try:
        return _read_version(name, Path(name).stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=16)
def _read_version(name: str, time_stamp: int) -> Source:
    """Every op of a model asks for its file; a file that was edited meanwhile is another one."""
    return Source(name, Path(name).read_text(encoding="utf-8"))


def _placeless_span(name: str, line: int, column: int) -> Span:
    """A span in a text we do not have: blank lines stand in, so that line and column are still said."""
    text = "\n" * (line - 1) + " " * column
    offset = len(text) - 1
    return Span(Source(name, text), offset, offset + 1)
