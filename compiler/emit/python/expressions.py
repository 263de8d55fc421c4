"""Python expressions as emitters build them: text that knows its precedence, and calls that can be wrapped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

Value: TypeAlias = "Expression | bool | int | float | str | tuple[Value, ...] | None"


class Precedence(IntEnum):
    """How tightly an expression binds (Python language reference, 6.17), as far as emitters need it."""

    COMPARISON = 0
    OR = 1
    XOR = 2
    AND = 3
    SUM = 4
    PRODUCT = 5
    UNARY = 6
    ATOM = 7


_LEVELS: dict[str, Precedence] = {
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), Precedence.COMPARISON),
    "|": Precedence.OR,
    "^": Precedence.XOR,
    "&": Precedence.AND,
    **dict.fromkeys(("+", "-"), Precedence.SUM),
    **dict.fromkeys(("*", "/", "//", "%", "@"), Precedence.PRODUCT),
}


@dataclass(frozen=True)
class Expression:
    """An expression. A call keeps its arguments apart, so that a line that is too long can be broken between them."""

    head: str
    arguments: tuple[str, ...] | None = None
    precedence: Precedence = Precedence.ATOM
    tail: str = ""
    """What follows the call: the `(x)` of `layers.Dense(8)(x)`."""

    @property
    def text(self) -> str:
        return self.head if self.arguments is None else f"{self.head}({', '.join(self.arguments)}){self.tail}"

    def __str__(self) -> str:
        return self.text

    def within(self, precedence: Precedence) -> str:
        """The text as an operand of something that binds as tightly as `precedence`."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def name(text: str) -> Expression:
    return Expression(text)


def literal(value: Value) -> str:
    """The source of a Python value; strings in double quotes, floats by their shortest form that reads back equal."""
    match value:
        case Expression():
            return value.text
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
        case tuple():
            items = ", ".join(literal(item) for item in value)
            return f"({items},)" if len(value) == 1 else f"({items})"
        case float() if value != value or value in (float("inf"), float("-inf")):
            return f'float("{value}")'
        case float():
            return _float(value)
        case _:
            return repr(value)


def _float(value: float) -> str:
    """As one writes it: 1e-5, 1e9."""
    text = re.sub(r"e([+-])0*", lambda found: "e" + found[1].strip("+"), repr(value))
    return re.sub(r"^(-?[1-9])(0{5,})\.0$", lambda found: f"{found[1]}e{len(found[2])}", text)


def call(function: str, *arguments: Value, **named: Value) -> Expression:
    """`function(arguments, name=value)`."""
    listed = [literal(argument) for argument in arguments]
    listed += [f"{key}={literal(value)}" for key, value in named.items()]
    return Expression(function, tuple(listed))


def method(receiver: Expression, function: str, *arguments: Value, **named: Value) -> Expression:
    """`receiver.function(arguments)`."""
    return call(f"{receiver.within(Precedence.ATOM)}.{function}", *arguments, **named)


def binary(operator: str, lhs: Expression, rhs: Expression) -> Expression:
    """`lhs operator rhs`, with parentheses where the order of evaluation needs them."""
    level = _LEVELS[operator]
    # Left-associative: the right operand has to bind tighter. Comparisons would chain, so neither side may be one.
    tighter = Precedence(level + 1)
    left = lhs.within(tighter if level is Precedence.COMPARISON else level)
    return Expression(f"{left} {operator} {rhs.within(tighter)}", precedence=level)


def negated(operand: Expression) -> Expression:
    return Expression(f"-{operand.within(Precedence.UNARY)}", precedence=Precedence.UNARY)


def slice_text(start: str, end: str, step: str) -> str:
    """`1:-1`; bounds that are more than a name or a number have spaces between, as ruff formats them."""
    bounds = [start, end, *([step] if step else [])]
    if not any(mark in bound for bound in bounds for mark in " .[("):
        return ":".join(bounds)
    text = bounds[0]
    for bound in bounds[1:]:
        text = f"{text} :".lstrip() + (f" {bound}" if bound else "")
    return text
