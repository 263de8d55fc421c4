"""`// expected-error`: what counts as expected."""

import pytest

from neuralc.expected import compare
from neuralc.grammar.diagnostics import Diagnostic, Source


def complaints(text: str, *errors: tuple[int | None, str]) -> list[str]:
    source = Source("m.mlir", text)
    found = []
    for line, message in errors:
        span = None if line is None else source.span(source.line_starts[line - 1], source.line_starts[line - 1] + 1)
        found.append(Diagnostic("E0490", message, span))
    return compare(source, found)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("op // expected-error {{rank}}\n", 1),
        ("// expected-error@+1 {{rank}}\nop\n", 2),
        ("// expected-error@below {{rank}}\nop\n", 2),
        ("op\n// expected-error@above {{rank}}\n", 1),
        ("op\nop\n// expected-error@-2 {{rank}}\n", 1),
        ("// expected-error@unknown {{rank}}\n", None),
    ],
)
def test_an_error_at_its_line_with_its_text_is_expected(text: str, line: int | None) -> None:
    assert complaints(text, (line, "the rank is 3")) == []


def test_each_expectation_stands_for_one_error() -> None:
    text = "op // expected-error {{rank}}\n"
    assert complaints(text, (1, "rank 3"), (1, "rank 4")) == ["m.mlir:1:1: unexpected error: rank 4"]


def test_another_line_or_text_is_not_expected() -> None:
    text = "op // expected-error {{rank}}\nop\n"
    assert complaints(text, (2, "rank 3")) == [
        "m.mlir:2:1: unexpected error: rank 3",
        "m.mlir:1: expected error did not come: rank",
    ]
    assert complaints(text, (1, "shape"))[0] == "m.mlir:1:1: unexpected error: shape"


def test_an_error_that_does_not_come_is_missed() -> None:
    assert complaints("op // expected-error {{rank}}\n") == ["m.mlir:1: expected error did not come: rank"]
