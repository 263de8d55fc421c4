"""The shared Python writer: identifiers, precedence, and lines broken exactly where ruff breaks them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from neuralc.emit.python.expressions import binary, call, literal, method, name, negated
from neuralc.emit.python.names import Names, class_name, identifier
from neuralc.emit.python.writer import Writer


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("dense", "dense"),
        ("encoder.0.query", "encoder_0_query"),
        ("3d", "_3d"),
        ("class", "class_"),
        ("größe", "gr__e"),
    ],
)
def test_identifier(given: str, wanted: str) -> None:
    assert identifier(given) == wanted
    assert identifier(given).isidentifier()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [("conv_block", "ConvBlock"), ("ResNet", "ResNet"), ("block_3_4", "Block3_4"), ("true", "True_")],
)
def test_class_name(given: str, wanted: str) -> None:
    assert class_name(given) == wanted


def test_names_are_given_out_once() -> None:
    names = Names({"taken"})
    assert [names.claim(wanted) for wanted in ("x", "x", "x", "taken")] == ["x", "x_1", "x_2", "taken_1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (3, "3"),
        ((1,), "(1,)"),
        ((1, (2, 3)), "(1, (2, 3))"),
        ('a"b', '"a\\"b"'),
        (float("-inf"), 'float("-inf")'),
    ],
)
def test_literals_read_back_equal(value: object, text: str) -> None:
    assert literal(value) == text
    assert eval(text) == value


def test_parentheses_stand_where_the_order_of_evaluation_needs_them() -> None:
    x, y, z = name("x"), name("y"), name("z")
    assert binary("-", x, binary("-", y, z)).text == "x - (y - z)"
    assert binary("-", binary("-", x, y), z).text == "x - y - z"
    assert binary("*", binary("+", x, y), z).text == "(x + y) * z"
    assert method(binary("+", x, y), "sum", dim=1).text == "(x + y).sum(dim=1)"
    assert method(negated(x), "exp").text == "(-x).exp()"
    assert binary("*", negated(x), y).text == "-x * y"


def test_lines_break_where_ruff_breaks_them() -> None:
    writer = Writer()
    with writer.block("class A:"):
        writer.docstring("Says what it is, in lines.", "and\nmore")
        writer.blank()
        for count in range(1, 30):
            arguments = {f"argument_{index}": index for index in range(count)}
            writer.definition(f"method_{count}", ["self", *(f"{key}: int" for key in arguments)], "None")
            with writer.indented():
                writer.statement(f"self.{'x' * count} = ", call("nn.Thing", *range(count), **arguments))
                writer.statement("return ", call("nn.Other", *range(3 * count)), comment="a comment")
            writer.blank()
    text = writer.text.rstrip("\n") + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--stdin-filename", "a.py", "-"]
    formatted = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    assert formatted == text
