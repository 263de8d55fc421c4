"""What an editor is told about a text."""

import json
import re

import pytest

from neuralc import editor, textmate
from neuralc.grammar.diagnostics import Source

TEXT = """define Block(n, size=3) { Conv2D(n, size, padding="same") ReLU() }
network M {
  input: image: (8, 8, 3)
  layers:
    x = Conv2D(4, 3, padding="same")
    Block(4)
    y = Add(x, x)
  outputs: (y)
}
"""


def at(mark: str, text: str = TEXT) -> tuple[Source, int]:
    """A text with a place: where `|` stands in a mark that the text holds without it."""
    return Source("m.nr", text), text.index(mark.replace("|", "")) + mark.index("|")


def labels(mark: str, text: str = TEXT) -> list[str]:
    return [each.label for each in editor.completions(*at(mark, text))]


def test_messages_of_all_networks_come_in_order() -> None:
    text = TEXT.replace("Add(x, x)", "Add(x, nope)") + "network N { input: (8) layers: Dense(-1) }"
    assert [message.code for message in editor.messages(Source("m.nr", text))] == ["E0211", "E0306"]
    assert [message.code for message in editor.messages(Source("m.nr", "network M {"))] == ["E0103"]


def test_between_parentheses_parameters_and_their_values_are_offered() -> None:
    assert labels("x = Conv2D(4, |")[:3] == ["filters", "kernel_size", "activation"]
    assert labels('x = Conv2D(4, 3, padding="|') == ["valid", "same"]
    assert "gelu" in labels("Dense(3, activation=|)", "network M { input: (8) layers: Dense(3, activation=) }")
    text = "network M { input: (8) layers: Dense(3, bias_initializer=) }"
    assert {"zeros", "glorot_uniform"} <= set(labels("Dense(3, bias_initializer=|)", text))
    assert labels("Dense(3, use_bias=|)", "network M { input: (8) layers: Dense(3, use_bias=) }") == ["true", "false"]


def test_elsewhere_layers_macros_networks_and_clauses_are_offered() -> None:
    found = labels("  |  Block(4)")
    assert {"Conv2D", "LSTM", "Block", "M", "optimizer"} <= set(found)


def test_a_layer_is_explained_with_the_shape_of_its_result() -> None:
    text = editor.hover(*at("x = Con|v2D"))
    assert text is not None
    assert "Gives (batch, 8, 8, 4) here." in text
    assert "kernel_size" in text
    assert "Definition: Keras 3 Conv2D" in text


def test_parameters_macros_and_unknown_words() -> None:
    assert (editor.hover(*at('x = Conv2D(4, 3, pad|ding="same"')) or "").startswith('`padding`: "valid" or "same"')
    assert "define Block(n, size=3)" in (editor.hover(*at("    Bl|ock(4)")) or "")
    assert editor.hover(*at("outputs|: (y)")) is None


def test_definitions_of_macros_and_values() -> None:
    assert (editor.definition(*at("    Bl|ock(4)")) or pytest.fail("nothing")).line == 1
    assert (editor.definition(*at("Add(|x, x)")) or pytest.fail("nothing")).line == 5
    assert editor.definition(*at("outputs: (|y)")) is not None
    assert editor.definition(*at("input: |image")) is not None


def test_symbols() -> None:
    assert [(name, kind) for name, kind, _ in editor.symbols(Source("m.nr", TEXT))] == [
        ("Block", "macro"),
        ("M", "network"),
    ]


@pytest.mark.parametrize("cut", range(0, len(TEXT), 7))
def test_unfinished_texts_are_served(cut: int) -> None:
    source = Source("m.nr", TEXT[:cut])
    editor.messages(source)
    editor.hover(source, cut)
    editor.definition(source, cut)
    assert editor.completions(source, cut)


def test_the_colours_are_up_to_date_and_know_every_layer() -> None:
    assert textmate.PATH.read_text("utf-8") == textmate.text(), "make docs"
    patterns = {each["name"]: each["match"] for each in json.loads(textmate.text())["patterns"]}
    assert re.match(patterns["support.class.neuralc"], "lstm(3)")
