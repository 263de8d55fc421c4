"""Every code has an example, and the example of a model triggers it."""

import re
from pathlib import Path

import pytest

from neuralc import errors_docs
from neuralc.frontends.nr import load
from neuralc.grammar.codes import CODES, example_files
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.weights_file import bind_weights

MODELS = sorted(code for code, entry in CODES.items() if not entry.example.startswith(("$ ", ">>> ")))


def codes_of(example: str, folder: Path) -> set[str]:
    """The codes of all messages about a model, its weights included."""
    files = example_files(example)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    try:
        program = load(folder / next(iter(files)))
        bound = bind_weights(program)
        messages = (*program.warnings, *bound.messages)
        list(bound.store.values())  # untrained weights are made where they are read
    except NeuralcError as failure:
        messages = failure.diagnostics
    return {message.code for message in messages}


@pytest.mark.parametrize("code", MODELS)
def test_the_example_of_a_code_triggers_it(code: str, tmp_path: Path) -> None:
    found = codes_of(CODES[code].example, tmp_path)
    assert code in found
    assert not {other for other in found - {code} if other.startswith("E")}, "an example shows one error"


def test_codes_are_well_formed() -> None:
    for code, entry in CODES.items():
        assert re.fullmatch(r"[EW](0[1-9]|99)\d\d", code)
        assert entry.title, code
        assert not entry.title.endswith("."), code
        assert entry.explanation.endswith("."), code


def test_the_page_of_errors_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "errors.md"
    assert page.read_text(encoding="utf-8") == errors_docs.text(), "make docs"


def test_every_code_stands_on_the_page_once() -> None:
    text = errors_docs.text()
    for code in CODES:
        assert text.count(f"### {code}: ") == 1
