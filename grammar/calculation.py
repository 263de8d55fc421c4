"""Arithmetic on the numbers of a program: `4 * filters`, `1 / 255`."""

from __future__ import annotations

import math

LARGEST = 2**63
"""A result is smaller than that, as numbers that are written are."""

Number = int | float


def calculate(operator: str, *operands: Number) -> Number:
    """The result; of whole numbers a whole one, where there is one: `8 / 2` is 4, `1 / 255` a float.

    One operand is negated. A remainder has the sign of the divisor, as in Python. Raises ArithmeticError for a division
    by 0 and for what is too large.
    """
    result = -operands[0] if len(operands) == 1 else _binary(operator, *operands)
    if not (math.isfinite(result) and abs(result) < LARGEST):
        raise OverflowError("it is too large")
    return result


def _binary(operator: str, lhs: Number, rhs: Number) -> Number:
    if operator in "/%" and rhs == 0:
        raise ZeroDivisionError("it divides by 0")
    match operator:
        case "+":
            return lhs + rhs
        case "-":
            return lhs - rhs
        case "*":
            return lhs * rhs
        case "%":
            return lhs % rhs
        case _:
            whole = isinstance(lhs, int) and isinstance(rhs, int) and lhs % rhs == 0
            return lhs // rhs if whole else lhs / rhs
