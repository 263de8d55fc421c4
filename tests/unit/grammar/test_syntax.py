"""Syntax: what the grammar reads into the tree, and what it says about texts it cannot read."""

import logging
from pathlib import Path

import pytest
from lark import Lark
from lark import logger as lark_logger

from neuralc.grammar import tree as t
from neuralc.grammar.diagnostics import Diagnostic, NeuralcError, Source
from neuralc.grammar.mistakes import MISTAKES, Mistake
from neuralc.grammar.parser import decode, parse, parse_value, read_source
from neuralc.grammar.syntax_errors import MAX_NESTING, READABLE
from neuralc.grammar.tables import lark_parser


def tree_of(text: str) -> t.File:
    return parse(Source("m.nr", text))


def items_of(layers: str) -> tuple[t.Item, ...]:
    clauses = tree_of(f"network M {{ input: (8) layers: {layers} }}").networks[0].clauses
    return next(clause.items for clause in clauses if isinstance(clause, t.LayersClause))


def layer_of(text: str) -> t.Layer:
    (item,) = items_of(text)
    assert isinstance(item, t.Layer)
    return item


def failure_of(text: str) -> Diagnostic:
    with pytest.raises(NeuralcError) as caught:
        tree_of(text)
    return caught.value.diagnostics[0]


# --- what is read ----------------------------------------------------------------------------------------------------
def test_the_grammar_has_no_conflicts(caplog: pytest.LogCaptureFixture) -> None:
    grammar = (Path(__file__).parents[3] / "grammar" / "neural.lark").read_text("utf-8")
    level, lark_logger.level = lark_logger.level, logging.DEBUG
    try:
        with caplog.at_level(logging.DEBUG, "lark"):
            Lark(grammar, parser="lalr", start=["file", "value"], debug=True)
    finally:
        lark_logger.level = level
    assert not [record for record in caplog.records if "conflict" in record.getMessage().lower()]


def test_a_layer_keeps_everything_written_about_it() -> None:
    layer = layer_of('y = Residual(3, shortcut="identity")(a, b) @ "cuda:0" { Dense(3) } * 2')
    assert layer.applied is not None
    assert layer.device is not None
    assert layer.block is not None
    assert ([target.value for target in layer.targets], layer.name.value) == (["y"], "Residual")
    assert layer.device.value == "cuda:0"
    assert [argument.name.value if argument.name else None for argument in layer.arguments] == [None, "shortcut"]
    assert [argument.value.value for argument in layer.applied if isinstance(argument.value, t.Name)] == ["a", "b"]
    assert len(layer.block.items) == 1
    assert isinstance(layer.repeat, t.Number)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("-3", -3), ("+3", 3), ("3.0", 3.0), (".5", 0.5), ("5.", 5.0), ("1e-4", 1e-4), ("1E3", 1000.0)],
)
def test_numbers(text: str, value: float) -> None:
    number = layer_of(f"Dense({text})").arguments[0].value
    assert isinstance(number, t.Number)
    assert (number.value, type(number.value)) == (value, type(value))


def test_spans_point_at_what_was_read() -> None:
    layer = layer_of('Conv2D(32, (3, 3), padding="same"),')
    assert layer.span.text == 'Conv2D(32, (3, 3), padding="same")'
    assert [argument.span.text for argument in layer.arguments] == ["32", "(3, 3)", 'padding="same"']
    assert layer.name.span.text == "Conv2D"


@pytest.mark.parametrize(
    "text",
    [
        "network M { layers: Dense(3); Dense(4), Dense(5) input: (8); loss: mse, }",
        "network M { input: (8) layers: Dense(units: 3, activation='relu',) }",
        "# a\nnetwork M { // b\n input: (8) # c\n layers: // d\n Dense(3) }",
        'network M { input: "x" }'.replace('"x"', "{ image: (8, 8, 3) uint8, mask: (S) bool }"),
        "network M { input: (S, 512) where S <= 2048, S > 3 layers: Dense(3) }",
        "network M { input: ids: (S) int64 layers: a = Dense(3) b = Dense(4)(a) Add(a, b) outputs: (a, b) }",
        'from "blocks.nr" import A, B\nnetwork M { input: (8) layers: A() weights: "w.safetensors" init: seed(0) }',
        "network M { input: image: (8) layers: image: { Dense(3) } train: { epochs: 3 } execute { device: cpu } }",
        'network M { input: (8) layers: Dense(3) benchmark { batch: [1, 8] } test { inputs: "x.npy" } }',
        "network M { input: (8,), (4,) layers: TimeDistributed(Dense(3), a=2) { Dropout(0.2) } * n }",
        "define A(x, y=3, z: 4) { Dense(x) } network M { input: (8) layers: A }",
        'research R { metrics { accuracy: 88.3 loss: 0.3 } references { paper: "x" } }',
    ],
)
def test_the_whole_language_is_read(text: str) -> None:
    tree_of(text)


def test_a_value_inside_a_string_points_into_the_model() -> None:
    source = Source("m.nr", 'optimizer: "Adam(0.1)"')
    start = source.text.index('"')
    value = parse_value(source, source.span(start, len(source.text)), "Adam(0.1)")
    assert isinstance(value, t.Call)
    assert value.span.text == "Adam(0.1)"


# --- what cannot be read ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mistake", "text"),
    [(mistake, text) for mistake in MISTAKES for text in mistake.examples],
    ids=lambda value: str(value)[:60],
)
def test_a_known_mistake_is_named(mistake: Mistake, text: str) -> None:
    found = failure_of(text)
    assert found.code == "E0101"
    assert found.message.startswith(mistake.message)
    assert found.help == mistake.help


def test_what_is_expected_is_said_as_it_is_written() -> None:
    message = failure_of("network M { input: (S) where S <= 8 <= 9 }").message
    assert "`+`" in message
    assert "plus" not in message
    ignored = {"COMMENT", "BLANK"}
    for terminal in lark_parser().terminals:
        keyword = terminal.pattern.value == terminal.name.lower()
        assert keyword or terminal.name in READABLE or terminal.name in ignored, terminal.name


def test_a_mistake_is_known_at_any_depth() -> None:
    found = failure_of("network M { input: (8) layers: Residual { Residual { Residual { Dense(3 4) } } } }")
    assert found.message == "two arguments need a comma between them; found `4`"


@pytest.mark.parametrize(
    ("text", "bracket", "line"),
    [
        ("network M {\n input: (8)\n layers: Dense(3) {\n", "{", 3),
        ("network M {\n input: (8)\n layers: Dense(3\n", "(", 3),
        ("network M {\n input: (8)\n layers: Dense(3)\n", "{", 1),
        ("network M {\n layers:\n Residual {\n Dense(3)\n}\nnetwork N {\n}\n", "{", 1),
        ("define A {\n Residual {\n Dense(3)\n\ndefine B { Dense(3) }\n", "{", 2),
    ],
)
def test_an_unclosed_bracket_is_shown_where_it_opens(text: str, bracket: str, line: int) -> None:
    found = failure_of(text)
    assert (found.code, found.message) == ("E0103", f"this `{bracket}` is never closed")
    assert found.span is not None
    assert (found.span.text, found.span.line) == (bracket, line)


def test_a_bracket_closed_by_another_kind_names_both() -> None:
    found = failure_of("network M { input: (8) layers: Dense((3, 3] }")
    assert (found.code, found.message) == ("E0103", "`]` closes nothing: `(` of line 1 is still open")


def test_brackets_in_strings_and_comments_do_not_count() -> None:
    tree_of('network M { # (((\n input: (8) // {{{\n layers: Dense(3, "}}}") }')


def test_an_unterminated_string_is_marked_to_the_end_of_its_line() -> None:
    found = failure_of('network M { layers: Dense(3, "relu)\n }')
    assert found.code == "E0102"
    assert found.span is not None
    assert found.span.text == '"relu)'


def test_a_strange_character_is_named() -> None:
    assert (
        failure_of("network M { input: (8) layers: Dense(\u201crelu\u201d) }").message
        == "the character `\u201c` has no place here"
    )
    assert failure_of("network M { \0 }").message == "the character `U+0000` has no place here"


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "\t// nothing"])
def test_an_empty_file_is_said_to_be_empty(text: str) -> None:
    assert failure_of(text).code == "E0105"


def test_deep_nesting_is_refused_and_the_deepest_allowed_is_read() -> None:
    def nested(depth: int) -> str:
        return "network M { input: (8) layers: " + "Residual { " * depth + "ReLU" + " }" * depth + " }"

    tree_of(nested(MAX_NESTING - 1))
    assert failure_of(nested(MAX_NESTING)).code == "E0106"
    assert failure_of(nested(50_000)).code == "E0106"
    assert failure_of("network M { input: " + "(" * 1500 + ")" * 1500 + " }").code == "E0106"


def test_the_step_of_a_range_has_one_name() -> None:
    found = failure_of("network M { input: (8) layers: Dense(HPO(range(1, 9, stride=2))) }")
    assert (found.code, found.message) == ("E0302", "`range` takes `step`, not `stride`")


def test_every_misplaced_part_is_reported_in_one_run() -> None:
    with pytest.raises(NeuralcError) as caught:
        tree_of(
            'network M { input: (8) layers: Dense(a=3, 4) Dense(3) * 2 * 3 Dense(3) @ "cpu" @ "cpu" Dense(3)(a)(b) }'
        )
    assert [found.code for found in caught.value.diagnostics] == ["E0108", "E0109", "E0109", "E0109"]


# --- files -----------------------------------------------------------------------------------------------------------
def test_a_byte_order_mark_is_dropped() -> None:
    assert decode("m.nr", b"\xef\xbb\xbfnetwork").text == "network"


def test_bytes_that_are_not_utf8_are_located() -> None:
    with pytest.raises(NeuralcError) as caught:
        decode("m.nr", b"network M {\n  \xff\n}")
    (found,) = caught.value.diagnostics
    assert found.code == "E0107"
    assert "line 2, column 3" in found.notes[0]


@pytest.mark.parametrize("name", ["missing.nr", ".", "a\0b.nr", "m.nr/x.nr"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "m.nr").write_text("network M {}")
    with pytest.raises(NeuralcError) as caught:
        read_source(f"{tmp_path}/{name}")
    assert caught.value.diagnostics[0].code == "E0901"
