"""Functions of each element that are put together from others."""

from __future__ import annotations

import math

import numpy as np
from xdsl.dialects.builtin import IntegerType, Signedness

from neuralc.dialects import graph
from neuralc.dialects.types import is_float, tensor_type
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.ops.elementwise import ACCURACY
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value


@stablehlo_op(
    "stablehlo.exponential_minus_one", makes=("graph.tanh", "graph.exp", "graph.add", "graph.mul"), unread=ACCURACY
)
def exponential_minus_one(node: Node) -> Value:
    """exp(x) - 1 = tanh(x / 2) * (exp(x) + 1), which loses no digits near 0."""
    x = node.input(0)
    half = node.elementwise(graph.MulOp, x, node.scalar(0.5, x))
    above = node.elementwise(graph.AddOp, node.elementwise(graph.ExpOp, x), node.scalar(1, x))
    return node.elementwise(graph.MulOp, node.elementwise(graph.TanhOp, half), above)


@stablehlo_op(
    "stablehlo.log_plus_one",
    makes=("graph.add", "graph.log", "graph.div", "graph.sub", "graph.mul", "graph.equal", "graph.where"),
    unread=ACCURACY,
)
def log_plus_one(node: Node) -> Value:
    """log(u) * x / (u - 1) for u = 1 + x, which puts back what 1 + x lost (Goldberg 1991, theorem 4)."""
    x = node.input(0)
    one = node.scalar(1, x)
    u = node.elementwise(graph.AddOp, x, one)
    log, rest = node.elementwise(graph.LogOp, u), node.elementwise(graph.SubOp, u, one)
    small = node.elementwise(graph.EqualOp, u, one)
    put_back = node.elementwise(graph.DivOp, node.elementwise(graph.MulOp, log, x), rest)
    finite = node.elementwise(graph.WhereOp, small, x, put_back)
    endless = node.elementwise(graph.EqualOp, x, node.scalar(np.inf, x))
    return node.elementwise(graph.WhereOp, endless, x, finite)


@stablehlo_op("stablehlo.cbrt", makes=("graph.abs", "graph.pow", "graph.sign", "graph.mul"), unread=ACCURACY)
def cbrt(node: Node) -> Value:
    x = node.input(0)
    root = node.elementwise(graph.PowOp, node.elementwise(graph.AbsOp, x), node.scalar(1 / 3, x))
    return node.elementwise(graph.MulOp, node.elementwise(graph.SignOp, x), root)


@stablehlo_op(
    "stablehlo.atan2",
    makes=("graph.div", "graph.atan", "graph.less", "graph.equal", "graph.sign", "graph.where", "graph.add"),
)
def atan2(node: Node) -> Value:
    """The angle of (x, y): atan(y / x), half a turn further where x < 0. The sign of a zero y does not count."""
    y, x = node.inputs
    zero = node.scalar(0, x)
    angle = node.elementwise(graph.AtanOp, node.elementwise(graph.DivOp, y, x))
    below = node.elementwise(graph.LessOp, y, zero)
    turned = node.elementwise(graph.WhereOp, below, node.scalar(-math.pi, x), node.scalar(math.pi, x))
    left = node.elementwise(graph.WhereOp, node.elementwise(graph.LessOp, x, zero), turned, zero)
    general = node.elementwise(graph.AddOp, angle, left)
    upright = node.elementwise(graph.MulOp, node.elementwise(graph.SignOp, y), node.scalar(math.pi / 2, x))
    return node.elementwise(graph.WhereOp, node.elementwise(graph.EqualOp, x, zero), upright, general)


@stablehlo_op("chlo.erfc", makes=("graph.erf", "graph.sub"))
def erfc(node: Node) -> Value:
    x = node.input(0)
    return node.elementwise(graph.SubOp, node.scalar(1, x), node.elementwise(graph.ErfOp, x))


@stablehlo_op("chlo.square", makes=("graph.mul",))
def square(node: Node) -> Value:
    x = node.input(0)
    return node.elementwise(graph.MulOp, x, x)


@stablehlo_op("stablehlo.is_finite", makes=("graph.is_nan", "graph.is_inf", "graph.logical_or", "graph.logical_not"))
def is_finite(node: Node) -> Value:
    x = node.input(0)
    either = node.elementwise(graph.LogicalOrOp, node.elementwise(graph.IsNanOp, x), node.elementwise(graph.IsInfOp, x))
    return node.elementwise(graph.LogicalNotOp, either)


@stablehlo_op("chlo.is_pos_inf", "chlo.is_neg_inf", makes=("graph.equal",))
def is_one_infinity(node: Node) -> Value:
    x = node.input(0)
    infinity = np.inf if node.op == "chlo.is_pos_inf" else -np.inf
    return node.elementwise(graph.EqualOp, x, node.scalar(infinity, x))


@stablehlo_op(
    "stablehlo.round_nearest_afz",
    makes=("graph.abs", "graph.floor", "graph.sub", "graph.greater_equal", "graph.cast", "graph.add", "graph.sign"),
)
def round_nearest_afz(node: Node) -> Value:
    """The nearest integral number, half-way cases away from zero (IEEE 754 roundToIntegralTiesToAway)."""
    x = node.input(0)
    size = node.elementwise(graph.AbsOp, x)
    whole = node.elementwise(graph.FloorOp, size)
    up = node.elementwise(graph.GreaterEqualOp, node.elementwise(graph.SubOp, size, whole), node.scalar(0.5, x))
    rounded = node.elementwise(graph.AddOp, whole, node.cast(up, x.element))
    return node.elementwise(graph.MulOp, node.elementwise(graph.SignOp, x), rounded)


@stablehlo_op("stablehlo.shift_right_logical", makes=("graph.bitcast", "graph.shift_right"))
def shift_right_logical(node: Node) -> Value:
    """Zeros come in from above: the shift of an unsigned number."""
    x, places = node.inputs
    element = x.element
    if not isinstance(element, IntegerType) or is_float(element):
        node.refuse(f"on element type {element}")
    unsigned = IntegerType(element.width.data, Signedness.UNSIGNED)
    bits = [
        value
        if value.element == unsigned
        else node.emit(graph.BitcastOp, value, result=tensor_type(value.shape, unsigned))
        for value in (x, places)
    ]
    shifted = node.elementwise(graph.ShiftRightOp, *bits)
    if element == unsigned:
        return shifted
    return node.emit(graph.BitcastOp, shifted, result=tensor_type(x.shape, element))


@stablehlo_op("stablehlo.popcnt", makes=("graph.shift_right", "graph.bitwise_and", "graph.add"))
def popcnt(node: Node) -> Value:
    """How many bits are 1: each is moved to the lowest place and counted."""
    x = node.input(0)
    element = x.element
    if not isinstance(element, IntegerType):
        node.refuse(f"on element type {element}")
    one = node.scalar(1, x)
    count = node.elementwise(graph.BitwiseAndOp, x, one)
    for place in range(1, element.width.data):
        bit = node.elementwise(graph.BitwiseAndOp, node.elementwise(graph.ShiftRightOp, x, node.scalar(place, x)), one)
        count = node.elementwise(graph.AddOp, count, bit)
    return count
