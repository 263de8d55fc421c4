"""Sources, spans, rendering and suggestions."""

import pytest

from neuralc.grammar.diagnostics import (
    Diagnostic,
    NeuralcError,
    Source,
    UsageError,
    as_dict,
    edit_distance,
    error,
    nearest,
    render,
    usage_error,
)

MODEL = Source("m.nr", "network M {\n  input: (8)\n  layers:\n    Conv2d2(32, 3)\n}\n")


def place(source: Source, text: str) -> Diagnostic:
    start = source.text.index(text)
    return Diagnostic(
        "E0201", "unknown layer `Conv2d2`", source.span(start, start + len(text)), (), "did you mean `Conv2D`?"
    )


def test_a_message_shows_the_line_a_caret_and_the_fix() -> None:
    assert render(place(MODEL, "Conv2d2")) == (
        "error[E0201]: unknown layer `Conv2d2`\n"
        "  --> m.nr:4:5\n"
        "   |\n"
        " 4 |     Conv2d2(32, 3)\n"
        "   |     ^^^^^^^\n"
        "   = help: did you mean `Conv2D`?"
    )


def test_lines_of_a_note_align() -> None:
    shown = render(Diagnostic("E0502", "two mismatches", None, ("a\nb",)))
    assert shown == "error[E0502]: two mismatches\n   = note: a\n           b"


def test_color_changes_nothing_but_color() -> None:
    import re

    plain, colored = render(place(MODEL, "Conv2d2")), render(place(MODEL, "Conv2d2"), color=True)
    assert colored != plain
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain


def test_tabs_and_characters_that_cannot_be_printed_keep_the_caret_in_place() -> None:
    source = Source("m.nr", "\tx\x07 Conv2d2")
    line, caret = render(place(source, "Conv2d2")).splitlines()[3:5]
    assert line == " 1 |     x? Conv2d2"
    assert caret.index("^") == line.index("Conv2d2")


def test_long_lines_are_cut_around_the_caret() -> None:
    source = Source("m.nr", "a" * 400 + " Conv2d2 " + "b" * 400)
    line, caret = render(place(source, "Conv2d2")).splitlines()[3:5]
    assert len(line) < 140
    assert line[caret.index("^") : caret.rindex("^") + 1] == "Conv2d2"


def test_a_span_over_lines_marks_its_first_line() -> None:
    source = Source("m.nr", "network M {\n}\n")
    shown = render(Diagnostic("E0207", "message", source.span(0, 13)))
    assert "   | ^^^^^^^^^^^" in shown.splitlines()


def test_the_end_of_a_text_without_a_line_end_has_a_place() -> None:
    source = Source("m.nr", "a\nbc")
    assert source.position(4) == (2, 3)
    assert source.line(2) == "bc"


def test_carriage_returns_do_not_show() -> None:
    assert Source("m.nr", "a\r\nb\r\n").line(1) == "a"


def test_a_code_that_is_not_in_the_table_fails() -> None:
    with pytest.raises(KeyError, match="E0000"):
        Diagnostic("E0000", "message")


def test_an_exception_reads_as_its_messages() -> None:
    first, second = error("E0201", "one"), error("E0301", "two", note="why", help="fix")
    both = NeuralcError([*first.diagnostics, *second.diagnostics])
    assert str(both) == "error[E0201]: one\n\nerror[E0301]: two\n   = note: why\n   = help: fix"


def test_a_wrong_command_line_is_its_own_kind() -> None:
    assert isinstance(usage_error("E0801", "unknown flag"), UsageError)
    assert not isinstance(error("E0801", "unknown flag"), UsageError)


def test_editors_get_lines_and_columns() -> None:
    found = as_dict(place(MODEL, "Conv2d2"))
    assert (found["line"], found["column"], found["end_line"], found["end_column"]) == (4, 5, 4, 12)
    assert (found["code"], found["severity"], found["file"]) == ("E0201", "error", "m.nr")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("Conv2d2", "Conv2D"), ("dens", "Dense"), ("Adma", "Adam"), ("batchnormalisation", "BatchNormalization")],
)
def test_the_nearest_name_is_the_one_meant(written: str, meant: str) -> None:
    assert nearest(written, ["Adamax", "Adam", "Dense", "Conv2D", "BatchNormalization"]) == meant


def test_of_names_equally_near_the_one_of_the_same_letters_is_meant() -> None:
    assert nearest("ConvTranspose2D", ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]) == "Conv2DTranspose"


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert nearest("xyzzy", ["Dense", "Conv2D"]) is None
    assert nearest("x", []) is None


@pytest.mark.parametrize(
    ("a", "b", "distance"), [("", "abc", 3), ("ab", "ba", 1), ("kitten", "sitting", 3), ("a", "a", 0)]
)
def test_edit_distance_counts_swaps_of_neighbours_once(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance
