"""Truth values, comparisons, bits, and the choice between two values."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import f16, f32, f64, i1

from neuralc.dialects import graph
from neuralc.dialects.types import is_float
from neuralc.frontends.torch.node import Node, Operand
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

COMPARED = {
    "eq": graph.EqualOp, "ne": graph.NotEqualOp, "lt": graph.LessOp, "le": graph.LessEqualOp, "gt": graph.GreaterOp,
    "ge": graph.GreaterEqualOp,
}  # fmt: skip


@aten(*COMPARED, makes=COMPARED)
def compare(node: Node, x: Operand, y: Operand) -> Value:
    return node.emit(COMPARED[node.op], *node.together(x, y))


TRUTH = {"logical_and": graph.LogicalAndOp, "logical_or": graph.LogicalOrOp, "logical_xor": graph.LogicalXorOp}


@aten(*TRUTH, makes=TRUTH)
def logical(node: Node, x: Value, y: Value) -> Value:
    return node.emit(TRUTH[node.op], node.cast(x, i1), node.cast(y, i1))


@aten("logical_not", makes=("graph.logical_not",))
def logical_not(node: Node, x: Value) -> Value:
    return node.emit(graph.LogicalNotOp, node.cast(x, i1))


BITS = {
    "bitwise_and": (graph.BitwiseAndOp, graph.LogicalAndOp), "bitwise_or": (graph.BitwiseOrOp, graph.LogicalOrOp),
    "bitwise_xor": (graph.BitwiseXorOp, graph.LogicalXorOp), "__and__": (graph.BitwiseAndOp, graph.LogicalAndOp),
    "__or__": (graph.BitwiseOrOp, graph.LogicalOrOp), "__xor__": (graph.BitwiseXorOp, graph.LogicalXorOp),
}  # fmt: skip
"""Of integers, and of truth values."""


@aten(*BITS, makes={name: op for name, (op, _) in BITS.items()})
def bitwise(node: Node, x: Operand, y: Operand) -> Value:
    of_integers, of_truth = BITS[node.op]
    a, b = node.together(x, y)
    return node.emit(of_truth if a.element == i1 else of_integers, a, b)


@aten("bitwise_not", makes=("graph.bitwise_not", "graph.logical_not"))
def bitwise_not(node: Node, x: Value) -> Value:
    return node.emit(graph.LogicalNotOp if x.element == i1 else graph.BitwiseNotOp, x)


SHIFTS = {
    "bitwise_left_shift": graph.ShiftLeftOp, "bitwise_right_shift": graph.ShiftRightOp,
    "__lshift__": graph.ShiftLeftOp, "__rshift__": graph.ShiftRightOp,
}  # fmt: skip


@aten(*SHIFTS, makes=SHIFTS)
def shift(node: Node, x: Operand, y: Operand) -> Value:
    return node.emit(SHIFTS[node.op], *node.together(x, y))


@aten("isnan", makes=("graph.is_nan",))
def isnan(node: Node, x: Value) -> Value:
    return node.emit(graph.IsNanOp, x) if is_float(x.element) else node.fill(0, x.shape, i1)


@aten("isinf", "isposinf", "isneginf", makes=("graph.is_inf",))
def isinf(node: Node, x: Value) -> Value:
    if not is_float(x.element):
        return node.fill(0, x.shape, i1)
    return node.emit(graph.IsInfOp, x, positive=node.op != "isneginf", negative=node.op != "isposinf")


@aten("isfinite", makes=("graph.is_nan", "graph.is_inf", "graph.logical_or", "graph.logical_not"))
def isfinite(node: Node, x: Value) -> Value:
    if not is_float(x.element):
        return node.fill(1, x.shape, i1)
    other = node.emit(graph.LogicalOrOp, node.emit(graph.IsNanOp, x), node.emit(graph.IsInfOp, x))
    return node.emit(graph.LogicalNotOp, other)


@aten("where", makes=("graph.where",))
def where(node: Node, condition: Value, x: Operand, y: Operand) -> Value:
    on, off = node.value(x, node.element), node.value(y, node.element)
    return node.emit(graph.WhereOp, node.cast(condition, i1), on, off)


@aten("masked_fill", makes=("graph.where",))
def masked_fill(node: Node, x: Value, mask: Value, value: Operand) -> Value:
    return node.emit(graph.WhereOp, mask, node.value(value, node.element), node.value(x, node.element))


LARGEST = {f16: 65504.0, f32: float(np.finfo(np.float32).max), f64: float(np.finfo(np.float64).max)}
"""The largest number of a type."""


@aten("nan_to_num", makes=("graph.where", "graph.is_nan", "graph.is_inf"))
def nan_to_num(
    node: Node, x: Value, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Value:
    """Infinities become the largest numbers of the type."""
    if not is_float(x.element):
        return node.emit(graph.IdentityOp, x)
    if x.element not in LARGEST:
        node.refuse(f"on element type {x.element}")
    largest = LARGEST[x.element]
    y = node.emit(graph.WhereOp, node.emit(graph.IsNanOp, x), node.scalar(nan or 0.0, x), x)
    high = node.scalar(largest if posinf is None else posinf, x)
    low = node.scalar(-largest if neginf is None else neginf, x)
    y = node.emit(graph.WhereOp, node.emit(graph.IsInfOp, x, negative=False), high, y)
    return node.emit(graph.WhereOp, node.emit(graph.IsInfOp, x, positive=False), low, y)
