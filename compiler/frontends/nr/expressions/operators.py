"""Operators: of tensors the ufunc that Python would call, of numbers and sizes arithmetic at compile time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects.dims import Dim, as_dim, product, simplest
from neuralc.dialects.types import ShapeError
from neuralc.frontends.nr.expressions.builder import Builder
from neuralc.frontends.nr.expressions.elementwise import UFUNCS
from neuralc.frontends.nr.expressions.products import matmul
from neuralc.frontends.nr.expressions.promotion import dtype_of
from neuralc.frontends.nr.expressions.values import Value, described, is_number
from neuralc.frontends.sizes import Bounds, Size, Undecided, floor_quotient, remainder

MOST_FACTORS = 8
"""The largest power of a size."""

BINARY: Mapping[str, str] = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide", "%": "remainder",
    "**": "power", "&": "bitwise_and", "|": "bitwise_or", "^": "bitwise_xor", "<<": "left_shift", ">>": "right_shift",
}  # fmt: skip
UNARY: Mapping[str, str] = {"-": "negative", "+": "positive", "~": "invert"}
COMPARISONS: Mapping[str, str] = {
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip


def operation(b: Builder, operator: str, operands: Sequence[Value]) -> Value:
    """The value of an operator. Raises ShapeError where it does not take its operands."""
    if operator in ("and", "or", "not"):
        return _logic(b, operator, operands)
    if operator == "@":
        return matmul(b, *operands)
    if len(operands) == 1:
        if isinstance(operands[0], Dim) and operator in "+-":
            return _size(as_dim(operands[0]) * (1 if operator == "+" else -1))
        return UFUNCS[UNARY[operator]](b, *operands)
    if operator == "+" and all(isinstance(each, tuple) for each in operands):
        return tuple(part for each in operands if isinstance(each, tuple) for part in each)
    if operator == "**" and isinstance(operands[0], SSAValue) and operands[1] in (2, 2.0):
        return UFUNCS["square"](b, operands[0])
    _no_negative_power(operator, operands)
    if any(isinstance(each, Dim) for each in operands) and all(map(_is_whole, operands)) and operator in _SIZES:
        return _of_sizes(operator, operands)
    return UFUNCS[BINARY[operator]](b, *operands)


def _is_whole(value: Value) -> bool:
    return isinstance(value, int | Dim) and not isinstance(value, bool)


def _size(size: Dim) -> Value:
    return simplest(size)


_SIZES: Mapping[str, Callable[[Any, Any], Size]] = {
    "+": lambda a, b: simplest(as_dim(a) + b),
    "-": lambda a, b: simplest(as_dim(a) - b),
    "*": lambda a, b: simplest(as_dim(a) * b),
    "//": floor_quotient,
    "%": remainder,
    "**": lambda a, b: _power(a, b),
}


def _power(size: Size, exponent: Size) -> Size:
    if not isinstance(exponent, int) or not 0 <= exponent <= MOST_FACTORS:
        raise ShapeError(f"a size has powers from 0 to {MOST_FACTORS}, not {exponent}")
    return simplest(product([size] * exponent))


def _of_sizes(operator: str, operands: Sequence[Value]) -> Value:
    try:
        return _SIZES[operator](*operands)
    except Undecided as question:
        raise ShapeError(f"`{question}` differs between runs") from None


def _no_negative_power(operator: str, operands: Sequence[Value]) -> None:
    """numpy refuses an integer to the power of a negative one."""
    if operator != "**":
        return
    base, exponent = operands
    whole = isinstance(base, SSAValue) and dtype_of(base).kind in "iu"
    if whole and isinstance(exponent, int) and not isinstance(exponent, bool) and exponent < 0:
        raise ShapeError("an integer has no power of a negative integer; write the exponent as a float")


# --- comparisons and logic -------------------------------------------------------------------------------------------
def comparison(b: Builder, operands: Sequence[Value], operators: Sequence[str]) -> Value:
    """`0 < x <= 1`: all comparisons of neighbours together."""
    found = [_compared(b, op, x, y) for op, x, y in zip(operators, operands, operands[1:], strict=False)]
    return found[0] if len(found) == 1 else _logic(b, "and", found)


def _compared(b: Builder, operator: str, x: Value, y: Value) -> Value:
    if isinstance(x, SSAValue) or isinstance(y, SSAValue):
        return UFUNCS[COMPARISONS[operator]](b, x, y)
    if isinstance(x, Dim) or isinstance(y, Dim):
        return _of_bounds(b.bounds, operator, x, y)
    if is_number(x) and is_number(y):
        return UFUNCS[COMPARISONS[operator]](b, x, y)
    if operator not in ("==", "!="):
        raise ShapeError(f"{described(x)} and {described(y)} have no order")
    return (x == y) == (operator == "==")


def _of_bounds(bounds: Bounds, operator: str, x: Value, y: Value) -> bool:
    if not (_is_whole(x) and _is_whole(y)):
        raise ShapeError(f"a size is compared with a whole number, not {described(x)} with {described(y)}")
    lhs, rhs = (value if isinstance(value, int | Dim) else 0 for value in (x, y))
    try:
        match operator:
            case "==":
                return bounds.equal(lhs, rhs)
            case "!=":
                return not bounds.equal(lhs, rhs)
            case "<":
                return bounds.less(lhs, rhs)
            case ">":
                return bounds.less(rhs, lhs)
            case "<=":
                return not bounds.less(rhs, lhs)
            case _:
                return not bounds.less(lhs, rhs)
    except Undecided as question:
        raise ShapeError(f"`{question}` differs between runs") from None


def _logic(b: Builder, word: str, operands: Sequence[Value]) -> Value:
    """`and`, `or`, `not` of each value; numpy would want `logical_and` for that, Python takes numbers."""
    if not any(isinstance(operand, SSAValue) for operand in operands):
        truths = [_known_truth(operand) for operand in operands]
        return not truths[0] if word == "not" else all(truths) if word == "and" else any(truths)
    result, *others = operands
    if word == "not":
        return UFUNCS["logical_not"](b, result)
    for operand in others:
        result = UFUNCS[f"logical_{word}"](b, result, operand)
    return result


def _known_truth(value: Value) -> bool:
    if isinstance(value, Dim) or not is_number(value):
        raise ShapeError(f"{described(value)} is neither true nor false")
    return bool(value)
