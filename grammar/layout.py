"""Lays out nested text: on one line what fits and was written so, else over several lines, each comment in its place.

A `Leaf` is never broken, a `Group` is brackets around parts, a `Run` is several of them in a row. `Layout.show` prints:

    Residual { Dense(3) ReLU() }          Residual {  # a comment
                                            Dense(3)
                                            ReLU()
                                          }

Of a run as few groups are broken as make it fit, the longest first. Comments inside of what is not broken go before it,
so that none is lost. What is asked for again and again, the width of a node, is known after the first time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from neuralc.grammar.comments import Comments
from neuralc.grammar.diagnostics import Source

WIDTH = 100
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n[ \t\r\n]*\Z")


@dataclass(frozen=True)
class Style:
    """How parts stand in their brackets."""

    between: str
    padding: str
    broken: Literal["filled", "rows", "lines"]
    """As many on a line as fit, with commas; those in a row that were; one a line."""
    keeps_lines: bool
    """Whether it is broken where it was, even if it fits."""


VALUES = Style(", ", "", "filled", keeps_lines=False)
ITEMS = Style(" ", " ", "rows", keeps_lines=True)
ENTRIES = Style(" ", " ", "lines", keeps_lines=True)
NOTES = Style(" ", " ", "lines", keeps_lines=False)
PORTS = Style(", ", " ", "lines", keeps_lines=False)


@dataclass(frozen=True)
class Leaf:
    """Text of the characters `start` to `end` of the source."""

    flat: str
    start: int
    end: int

    @property
    def width(self) -> int:
        return len(self.flat)


@dataclass(frozen=True)
class Group:
    """`opening part, part closing`, up to the character `end` of the source."""

    opening: str
    parts: Sequence[Node]
    closing: str
    style: Style
    opened: int
    """Behind the opening in the source: a comment there stays on its line."""
    end: int
    always: bool = False
    """It is broken wherever what stands around it is."""

    @cached_property
    def width(self) -> int:
        between = len(self.style.between) * (len(self.parts) - 1) if self.parts else 0
        return len(self._left) + sum(part.width for part in self.parts) + between + len(self._right)

    @property
    def inner_width(self) -> int:
        """What a broken one no longer takes on the lines of its brackets."""
        return self.width - len(self.opening) - len(self.closing)

    @property
    def start(self) -> int:
        return self.opened - len(self.opening)

    @property
    def flat(self) -> str:
        """All on one line. Not kept, and asked for only where it fits: each level would have a copy of those inside."""
        return self._left + self.style.between.join(part.flat for part in self.parts) + self._right

    @property
    def _left(self) -> str:
        return self.opening + (self.style.padding if self.parts or self.closing else "")

    @property
    def _right(self) -> str:
        return (self.style.padding if self.parts and self.closing else "") + self.closing


@dataclass(frozen=True)
class Run:
    """Leaves and groups with nothing between them: `Dense(`..`) @ "cpu" * 2`."""

    segments: Sequence[Leaf | Group]
    start: int
    end: int

    @cached_property
    def width(self) -> int:
        return sum(segment.width for segment in self.segments)

    @property
    def flat(self) -> str:
        return "".join(segment.flat for segment in self.segments)


Node: TypeAlias = "Leaf | Group | Run"


def segments(node: Node) -> Sequence[Leaf | Group]:
    return node.segments if isinstance(node, Run) else (node,)


class Layout:
    """Prints nodes of one source into `lines`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.comments = Comments(source)
        self.lines: list[str] = []

    # --- lines -------------------------------------------------------------------------------------------------------
    def line(self, text: str, depth: int) -> None:
        self.lines.append("  " * depth + text)

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def lead(self, node: Node, depth: int, *, first: bool = False) -> None:
        """Comments before a node, and the empty line before it, if there is one."""
        first = self._comments(node.start, depth, first=first)
        if not first and _BLANK_LINE.search(self.source.text, self._gap(node.start), node.start):
            self.blank()

    def flush(self, position: int, depth: int) -> None:
        """Comments that stand before a position, on lines of their own."""
        self._comments(position, depth)

    def _comments(self, position: int, depth: int, *, first: bool = False) -> bool:
        """Whether what follows is still the first."""
        for comment in self.comments.before(position):
            if comment.after_blank and not first:
                self.blank()
            self.line(comment.text, depth)
            first = False
        return first

    def _gap(self, position: int) -> int:
        """Where the blanks before a position begin."""
        while position > 0 and self.source.text[position - 1] in " \t\r\n":
            position -= 1
        return position

    def trail(self, position: int) -> None:
        """A comment behind what the last line ends with."""
        comment = self.comments.behind(position)
        if comment is not None:
            self.lines[-1] += f"  {comment.text}"

    # --- nodes -------------------------------------------------------------------------------------------------------
    def show(self, node: Node, depth: int, after: str = "") -> None:
        """Prints a node, on as many lines as it takes; `after` follows it."""
        if self._astray(node):
            self._comments(node.end, depth, first=True)
        broken = self._broken(segments(node), depth, after)
        text, inner = "", depth
        for index, segment in enumerate(segments(node)):
            if isinstance(segment, Leaf) or index not in broken:
                text += segment.flat
                continue
            self._comments(segment.opened, inner, first=inner == depth)
            self.line(text + segment.opening, depth)
            self.trail(segment.opened)
            self._inside(segment, depth + 1)
            self.flush(segment.end, depth + 1)
            text, inner = segment.closing, depth + 1
        if text or after:
            self._comments(node.end, inner, first=inner == depth)
            self.line(text + after, depth)
        self.trail(node.end)

    def _astray(self, node: Node) -> bool:
        """Whether comments of a node cannot stay: its segments were written in another order, or one is between two."""
        ends = [segment.end for segment in segments(node)]
        if ends != sorted(ends):
            return True
        groups = [segment for segment in segments(node) if isinstance(segment, Group)]
        starts = [*(group.opened for group in groups[1:]), node.end]
        return any(self.comments.inside(group.end, start) for group, start in zip(groups, starts, strict=False))

    def _broken(self, run: Sequence[Leaf | Group], depth: int, after: str) -> set[int]:
        """Which groups of a run are broken."""
        groups = [(index, group) for index, group in enumerate(run) if isinstance(group, Group)]
        broken = {index for index, group in groups if self._has_to_be(group)}
        width = 2 * depth + len(after) + sum(each.width for each in run)
        width -= sum(group.inner_width for index, group in groups if index in broken)
        by_width = sorted(groups, key=lambda each: (each[1].style.broken == "filled", -each[1].width))
        for index, group in by_width:
            if width > WIDTH and index not in broken and group.parts:
                broken.add(index)
                width -= group.inner_width
        return broken

    def _has_to_be(self, group: Group) -> bool:
        if group.always or self.comments.inside(group.opened, group.end):
            return True
        return group.width <= WIDTH and self._was_broken(group)

    def _was_broken(self, node: Node) -> bool:
        """Whether it, or something in it, was written on several lines and stays so."""
        for segment in segments(node):
            if not isinstance(segment, Group):
                continue
            if segment.style.keeps_lines and self.source.text.find("\n", segment.opened, segment.end) >= 0:
                return True
            if any(self._was_broken(part) for part in segment.parts):
                return True
        return False

    # --- the inside of a broken group --------------------------------------------------------------------------------
    def _inside(self, group: Group, depth: int) -> None:
        match group.style.broken:
            case "filled":
                self._filled(group, depth)
            case "rows":
                self._rows(group, depth)
            case "lines":
                for index, part in enumerate(group.parts):
                    self.lead(part, depth, first=index == 0)
                    self.show(part, depth)

    def _rows(self, group: Group, depth: int) -> None:
        for index, row in enumerate(self._in_rows(group.parts, depth)):
            self.lead(row[0], depth, first=index == 0)
            if len(row) == 1:
                self.show(row[0], depth)
            else:
                self.line(" ".join(part.flat for part in row), depth)
                self.trail(row[-1].end)

    def _in_rows(self, parts: Sequence[Node], depth: int) -> Iterator[Sequence[Node]]:
        """Parts that stood on one line stay there while they fit."""
        row: list[Node] = []
        width = 2 * depth
        for part in parts:
            width += 1 + part.width
            if row and width <= WIDTH and self._beside(row[0], part):
                row.append(part)
                continue
            if row:
                yield row
            row, width = [part], 2 * depth + part.width
        if row:
            yield row

    def _beside(self, first: Node, part: Node) -> bool:
        new_line = self.source.text.find("\n", first.start, part.end) >= 0
        return not new_line and not self.comments.inside(first.start, part.end)

    def _filled(self, group: Group, depth: int) -> None:
        """Parts with commas, as many on each line as fit; one a line where there are comments."""
        commented = self.comments.inside(group.opened, group.end)
        row: list[str] = []
        width = 2 * depth - 1
        for index, part in enumerate(group.parts):
            comma = "," if index + 1 < len(group.parts) else ""
            alone = commented or 2 * depth + part.width + len(comma) > WIDTH or self._was_broken(part)
            if row and (alone or width + 1 + part.width + len(comma) > WIDTH):
                self.line(" ".join(row), depth)
                row, width = [], 2 * depth - 1
            if alone:
                self._comments(part.start, depth, first=True)
                self.show(part, depth, comma)
            else:
                row.append(part.flat + comma)
                width += 1 + part.width + len(comma)
        if row:
            self.line(" ".join(row), depth)
