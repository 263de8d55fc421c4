"""The fenced blocks of the documents: where they stand, what their first line says about them, their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Fence:
    """A block: ` ```nr error E0211 ` has the language `nr` and the notes `error`, `E0211`."""

    document: Path
    line: int
    language: str
    notes: tuple[str, ...]
    text: str
    start: int
    """Where the text begins in the document."""

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def fences(document: Path) -> Iterator[Fence]:
    """The blocks of a document, in order."""
    text = document.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        language, *notes = match["info"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        yield Fence(document, line, language, tuple(notes), match["text"], match.start("text"))
