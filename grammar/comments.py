"""The comments of a text, which the parser leaves out, handed out in their order as a printer comes to them."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from neuralc.grammar.diagnostics import Source

_STRING_OR_COMMENT = re.compile(r""""[^"\n]*"|'[^'\n]*'|(?P<comment>(?:#|//)[^\n]*)""")
_SIGN = re.compile(rf"{_STRING_OR_COMMENT.pattern}|(?P<sign>[(){{}}:])")
_SEPARATOR = re.compile(r"[ \t]*[;,]?[ \t]*")


@dataclass(frozen=True)
class Comment:
    """`# text` or `// text`, where it starts, and whether an empty line stands before it."""

    text: str
    start: int
    after_blank: bool


class Comments:
    """Gives each comment once."""

    def __init__(self, source: Source) -> None:
        self._text = source.text
        matches = (match for match in _STRING_OR_COMMENT.finditer(source.text) if match["comment"])
        self._all = [_comment(source, match) for match in matches]
        self._starts = [comment.start for comment in self._all]
        self._next = 0

    def before(self, position: int) -> list[Comment]:
        """Those that start before a position and were not given yet."""
        first, self._next = self._next, max(self._next, bisect_left(self._starts, position))
        return self._all[first : self._next]

    def behind(self, position: int) -> Comment | None:
        """The one that follows a position on its line, with nothing but a separator between them."""
        if self._next == len(self._all):
            return None
        comment = self._all[self._next]
        gap = _SEPARATOR.match(self._text, position)
        if gap is None or gap.end() != comment.start:
            return None
        self._next += 1
        return comment

    def inside(self, start: int, end: int) -> bool:
        """Whether one that was not given yet stands in a stretch of the text."""
        first = max(self._next, bisect_left(self._starts, start))
        return first < len(self._starts) and self._starts[first] < end


class Signs:
    """Where brackets and colons stand, outside of strings and comments."""

    def __init__(self, source: Source) -> None:
        self._places: dict[str, list[int]] = {sign: [] for sign in "(){}:"}
        for match in _SIGN.finditer(source.text):
            if match["sign"]:
                self._places[match["sign"]].append(match.start())

    def behind(self, sign: str, position: int) -> int:
        """The end of the first one at or behind a position; it has to be there."""
        places = self._places[sign]
        return places[bisect_left(places, position)] + 1

    def before(self, sign: str, position: int) -> int:
        """The end of the last one before a position; it has to be there."""
        places = self._places[sign]
        return places[bisect_left(places, position) - 1] + 1


def _comment(source: Source, match: re.Match[str]) -> Comment:
    line = source.position(match.start())[0]
    alone = not source.text[source.line_starts[line - 1] : match.start()].strip()
    return Comment(match["comment"].rstrip(), match.start(), alone and line > 1 and not source.line(line - 1).strip())
