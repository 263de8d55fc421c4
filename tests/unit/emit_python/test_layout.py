"""Statements that are too long are broken where `ruff format` breaks them."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from neuralc.emit.python.layout import laid_out

WIDTH = 40

CASES = """
x = f(first, second)
----
x = function(
    first, second, third, fourth
)
----
x = function(
    first_of_all, second_of_all, third=3
)
----
x = function(
    a_name_that_has_forty_letters_in_it_all
)
----
x = params[
    "a_name_that_is_rather_long"
]["kernel"]
----
x = (
    x
    * params[
        "a_name_that_is_rather_long"
    ]
)
----
x = (
    y
    * params[
        "a_name_that_is_quite_rather_long"
    ]
)
----
return (
    x - mean
) * scale + offset.reshape(shape)
----
return (
    first_value
    + second_value
    + third_value(x)
)
----
return (
    first_value - second_value
) * third_value_of
----
sizes = [
    size - 1
    for size in kernel.shape[:2]
    if size
]
----
x = total(
    weight * value[i]
    for i in range(3)
    if i > 0
)
----
x = made(key, shape).transpose(
    [axis for axis in order]
)
----
x = (
    first_value
    if first_value.ndim > 3
    else second
)
----
x = f(
    "ä rather long text in Umlauten",
    y,
    zz,
)
"""


STATEMENTS = CASES.strip().split("\n----\n")


def on_one_line(text: str) -> str:
    """The statement as it is before it is laid out."""
    value = ast.parse(text).body[0]
    return ast.unparse(value).replace("'", '"')


@pytest.mark.parametrize("expected", STATEMENTS, ids=map(on_one_line, STATEMENTS))
def test_it_is_laid_out(expected: str) -> None:
    assert "\n".join(laid_out(on_one_line(expected), WIDTH)) == expected


def test_results_without_brackets_are_broken_in_the_last() -> None:
    statement = 'return x, state | {"length": length, "keys": keys}'
    assert laid_out(statement, WIDTH) == ["return x, state | {", '    "length": length,', '    "keys": keys,', "}"]


@pytest.mark.thorough
def test_ruff_leaves_all_of_it_alone() -> None:
    text = "\n".join(STATEMENTS) + "\n"
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(WIDTH), "-"]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == text
