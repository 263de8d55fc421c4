"""The comments of a text, which the parser leaves out, handed out in their order as a printer comes to them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neuralc.grammar.diagnostics import Source

_STRING_OR_COMMENT = re.compile(r""""[^"\n]*"|'[^'\n]*'|(?P<comment>(?:#|//)[^\n]*)""")


@dataclass(frozen=True)
class Comment:
    """`# text` or `// text`, where it starts, and whether it has its line for itself."""

    text: str
    start: int
    own_line: bool
    after_blank: bool
    """Whether an empty line stands before it."""


class Comments:
    """Gives each comment once."""

    def __init__(self, source: Source) -> None:
        self._text = source.text
        self._waiting = [_comment(source.text, match) for match in _STRING_OR_COMMENT.finditer(source.text)
                         if match["comment"]]  # fmt: skip

    def before(self, position: int) -> list[Comment]:
        """Those that start before a position and were not given yet."""
        count = next((i for i, c in enumerate(self._waiting) if c.start >= position), len(self._waiting))
        found, self._waiting = self._waiting[:count], self._waiting[count:]
        return found

    def behind(self, position: int) -> Comment | None:
        """The one that follows a position on its line, with nothing but a separator between them."""
        if self._waiting and re.fullmatch(r"[ \t]*[;,]?[ \t]*", self._text[position : self._waiting[0].start]):
            return self._waiting.pop(0)
        return None

    def inside(self, start: int, end: int) -> bool:
        """Whether one stands in a stretch of the text."""
        return any(start <= comment.start < end for comment in self._waiting)


def _comment(text: str, match: re.Match[str]) -> Comment:
    line_start = text.rfind("\n", 0, match.start()) + 1
    own_line = not text[line_start : match.start()].strip()
    before = text[:line_start].split("\n")[-2:-1]
    return Comment(match["comment"].rstrip(), match.start(), own_line, own_line and not "".join(before).strip())
