"""Every program of the documents does what is said of it.

    ```nr                    loads without errors and warnings
    ```nr error E0211        gives this error and no other, or these where several are named
    ```nr warning W0401      gives this warning or note, and no error
    ```nr chapter            needs what its chapter of the tutorial has before it: another test executes it

Programs of several files have a line `# file: name.nr` before each.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.documents import DOCUMENTS, ROOT, Fence, fences

from neuralc.frontends.nr import load
from neuralc.grammar.codes import example_files
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError
from neuralc.weights_file import bind_weights

PROGRAMS = [fence for document in DOCUMENTS for fence in fences(document) if fence.language == "nr"]
KINDS = {(), ("error",), ("warning",), ("chapter",)}


def messages_of(fence: Fence, folder: Path) -> tuple[Diagnostic, ...]:
    """All messages about a program; those about its weights where it is said to be wrong."""
    files = example_files(fence.text)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    try:
        program = load(folder / next(iter(files)))
        if not fence.notes:
            return program.warnings
        bound = bind_weights(program)
        list(bound.store.values())  # untrained weights are made where they are read
        return (*program.warnings, *bound.messages)
    except NeuralcError as failure:
        return failure.diagnostics


def test_there_are_programs() -> None:
    assert len(PROGRAMS) > 200


@pytest.mark.parametrize("fence", PROGRAMS, ids=str)
def test_a_program_of_the_documents_gives_the_messages_it_is_said_to(fence: Fence, tmp_path: Path) -> None:
    assert fence.notes[:1] in KINDS, f"{fence}: what should `{' '.join(fence.notes)}` mean?"
    if fence.notes == ("chapter",):
        pytest.skip("needs what its chapter has before it: tests/e2e/test_tutorial.py executes it")
    found = messages_of(fence, tmp_path)
    errors = {each.code for each in found if each.severity == "error"}
    shown = "\n".join(map(str, found))
    if not fence.notes:
        assert not [each for each in found if each.severity != "note"], shown
        return
    kind, *codes = fence.notes
    assert set(codes) <= {each.code for each in found}, shown
    assert errors == (set(codes) if kind == "error" else set()), shown


def test_readers_see_the_codes_of_the_reference() -> None:
    page = ROOT / "docs" / "language" / "reference.md"
    text = page.read_text(encoding="utf-8")
    for fence in fences(page):
        paragraphs = text[: fence.start].rsplit("```", 2)[1]
        assert all(code in paragraphs for code in fence.notes[1:]), str(fence)
