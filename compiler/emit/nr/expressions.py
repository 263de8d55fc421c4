"""Expressions of the language as formulas build them: numbers, powers, indices, over the text of Python's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from neuralc.emit.python import expressions as python
from neuralc.emit.python.expressions import Expression, Precedence, call, name, negated

__all__ = [
    "Expression",
    "as_float32",
    "atom",
    "binary",
    "call",
    "function",
    "indexed",
    "listed",
    "method",
    "name",
    "negated",
    "number",
    "power",
]

_READABLE = 1e6
"""Up to here a float that is whole is written as a whole number: it takes the type of what it meets."""


def number(value: bool | int | float) -> Expression:
    """A number; one below zero binds as a sign does."""
    if isinstance(value, bool | int):
        text = str(value)
    elif not math.isfinite(value):
        text = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    elif value == int(value) and abs(value) < _READABLE and math.copysign(1.0, value) == (1.0 if value >= 0 else -1.0):
        text = str(int(value)) if value or math.copysign(1.0, value) > 0 else "-0.0"
    else:
        text = repr(value)
    return Expression(text, precedence=Precedence.UNARY if text.startswith("-") else Precedence.ATOM)


def as_float32(value: float) -> float:
    """The shortest number that is the same in float32, for one that comes from there: 1e-05 for 9.999999747378752e-06.

    Files of ONNX hold attributes in 32 bits. Code that computes in 32 bits or less reads the same constant of both; a
    number that needs more than 32 bits was no such attribute and stays.
    """
    narrow = np.float32(value)
    return float(str(narrow)) if float(narrow) == value else value


def binary(operator: str, lhs: Expression, rhs: Expression) -> Expression:
    """`lhs operator rhs`; `@` binds as a product does."""
    if operator != "@":
        return python.binary(operator, lhs, rhs)
    left, right = lhs.within(Precedence.PRODUCT), rhs.within(Precedence.UNARY)
    return Expression(f"{left} @ {right}", precedence=Precedence.PRODUCT)


def power(base: Expression, exponent: Expression) -> Expression:
    return Expression(f"{atom(base)} ** {atom(exponent)}", precedence=Precedence.UNARY)


def atom(expression: Expression) -> str:
    return expression.within(Precedence.ATOM)


def method(receiver: Expression, function: str, *arguments: str | Expression) -> Expression:
    """`receiver.function(arguments)`, of arguments that are texts already."""
    return Expression(f"{atom(receiver)}.{function}({', '.join(map(str, arguments))})")


def function(name_: str, *arguments: str | Expression) -> Expression:
    """`name(arguments)`, of arguments that are texts already."""
    return Expression(f"{name_}({', '.join(map(str, arguments))})")


def indexed(value: Expression, items: Sequence[str]) -> Expression:
    """`x[:, 1:]`."""
    return Expression(f"{atom(value)}[{', '.join(items)}]")


def listed(items: Sequence[str]) -> str:
    """`(a, b)`, and `a` of one, which stands for itself where sizes or axes are meant."""
    return str(items[0]) if len(items) == 1 else f"({', '.join(items)})"
