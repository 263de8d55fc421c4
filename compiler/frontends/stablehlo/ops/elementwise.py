"""Ops of each element that graph ops say as well: arithmetic, logic, comparisons, conversions, choices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_type_of, is_float, numpy_dtype, tensor_type
from neuralc.frontends.stablehlo.node import Node, joint_shape
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value

ACCURACY = ("result_accuracy",)
"""Says how exact a function has to be; all of ours are as exact as the element type."""

UNARY: Mapping[str, type[PlainOp]] = {
    "stablehlo.abs": graph.AbsOp,
    "stablehlo.ceil": graph.CeilOp,
    "stablehlo.cosine": graph.CosOp,
    "stablehlo.exponential": graph.ExpOp,
    "stablehlo.floor": graph.FloorOp,
    "stablehlo.log": graph.LogOp,
    "stablehlo.logistic": graph.SigmoidOp,
    "stablehlo.negate": graph.NegOp,
    "stablehlo.round_nearest_even": graph.RoundOp,
    "stablehlo.rsqrt": graph.RsqrtOp,
    "stablehlo.sign": graph.SignOp,
    "stablehlo.sine": graph.SinOp,
    "stablehlo.sqrt": graph.SqrtOp,
    "stablehlo.tan": graph.TanOp,
    "stablehlo.tanh": graph.TanhOp,
    "chlo.acos": graph.AcosOp,
    "chlo.acosh": graph.AcoshOp,
    "chlo.asin": graph.AsinOp,
    "chlo.asinh": graph.AsinhOp,
    "chlo.atan": graph.AtanOp,
    "chlo.atanh": graph.AtanhOp,
    "chlo.cosh": graph.CoshOp,
    "chlo.erf": graph.ErfOp,
    "chlo.is_inf": graph.IsInfOp,
    "chlo.sinh": graph.SinhOp,
    "chlo.tan": graph.TanOp,
}

BINARY: Mapping[str, type[PlainOp]] = {
    "stablehlo.add": graph.AddOp,
    "stablehlo.divide": graph.DivOp,
    "stablehlo.maximum": graph.MaximumOp,
    "stablehlo.minimum": graph.MinimumOp,
    "stablehlo.multiply": graph.MulOp,
    "stablehlo.power": graph.PowOp,
    "stablehlo.remainder": graph.FmodOp,
    "stablehlo.shift_left": graph.ShiftLeftOp,
    "stablehlo.shift_right_arithmetic": graph.ShiftRightOp,
    "stablehlo.subtract": graph.SubOp,
}

OF_TRUTH: Mapping[str, type[PlainOp]] = {
    "stablehlo.add": graph.LogicalOrOp,
    "stablehlo.and": graph.LogicalAndOp,
    "stablehlo.maximum": graph.LogicalOrOp,
    "stablehlo.minimum": graph.LogicalAndOp,
    "stablehlo.multiply": graph.LogicalAndOp,
    "stablehlo.or": graph.LogicalOrOp,
    "stablehlo.xor": graph.LogicalXorOp,
}
"""What arithmetic is on truth values."""

OF_BITS: Mapping[str, type[PlainOp]] = {
    "stablehlo.and": graph.BitwiseAndOp,
    "stablehlo.or": graph.BitwiseOrOp,
    "stablehlo.xor": graph.BitwiseXorOp,
}

DIRECTIONS: Mapping[str, type[PlainOp]] = {
    "EQ": graph.EqualOp,
    "NE": graph.NotEqualOp,
    "LT": graph.LessOp,
    "LE": graph.LessEqualOp,
    "GT": graph.GreaterOp,
    "GE": graph.GreaterEqualOp,
}


@stablehlo_op(*UNARY, makes=UNARY, unread=ACCURACY)
def unary(node: Node) -> Value:
    return node.elementwise(UNARY[node.op], node.input(0))


@stablehlo_op(*BINARY, makes=BINARY)
def binary(node: Node) -> Value:
    lhs, rhs = node.input(0), node.input(1)
    if lhs.element == i1:
        if node.op not in OF_TRUTH:
            node.refuse("on truth values")
        return node.elementwise(OF_TRUTH[node.op], lhs, rhs)
    result = node.elementwise(BINARY[node.op], lhs, rhs)
    return node.session.ranges.result(node.op.partition(".")[2], (lhs, rhs), result)


@stablehlo_op(*OF_BITS, makes=[op.name for op in (*OF_BITS.values(), *(OF_TRUTH[name] for name in OF_BITS))])
def bits(node: Node) -> Value:
    lhs, rhs = node.input(0), node.input(1)
    return node.elementwise((OF_TRUTH if lhs.element == i1 else OF_BITS)[node.op], lhs, rhs)


@stablehlo_op("stablehlo.not", makes=("graph.logical_not", "graph.bitwise_not"))
def not_(node: Node) -> Value:
    x = node.input(0)
    return node.elementwise(graph.LogicalNotOp if x.element == i1 else graph.BitwiseNotOp, x)


@stablehlo_op("stablehlo.compare", makes=[op.name for op in DIRECTIONS.values()])
def compare(node: Node) -> Value:
    """The total order of floats (-NaN < -inf < .. < inf < NaN) is one of sorts, which are read as a whole."""
    lhs, rhs, direction = node.input(0), node.input(1), node.word("comparison_direction")
    if node.word("compare_type") == "TOTALORDER" and is_float(lhs.element):
        node.refuse("in the total order of floats, outside of a sort")
    decided = node.session.ranges.decided(direction, lhs, rhs)
    if decided is not None:
        truth = node.constant(np.array(decided), i1)
        return node.session.narrow.expanded(node, truth, joint_shape((lhs, rhs)))
    if lhs.element == i1:
        return _compared_truths(node, lhs, rhs, direction)
    return node.elementwise(DIRECTIONS[direction], lhs, rhs)


def _compared_truths(node: Node, lhs: Value, rhs: Value, direction: str) -> Value:
    different = node.elementwise(graph.LogicalXorOp, lhs, rhs)
    if direction == "NE":
        return different
    if direction == "EQ":
        return node.elementwise(graph.LogicalNotOp, different)
    if direction in ("LT", "LE"):
        lhs, rhs = rhs, lhs
    if direction in ("GT", "LT"):
        return node.elementwise(graph.LogicalAndOp, lhs, node.elementwise(graph.LogicalNotOp, rhs))
    return node.elementwise(graph.LogicalOrOp, lhs, node.elementwise(graph.LogicalNotOp, rhs))


@stablehlo_op("stablehlo.select", makes=("graph.where",))
def select(node: Node) -> Value:
    """The condition may be one for all elements."""
    condition, on, off = node.inputs
    numbers = node.session.narrow.of(condition).numbers
    if numbers is not None and numbers.size and (numbers.all() or not numbers.any()):
        return on if numbers.all() else off
    result = node.elementwise(graph.WhereOp, condition, on, off)
    return node.session.ranges.result("same", (on, off), result)


@stablehlo_op("stablehlo.clamp", makes=("graph.maximum", "graph.minimum"))
def clamp(node: Node) -> Value:
    """clamp(low, x, high); the bounds may be one for all elements."""
    low, x, high = node.inputs
    if node.session.ranges.within(x, low, high):
        return x
    result = node.elementwise(graph.MinimumOp, node.elementwise(graph.MaximumOp, x, low), high)
    return node.session.ranges.result("clamp", (low, x, high), result)


@stablehlo_op("stablehlo.convert", makes=("graph.cast",))
def convert(node: Node) -> Value:
    x, element = node.input(0), node.element()
    if x.element == element:
        return x
    narrow = node.session.narrow.of(x)
    cast = node.emit(graph.CastOp, narrow, result=tensor_type(narrow.shape, element))
    result = node.session.narrow.expanded(node, cast, x.shape)
    return node.session.ranges.result("same", (x,), result)


@stablehlo_op("stablehlo.bitcast_convert", makes=("graph.bitcast",))
def bitcast_convert(node: Node) -> Value:
    x, element = node.input(0), node.element()
    if numpy_dtype(x.element).itemsize != numpy_dtype(element).itemsize or i1 in (x.element, element):
        node.refuse(f"from {x.element} to {element}, which is of another width")
    return node.emit(graph.BitcastOp, x, result=tensor_type(x.shape, element))


@stablehlo_op("stablehlo.optimization_barrier", "stablehlo.real")
def identity(node: Node) -> list[Value]:
    """The values themselves."""
    return list(node.inputs)


@stablehlo_op("stablehlo.reduce_precision", makes=("graph.cast",))
def reduce_precision(node: Node) -> Value:
    """Rounds to the exponent and mantissa of an element type there is, and back."""
    x = node.input(0)
    wanted = node.integer("exponent_bits"), node.integer("mantissa_bits")
    types = {(8, 23): "float32", (5, 10): "float16", (8, 7): "bfloat16", (11, 52): "float64"}
    if wanted not in types:
        node.refuse(f"to {wanted[0]} bits of exponent and {wanted[1]} of mantissa")
    return node.cast(node.cast(x, element_type_of(types[wanted])), x.element)
