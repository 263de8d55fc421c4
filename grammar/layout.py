"""Lays out nested text: on one line what fits and was written so, else over several lines, each comment in its place.

A `Leaf` is never broken, a `Group` is brackets around parts. `Layout.show` prints a node:

    Residual { Dense(3) ReLU() }          Residual {  # a comment
                                            Dense(3)
                                            ReLU()
                                          }

Comments inside of something that is not broken go before it, so that none is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from neuralc.grammar.comments import Comments
from neuralc.grammar.diagnostics import Source

WIDTH = 100
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n[ \t\r\n]*\Z")


@dataclass(frozen=True)
class Leaf:
    """Text of the characters `start` to `end` of the source."""

    text: str
    start: int
    end: int

    @property
    def width(self) -> int:
        return len(self.text)

    @property
    def flat(self) -> str:
        return self.text


@dataclass(frozen=True)
class Group:
    """`opening part, part closing`, of the characters `start` to `end` of the source.

    Parts with commas are filled into lines, others stand as they were written: one a line, or several in a row.
    """

    opening: str
    parts: tuple[Node, ...]
    closing: str
    start: int
    end: int
    opened: int | None = None
    """Behind what is the opening in the source: a comment there stays on its line."""
    commas: bool = False
    whole: bool = False
    """It is never broken."""
    keeps_lines: bool = False
    """It is broken where its parts were on several lines."""
    before: Group | None = None
    """Parts of its opening, where that is broken too: the arguments of a layer with a block."""

    @cached_property
    def width(self) -> int:
        """The length of `flat`, which is made for no node that does not fit."""
        between = len(self._between) * (len(self.parts) - 1) if self.parts else 0
        inside = sum(part.width for part in self.parts) + between + 2 * len(self._padding)
        return len(self.opening) + inside + len(self.closing)

    @property
    def flat(self) -> str:
        """All on one line."""
        inside = self._between.join(part.flat for part in self.parts)
        padding = self._padding if self.parts else self._padding[:1]
        return f"{self.opening}{padding}{inside}{padding if self.parts else ''}{self.closing}"

    @property
    def _between(self) -> str:
        return ", " if self.commas else " "

    @property
    def _padding(self) -> str:
        return "" if self.commas else " "


Node: TypeAlias = "Leaf | Group"


class Layout:
    """Prints nodes of one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.comments = Comments(source)
        self.lines: list[str] = []

    # --- lines -------------------------------------------------------------------------------------------------------
    def line(self, text: str, depth: int) -> None:
        self.lines.append("  " * depth + text if text else "")

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def lead(self, node: Node, depth: int, *, first: bool = False) -> None:
        """Comments before a node, and the empty line before it, if there is one."""
        for comment in self.comments.before(node.start):
            if comment.after_blank and not first:
                self.blank()
            self.line(comment.text, depth)
            first = False
        if not first and _BLANK_LINE.search(self.source.text, self._gap(node.start), node.start):
            self.blank()

    def _gap(self, position: int) -> int:
        """Where the blanks before a position begin."""
        while position > 0 and self.source.text[position - 1] in " \t\r\n":
            position -= 1
        return position

    def flush(self, position: int, depth: int) -> None:
        """Comments that stand before a position, on lines of their own."""
        for comment in self.comments.before(position):
            if comment.after_blank:
                self.blank()
            self.line(comment.text, depth)

    def trail(self, position: int) -> None:
        """A comment behind what the last line ends with."""
        comment = self.comments.behind(position)
        if comment is not None:
            self.lines[-1] += f"  {comment.text}"

    # --- nodes -------------------------------------------------------------------------------------------------------
    def show(self, node: Node, depth: int, after: str = "") -> None:
        """Prints a node, on as many lines as it takes; `after` follows it."""
        if isinstance(node, Group) and not node.whole and not self.on_one_line(node, depth, after):
            self._broken(node, depth, after)
            return
        self.flush(node.end, depth)
        self.line(node.flat + after, depth)
        self.trail(node.end)

    def on_one_line(self, node: Node, depth: int, after: str = "") -> bool:
        """Whether a node fits into a line, was written so, and has no comment in it."""
        if self.comments.inside(node.start, node.end) or 2 * depth + node.width + len(after) > WIDTH:
            return False
        return not (isinstance(node, Group) and self._was_broken(node))

    def _was_broken(self, group: Group) -> bool:
        start = group.start if group.opened is None else group.opened
        if group.keeps_lines and self.source.text.find("\n", start, group.end) >= 0:
            return True
        return any(isinstance(part, Group) and self._was_broken(part) for part in group.parts)

    def _broken(self, group: Group, depth: int, after: str) -> None:
        head = group.before
        inside = group.parts[0].start if group.parts else group.end
        opened = inside if group.opened is None else group.opened
        if head is not None and (
            self.comments.inside(group.start, opened) or 2 * depth + len(group.opening) + len(group.closing) > WIDTH
        ):
            self._opened(head, depth)
            self.line(head.closing, depth)
        else:
            self.flush(opened, depth)
            self.line(group.opening, depth)
        if group.opened is not None:
            self.trail(group.opened)
        self._inside(group, depth + 1)
        if group.closing:
            self.flush(group.end, depth + 1)
            self.line(group.closing + after, depth)
            self.trail(group.end)

    def _opened(self, group: Group, depth: int) -> None:
        """The opening of a group, and its parts."""
        self.flush(group.start if group.opened is None else group.opened, depth)
        self.line(group.opening, depth)
        if group.opened is not None:
            self.trail(group.opened)
        self._inside(group, depth + 1)
        self.flush(group.end, depth + 1)

    def _inside(self, group: Group, depth: int) -> None:
        if group.commas:
            self._filled(group, depth)
            return
        for index, row in enumerate(self._rows(group.parts, depth)):
            self.lead(row[0], depth, first=index == 0)
            if len(row) == 1:
                self.show(row[0], depth)
            else:
                self.line(" ".join(part.flat for part in row), depth)
                self.trail(row[-1].end)

    def _rows(self, parts: Sequence[Node], depth: int) -> Iterator[Sequence[Node]]:
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
        commented = self.comments.inside(group.start, group.end)
        row: list[str] = []
        width = 2 * depth - 1
        for index, part in enumerate(group.parts):
            comma = "," if index + 1 < len(group.parts) else ""
            alone = commented or 2 * depth + part.width + len(comma) > WIDTH
            if row and (alone or width + 1 + part.width + len(comma) > WIDTH):
                self.line(" ".join(row), depth)
                row, width = [], 2 * depth - 1
            if alone:
                self.lead(part, depth, first=True)
                self.show(part, depth, comma)
            else:
                row.append(part.flat + comma)
                width += 1 + part.width + len(comma)
        if row:
            self.line(" ".join(row), depth)
