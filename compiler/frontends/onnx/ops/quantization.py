"""Small integers for floats: conversions between them, and layers on the integers themselves.

A scale or zero point is one number, or a vector with an entry for each row, column or channel. Integer layers multiply
and add in int32, exactly, after the zero points are subtracted.
"""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import IntegerType, Signedness, i32
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, is_float
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.ops.spatial import convolution
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.values import Value

UINT8 = IntegerType(8, Signedness.UNSIGNED)


# --- conversions -------------------------------------------------------------------------------------------------
@onnx_op("QuantizeLinear", makes=("graph.quantize", "graph.cast"), unread=("saturate",))
def quantize_linear(node: Node) -> Value:
    """`saturate` is about 8-bit floats. Without a zero point it is 0, of the type of `output_dtype` or uint8."""
    x, scale, zero_point = node.input(0), node.input(1), node.optional(2)
    element = _output(node, None if zero_point is None else zero_point.element, UINT8)
    precision = scale.element
    if node.has("precision") and node.integer("precision"):
        precision = node.element("precision")
    if not is_float(precision):
        node.refuse(f"with a scale of type {precision}")
    if zero_point is None:
        zero_point = node.fill(0, scale.shape, element)
    x, scale = node.cast(x, precision), node.cast(scale, precision)
    return node.emit(graph.QuantizeOp, x, scale, zero_point, axis=_axis(node, x), block_size=_block(node))


@onnx_op("DequantizeLinear", makes=("graph.dequantize", "graph.cast"))
def dequantize_linear(node: Node) -> Value:
    x, scale, zero_point = node.input(0), node.input(1), node.optional(2)
    element = _output(node, None, scale.element)
    if zero_point is None:
        zero_point = node.fill(0, scale.shape, x.element)
    y = node.emit(graph.DequantizeOp, x, scale, zero_point, axis=_axis(node, x), block_size=_block(node))
    return node.cast(y, element)


def _output(node: Node, given: Attribute | None, default: Attribute) -> Attribute:
    """The type of the result. Raises ShapeError where the node names two."""
    named = node.element("output_dtype") if node.has("output_dtype") and node.integer("output_dtype") else None
    if named is not None and given is not None and named != given:
        raise ShapeError(f"output_dtype is {named}, the zero point {given}")
    return named or given or default


def _axis(node: Node, x: Value) -> int:
    """The axis; a vector or a number has one scale, whatever is written."""
    axis = node.integer("axis", 1)
    return axis if -x.rank <= axis < x.rank else 0


def _block(node: Node) -> int:
    return node.integer("block_size", 0)


@onnx_op(
    "DynamicQuantizeLinear",
    makes=(
        "graph.reduce", "graph.maximum", "graph.minimum", "graph.sub", "graph.div", "graph.round", "graph.cast",
        "graph.quantize",
    ),
)  # fmt: skip
def dynamic_quantize_linear(node: Node) -> list[Value]:
    """uint8 for the range of x, which is stretched to hold 0 exactly."""
    x = node.input(0)
    zero, axes = node.scalar(0, x), range(x.rank)
    low = node.emit(graph.MinimumOp, node.reduce(x, "minimum", axes), zero)
    high = node.emit(graph.MaximumOp, node.reduce(x, "maximum", axes), zero)
    scale = node.div(node.sub(high, low), node.scalar(255, x))
    place = node.sub(zero, node.div(low, scale))
    inside = node.emit(graph.MaximumOp, node.emit(graph.MinimumOp, place, node.scalar(255, x)), zero)
    zero_point = node.cast(node.emit(graph.RoundOp, inside), UINT8)
    return [node.emit(graph.QuantizeOp, x, scale, zero_point), scale, zero_point]


# --- layers on integers ------------------------------------------------------------------------------------------
@onnx_op("MatMulInteger", makes=("graph.cast", "graph.sub", "graph.matmul"))
def matmul_integer(node: Node) -> Value:
    a, b = node.input(0), node.input(1)
    return node.emit(
        graph.MatmulOp,
        _shifted(node, a, _optional_rows(node, node.optional(2), a)),
        _shifted(node, b, node.optional(3)),
    )


@onnx_op("QLinearMatMul", makes=("graph.cast", "graph.sub", "graph.matmul", "graph.mul", "graph.div", "graph.quantize"))
def qlinear_matmul(node: Node) -> Value:
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = node.inputs
    y = node.emit(graph.MatmulOp, _shifted(node, a, _rows(node, a_zero, a)), _shifted(node, b, b_zero))
    element = scale.element
    factor = node.mul(_rows(node, node.cast(a_scale, element), a), node.cast(b_scale, element))
    return _requantized(node, y, factor, scale, zero, max(y.rank - 1, 0))


@onnx_op("ConvInteger", makes=("graph.cast", "graph.sub", "graph.conv", "graph.transpose"))
def conv_integer(node: Node) -> Value:
    x, kernel = node.input(0), node.input(1)
    return _integer_convolution(node, x, node.optional(2), kernel, node.optional(3), None)


@onnx_op(
    "QLinearConv",
    makes=("graph.cast", "graph.sub", "graph.conv", "graph.transpose", "graph.mul", "graph.div", "graph.quantize"),
)
def qlinear_conv(node: Node) -> Value:
    """The bias is of the scale x_scale * w_scale and zero point 0: it is added to the integer sums."""
    x, x_scale, x_zero, kernel, kernel_scale, kernel_zero, scale, zero = (node.input(i) for i in range(8))
    y = _integer_convolution(node, x, x_zero, kernel, kernel_zero, node.optional(8))
    factor = node.mul(_number(node, x_scale), _channels(node, _number(node, kernel_scale), y.rank - 1))
    return _requantized(node, y, factor, scale, zero, 1)


def _integer_convolution(
    node: Node, x: Value, x_zero: Value | None, kernel: Value, kernel_zero: Value | None, bias: Value | None
) -> Value:
    """Padding stands for the zero point of x: 0 behind the subtraction."""
    shifted = _shifted(node, x, None if x_zero is None else _number(node, x_zero))
    if kernel_zero is not None:
        kernel_zero = _channels(node, _number(node, kernel_zero), kernel.rank)
    return convolution(node, shifted, _shifted(node, kernel, kernel_zero), bias)


def _shifted(node: Node, x: Value, zero_point: Value | None) -> Value:
    """x - zero_point in int32."""
    wide = node.cast(x, i32)
    if zero_point is None or (zero_point.numbers is not None and not np.any(zero_point.numbers)):
        return wide
    return node.sub(wide, node.cast(zero_point, i32))


def _requantized(node: Node, y: Value, factor: Value, scale: Value, zero: Value, axis: int) -> Value:
    """Integer sums in the scale of the result: times one number, so that ties are rounded as elsewhere."""
    scale, zero = _number(node, scale), _number(node, zero)
    real = node.mul(node.cast(y, scale.element), node.div(factor, scale))
    return node.emit(graph.QuantizeOp, real, node.fill(1, zero.shape, scale.element), zero, axis=axis)


def _rows(node: Node, x: Value, like: Value) -> Value:
    """A vector with an entry for each row of a matrix, as a column."""
    if x.rank != 1 or like.rank < 2 or x.shape == (1,):
        return x
    return node.reshape(x, (*x.shape, 1))


def _optional_rows(node: Node, x: Value | None, like: Value) -> Value | None:
    return None if x is None else _rows(node, x, like)


def _channels(node: Node, x: Value, rank: int) -> Value:
    """A vector with an entry for each channel, with `rank - 1` dims of 1 behind."""
    return node.reshape(x, (*x.shape, *(1,) * (rank - 1))) if x.rank == 1 else x


def _number(node: Node, x: Value) -> Value:
    """A vector of one entry as that entry."""
    return node.reshape(x, ()) if x.shape == (1,) else x
