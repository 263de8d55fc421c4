"""Truth values, bits, choices and conversions; a float becomes an integer as the graph level says, saturated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.dialects.builtin import IntegerType, Signedness
from xdsl.ir import Attribute, Operation

from neuralc.dialects import graph
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, is_float, numpy_dtype
from neuralc.emit.onnx.element_types import integer_limits
from neuralc.emit.onnx.values import Values
from neuralc.frontends.onnx.element_types import NUMBERS

COMPARISONS: Mapping[type[Operation], str] = {
    graph.EqualOp: "Equal",
    graph.GreaterEqualOp: "GreaterOrEqual",
    graph.GreaterOp: "Greater",
    graph.LessEqualOp: "LessOrEqual",
    graph.LessOp: "Less",
}


def _compare(values: Values, op: Operation) -> None:
    values.define(op, COMPARISONS[type(op)], *_comparable(values, op, COMPARISONS[type(op)]))


def _comparable(values: Values, op: Operation, operator: str) -> list[str]:
    operands = values.operands(op)
    wide = values.carrier(operator, operands[0])
    return [values.cast(name, wide) for name in operands]


def _not_equal(values: Values, op: graph.NotEqualOp) -> None:
    values.define(op, "Not", values.test("Equal", *_comparable(values, op, "Equal")))


def _is_nan(values: Values, op: graph.IsNanOp) -> None:
    values.define(op, "IsNaN", values.operand(op, 0))


def _is_inf(values: Values, op: graph.IsInfOp) -> None:
    signs = {f"detect_{sign}": int(op.literal(sign)) for sign in ("negative", "positive")}
    values.define(op, "IsInf", values.operand(op, 0), **{key: flag for key, flag in signs.items() if not flag})


def _where(values: Values, op: graph.WhereOp) -> None:
    condition, on, off = values.operands(op)
    if values.carrier("Where", on) == values.element(on):
        values.define(op, "Where", condition, on, off)
    else:
        values.result(op, values.choose(condition, on, off))


# -- shifts ------------------------------------------------------------------------------------------------------------


def unsigned(element: Attribute) -> Attribute:
    assert isinstance(element, IntegerType), "the op takes integers"
    return IntegerType(element.width.data, Signedness.UNSIGNED)


def _shift_left(values: Values, op: graph.ShiftLeftOp) -> None:
    """Bits are those of the unsigned type; a count below zero is a very large one there."""
    own = element_of(op.lhs.type)
    x, count = (values.cast(name, unsigned(own)) for name in values.operands(op))
    values.result(op, values.cast(values("BitShift", x, count, direction="LEFT"), own))


def _shift_right(values: Values, op: graph.ShiftRightOp) -> None:
    """The sign comes in from above: a negative number is inverted before and behind."""
    own = element_of(op.lhs.type)
    x, count = values.operands(op)
    if own == unsigned(own):
        values.define(op, "BitShift", x, count, direction="RIGHT")
        return
    negative = values.test("Less", x, values.like(0, x))
    moved, inverted = _shifted(values, x, count), values("BitwiseNot", x)
    values.result(op, values.choose(negative, values("BitwiseNot", _shifted(values, inverted, count)), moved))


def _shifted(values: Values, x: str, count: str) -> str:
    own = values.element(x)
    bits, by = (values.cast(name, unsigned(own)) for name in (x, count))
    return values.cast(values("BitShift", bits, by, direction="RIGHT"), own)


# -- conversions -------------------------------------------------------------------------------------------------------


def _cast(values: Values, op: graph.CastOp) -> None:
    x, before, after = values.operand(op, 0), element_of(op.x.type), element_of(op.result.type)
    if before == after:
        values.alias(op, x)
    elif is_float(before) and is_integer(after):
        values.result(op, saturated(values, x, after))
    else:
        values.define(op, "Cast", x, to=NUMBERS[after])


def saturated(values: Values, x: str, after: Attribute) -> str:
    """ONNX leaves open what a number becomes that the integer type does not hold; here it is the nearest one, NaN 0."""
    least, most = integer_limits(after)
    dtype, low, high = numpy_dtype(values.element(x)), float(least), float(most)
    number = values.choose(values.test("IsNaN", x), values.like(0, x), x)
    top = _largest(dtype, high)
    if top is None:  # every finite number of the float type is inside
        top = LARGEST[dtype.name]
    bottom = low if _holds(dtype, low) else -top
    inside = values.carried("Clip", number, values.like(bottom, x), values.like(top, x))
    found = values.cast(inside, after)
    if top == high:
        return found
    above = values.test("Greater", number, values.like(top, x))
    return values.choose(above, values.number(most, after), found)


LARGEST = {"float16": 65504.0, "bfloat16": 2.0**128 - 2.0**120, "float32": 2.0**128 - 2.0**104}
"""The largest finite number of each float type that an integer type reaches beyond."""


def _holds(dtype: np.dtype[Any], number: float) -> bool:
    with np.errstate(over="ignore"):
        return float(np.asarray(number).astype(dtype)) == number


def _largest(dtype: np.dtype[Any], limit: float) -> float | None:
    """The largest number of a float type up to an integer limit of the form 2**n - 1; None where it is no limit."""
    with np.errstate(over="ignore"):
        rounded = float(np.asarray(limit).astype(dtype))
    if np.isinf(rounded):
        return None
    if rounded == limit and limit < 2.0**53:
        return limit
    digits = {"float16": 11, "float32": 24, "float64": 53}.get(dtype.name, 8)
    power = 2.0 ** np.ceil(np.log2(limit))
    return float(power - power * 2.0**-digits)


def _bitcast(values: Values, op: graph.BitcastOp) -> None:
    """NaN has one pattern of bits on the graph level."""
    x, after = values.operand(op, 0), element_of(op.result.type)
    if is_float(element_of(op.x.type)):
        x = values.choose(values.test("IsNaN", x), values.like(np.nan, x), x)
    values.define(op, "BitCast", x, to=NUMBERS[after])


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    **dict.fromkeys(COMPARISONS, _compare),
    graph.BitcastOp: _bitcast,
    graph.CastOp: _cast,
    graph.IsInfOp: _is_inf,
    graph.IsNanOp: _is_nan,
    graph.NotEqualOp: _not_equal,
    graph.ShiftLeftOp: _shift_left,
    graph.ShiftRightOp: _shift_right,
    graph.WhereOp: _where,
}
