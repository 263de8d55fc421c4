"""The tutorial does what it says: its chapters are executed, and what they show is what is printed.

NEURALC_UPDATE_GOLDEN=1 pytest tests/e2e/test_tutorial.py    writes what was printed into the chapters.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.chapters import Chapter, agrees, rewritten
from support.documents import ROOT, fences
from support.plugins import forget

CHAPTERS = sorted((ROOT / "docs" / "tutorial").glob("[0-9]*.md"))


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal of 100 columns without colours; plugins of a chapter go with it."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    yield
    forget()


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_chapter_shows_what_happens(page: Path, tmp_path: Path) -> None:
    printed = list(Chapter(page, tmp_path).run())
    if os.environ.get("NEURALC_UPDATE_GOLDEN"):
        page.write_text(rewritten(page, printed), encoding="utf-8")
        return
    for fence, step, output in printed:
        assert agrees(step.expected, output), f"{fence}: {step.source}\nprints\n{output}\ninstead of\n{step.expected}"


def test_chapters_are_listed_in_their_order() -> None:
    index = (ROOT / "docs" / "tutorial" / "README.md").read_text(encoding="utf-8")
    places = [index.index(f"({page.name})") for page in CHAPTERS]
    assert len(CHAPTERS) == 6
    assert places == sorted(places)


def test_a_chapter_executes_all_its_code() -> None:
    """Blocks of other languages are files, programs, or marked as text."""
    for page in CHAPTERS:
        for fence in fences(page):
            known = fence.language in ("nr", "console", "pycon", "text", "mlir") or fence.text.startswith("# file: ")
            assert known, f"{fence}: `{fence.language}` is not executed"
