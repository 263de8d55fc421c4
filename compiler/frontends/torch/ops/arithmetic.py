"""Arithmetic of two operands, with torch's promotion of types: the program says the type of the result."""

from __future__ import annotations

from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.types import is_float
from neuralc.frontends.torch.node import Node, Number, Operand
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


def _both(node: Node, x: Operand, y: Operand) -> tuple[Value, Value]:
    """In the type of the result."""
    return node.value(x, node.element), node.value(y, node.element)


@aten("add", makes=("graph.add", "graph.mul", "graph.logical_or"))
def add(node: Node, x: Operand, y: Operand, *, alpha: Number = 1) -> Value:
    a, b = _both(node, x, y)
    if node.element == i1:
        return node.emit(graph.LogicalOrOp, a, b)
    return node.add(a, b if alpha == 1 else node.mul(b, node.scalar(alpha, b)))


@aten("sub", makes=("graph.sub", "graph.mul"))
def sub(node: Node, x: Operand, y: Operand, *, alpha: Number = 1) -> Value:
    a, b = _both(node, x, y)
    return node.sub(a, b if alpha == 1 else node.mul(b, node.scalar(alpha, b)))


@aten("rsub", makes=("graph.sub", "graph.mul"))
def rsub(node: Node, x: Operand, y: Operand, alpha: Number = 1) -> Value:
    a, b = _both(node, x, y)
    return node.sub(b, a if alpha == 1 else node.mul(a, node.scalar(alpha, a)))


@aten("mul", "multiply", makes=("graph.mul", "graph.logical_and"))
def mul(node: Node, x: Operand, y: Operand) -> Value:
    a, b = _both(node, x, y)
    return node.emit(graph.LogicalAndOp, a, b) if node.element == i1 else node.mul(a, b)


@aten("div", "true_divide", "divide", makes=("graph.div", "graph.floor", "graph.round", "graph.remainder", "graph.sub"))
def div(node: Node, x: Operand, y: Operand, *, rounding_mode: str | None = None) -> Value:
    if rounding_mode is None:
        return node.div(*_both(node, x, y))
    if rounding_mode == "floor":
        return floor_divide(node, x, y)
    a, b = _both(node, x, y)
    return truncated(node, node.div(a, b)) if is_float(node.element) else node.div(a, b)


@aten("floor_divide", makes=("graph.div", "graph.round", "graph.remainder", "graph.sub"))
def floor_divide(node: Node, x: Operand, y: Operand) -> Value:
    """(x - remainder) / y, which is a whole number but for its rounding."""
    a, b = _both(node, x, y)
    whole = node.div(node.sub(a, node.emit(graph.RemainderOp, a, b)), b)
    return node.emit(graph.RoundOp, whole) if is_float(node.element) else whole


def truncated(node: Node, x: Value) -> Value:
    """The whole part of a float."""
    return node.mul(node.emit(graph.SignOp, x), node.emit(graph.FloorOp, node.emit(graph.AbsOp, x)))


@aten(
    "remainder", "fmod", "maximum", "minimum", "max.other", "min.other", "fmax", "fmin",
    makes={
        "remainder": graph.RemainderOp, "fmod": graph.FmodOp, "maximum": graph.MaximumOp, "minimum": graph.MinimumOp,
        "max.other": graph.MaximumOp, "min.other": graph.MinimumOp, "fmax": graph.WhereOp, "fmin": graph.WhereOp,
    },
)  # fmt: skip
def binary(node: Node, x: Operand, y: Operand) -> Value:
    """fmax and fmin take the number where the other operand is NaN."""
    a, b = _both(node, x, y)
    if node.op in ("fmax", "fmin"):
        larger = node.emit(graph.MaximumOp if node.op == "fmax" else graph.MinimumOp, a, b)
        not_a = node.emit(graph.WhereOp, node.emit(graph.IsNanOp, a), b, larger)
        return node.emit(graph.WhereOp, node.emit(graph.IsNanOp, b), a, not_a)
    ops = {"remainder": graph.RemainderOp, "fmod": graph.FmodOp, "max": graph.MaximumOp, "maximum": graph.MaximumOp}
    return node.emit(ops.get(node.op, graph.MinimumOp), a, b)


@aten("pow", makes=("graph.pow", "graph.mul", "graph.sqrt", "graph.rsqrt", "graph.div"))
def power(node: Node, x: Operand, y: Operand) -> Value:
    a = node.value(x, node.element)
    if not isinstance(y, Value) and is_float(node.element):
        if y == 2:
            return node.mul(a, a)
        if y in (0.5, -0.5):
            return node.emit(graph.SqrtOp if y > 0 else graph.RsqrtOp, a)
        if y == 1:
            return node.emit(graph.IdentityOp, a)
    return node.emit(graph.PowOp, a, node.value(y, node.element))


@aten("square", makes=("graph.mul",))
def square(node: Node, x: Value) -> Value:
    return node.mul(x, x)


@aten("reciprocal", makes=("graph.div",))
def reciprocal(node: Node, x: Value) -> Value:
    a = node.cast(x, node.element)
    return node.div(node.scalar(1, a), a)


@aten("clamp", "clip", makes=("graph.maximum", "graph.minimum", "graph.relu", "graph.relu6"))
def clamp(node: Node, x: Value, min: Operand | None = None, max: Operand | None = None) -> Value:
    """The upper bound wins where the two cross."""
    y = node.cast(x, node.element)
    if min is not None:
        y = node.emit(graph.MaximumOp, y, node.value(min, node.element))
    return y if max is None else node.emit(graph.MinimumOp, y, node.value(max, node.element))


@aten("clamp_min", makes=("graph.maximum",))
def clamp_min(node: Node, x: Value, min: Operand) -> Value:
    return clamp(node, x, min)


@aten("clamp_max", makes=("graph.minimum",))
def clamp_max(node: Node, x: Value, max: Operand) -> Value:
    return clamp(node, x, None, max)


@aten("addcmul", "addcdiv", makes=("graph.mul", "graph.div", "graph.add"))
def add_combined(node: Node, x: Value, a: Value, b: Value, *, value: Number = 1) -> Value:
    a, b = node.value(a, node.element), node.value(b, node.element)
    both = node.mul(a, b) if node.op == "addcmul" else node.div(a, b)
    return node.add(node.value(x, node.element), both if value == 1 else node.mul(both, node.scalar(value, both)))


@aten("lerp", makes=("graph.sub", "graph.mul", "graph.add"))
def lerp(node: Node, x: Value, end: Value, weight: Operand) -> Value:
    return node.add(x, node.mul(node.value(weight, node.element), node.sub(end, x)))


@aten("atan2", makes=("graph.div", "graph.atan", "graph.add", "graph.where", "graph.less", "graph.logical_or"))
def atan2(node: Node, y: Value, x: Value) -> Value:
    """atan(y / x), turned by half a circle to the left of the y axis; a quarter of one on it. -0 lies left and below.

    The angle of two infinities is NaN here."""
    y, x = _both(node, y, x)
    zero = node.scalar(0, x)
    on_axis = node.emit(graph.EqualOp, x, zero)
    quarter = node.mul(node.emit(graph.SignOp, y), node.scalar(1.5707963267948966, x))
    angle = node.emit(graph.WhereOp, on_axis, quarter, node.emit(graph.AtanOp, node.div(y, x)))
    half = node.emit(
        graph.WhereOp, _is_below(node, y), node.scalar(-3.141592653589793, x), node.scalar(3.141592653589793, x)
    )
    turned = node.emit(graph.WhereOp, node.emit(graph.LogicalNotOp, on_axis), node.add(angle, half), angle)
    both_zero = node.emit(graph.LogicalAndOp, on_axis, node.emit(graph.EqualOp, y, zero))
    left = node.emit(graph.WhereOp, both_zero, half, turned)
    return node.emit(graph.WhereOp, _is_below(node, x), left, angle)


def _is_below(node: Node, x: Value) -> Value:
    """True for negative numbers and for -0."""
    zero = node.scalar(0, x)
    inverse = node.div(node.scalar(1, x), x)
    return node.emit(graph.LogicalOrOp, node.emit(graph.LessOp, x, zero), node.emit(graph.LessOp, inverse, zero))


@aten("xlogy", makes=("graph.log", "graph.mul", "graph.where", "graph.equal"))
def xlogy(node: Node, x: Operand, y: Operand) -> Value:
    a, b = _both(node, x, y)
    zero = node.scalar(0, a)
    return node.emit(graph.WhereOp, node.emit(graph.EqualOp, a, zero), zero, node.mul(a, node.emit(graph.LogOp, b)))
