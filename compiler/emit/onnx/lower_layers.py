"""Convolutions, pooling and normalizations: the operators of the same name, channels at axis 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import Shape, element_of, is_float, shape_of
from neuralc.emit.onnx.lower_windows import integer_conv, integer_conv_transpose, integer_max_pool
from neuralc.emit.onnx.values import Values, exact_attribute


def given(**lists: Any) -> dict[str, Any]:
    """Attributes that are not what ONNX takes anyway: strides and dilations of 1, pads of 0."""
    plain = {"strides": 1, "dilations": 1, "pads": 0, "output_padding": 0, "group": 1, "ceil_mode": 0}
    kept: dict[str, Any] = {}
    for name, value in lists.items():
        values = value if isinstance(value, tuple) else (value,)
        if any(each != plain[name] for each in values):
            kept[name] = list(value) if isinstance(value, tuple) else int(value)
    return kept


def _window(op: Operation, *names: str) -> dict[str, Any]:
    literals = op.literals() if hasattr(op, "literals") else {}
    return given(**{name: literals[name] for name in names})


def _conv(values: Values, op: graph.ConvOp) -> None:
    if not is_float(element_of(op.x.type)):
        integer_conv(values, op)
        return
    attributes = _window(op, "strides", "dilations", "pads") | given(group=op.literal("groups"))
    window = shape_of(op.kernel.type)[:-2]
    values.define(op, "Conv", *values.operands(op), kernel_shape=list(window), **attributes)


def _conv_transpose(values: Values, op: graph.ConvTransposeOp) -> None:
    if not is_float(element_of(op.x.type)):
        integer_conv_transpose(values, op)
        return
    window = shape_of(op.kernel.type)[:-2]
    attributes = _window(op, "strides", "dilations", "pads", "output_padding") | given(group=op.literal("groups"))
    values.define(op, "ConvTranspose", *values.operands(op), kernel_shape=list(window), **attributes)


# -- pooling -----------------------------------------------------------------------------------------------------------


def _max_pool(values: Values, op: graph.MaxPoolOp) -> None:
    x = values.operand(op, 0)
    if values.find_carrier("MaxPool", x) != values.element(x):
        integer_max_pool(values, op)
        return
    attributes = _window(op, "strides", "dilations", "pads", "ceil_mode")
    values.define(op, "MaxPool", x, kernel_shape=list(op.literal("window")), **attributes)


def _arg_max_pool(values: Values, op: graph.ArgMaxPoolOp) -> None:
    """The second result of MaxPool, which counts the places of x as ONNX has it: channels at axis 1."""
    x = values.operand(op, 0)
    if values.layouts.needs[op][0] != tuple(range(len(shape_of(op.x.type)))):
        values.refuse(op, "ONNX counts places with the channels at axis 1")
        return
    if values.find_carrier("MaxPool", x) != values.element(x):
        values.refuse(op, f"MaxPool takes no {values.element(x)}")
        return
    attributes = _window(op, "strides", "dilations", "pads", "ceil_mode")
    if op.literal("column_major"):
        attributes["storage_order"] = 1
    result = op.result
    _, places = values.writer.node(
        "MaxPool",
        [x],
        [values.element(x), element_of(result.type)],
        [values.writer.claim(f"{values.writer.label}/MaxPool"), values.result_name(result)],
        kernel_shape=list(op.literal("window")),
        **attributes,
    )
    values.names[result] = places


def _average_pool(values: Values, op: graph.AveragePoolOp) -> None:
    """With dilations since version 19. What a last window has past the padding never counts since then as well."""
    attributes = _window(op, "strides", "dilations", "pads", "ceil_mode")
    if op.literal("count_include_pad"):
        attributes["count_include_pad"] = 1
    if op.literal("ceil_mode") or "dilations" in attributes:
        values.writer.scope.opset.need(19)
    values.define(op, "AveragePool", values.operand(op, 0), kernel_shape=list(op.literal("window")), **attributes)


# -- normalizations ----------------------------------------------------------------------------------------------------


def _batch_norm(values: Values, op: graph.BatchNormOp) -> None:
    x, *parameters = values.operands(op)
    rank, epsilon = len(shape_of(op.x.type)), op.literal("epsilon")
    if rank > 1 and exact_attribute(element_of(op.x.type), epsilon):
        momentum = {"momentum": op.literal("momentum")} if op.literal("momentum") != 0.9 else {}
        values.define(op, "BatchNormalization", x, *parameters, epsilon=epsilon, **momentum)
        return
    gamma, beta, mean, variance = (along(values, name, 1 if rank > 1 else 0, rank) for name in parameters)
    deviation = values("Sqrt", values("Add", variance, values.like(epsilon, x)))
    normal = values("Div", values("Mul", gamma, values("Sub", x, mean)), deviation)
    values.define(op, "Add", normal, beta)


def along(values: Values, vector: str, axis: int, rank: int) -> str:
    """A vector with a 1 for each axis behind the one it belongs to."""
    return values.unsqueeze(vector, range(1, rank - axis))


def _group_norm(values: Values, op: graph.GroupNormOp) -> None:
    """Of one channel a group, InstanceNormalization, else GroupNormalization as version 21 has it."""
    x, scale, bias = values.operands(op)
    shape, epsilon, groups = values.operand_shape(op), op.literal("epsilon"), op.literal("groups")
    if exact_attribute(element_of(op.x.type), epsilon):
        if groups == shape[1] and len(shape) > 2:
            values.define(op, "InstanceNormalization", x, scale, bias, epsilon=epsilon)
        else:
            values.writer.scope.opset.need(21)
            values.define(op, "GroupNormalization", x, scale, bias, num_groups=groups, epsilon=epsilon)
        return
    channels = int(str(shape[1]))
    grouped: Shape = (shape[0], groups, channels // groups, *shape[2:])
    normal = standardized(values, values.reshape(x, shape, grouped), range(2, len(grouped)), epsilon)
    scaled = values("Mul", values.reshape(normal, grouped, shape), along(values, scale, 1, len(shape)))
    values.define(op, "Add", scaled, along(values, bias, 1, len(shape)))


def standardized(values: Values, x: str, axes: Sequence[int], epsilon: float) -> str:
    """(x - mean) / sqrt(variance + epsilon) over some axes."""
    deviation = values("Sub", x, values.reduce("ReduceMean", x, axes, keepdims=True))
    variance = values.reduce("ReduceMean", values("Mul", deviation, deviation), axes, keepdims=True)
    return values("Div", deviation, values("Sqrt", values("Add", variance, values.like(epsilon, x))))


def _layer_norm(values: Values, op: graph.LayerNormOp) -> None:
    """Scale and bias of the normalized sizes, which onnxruntime wants; others are multiplied behind it."""
    x, scale, *bias = values.operands(op)
    shape, epsilon = shape_of(op.x.type), op.literal("epsilon")
    axis = normalize_axis(op.literal("axis"), len(shape))
    if not exact_attribute(element_of(op.x.type), epsilon):
        normal = standardized(values, x, range(axis, len(shape)), epsilon)
    elif all(shape_of(operand.type) == shape[axis:] for operand in op.operands[1:]):
        attributes = {"axis": axis - len(shape)} if axis != len(shape) - 1 else {}
        values.define(op, "LayerNormalization", x, scale, *bias, epsilon=epsilon, **attributes)
        return
    else:
        ones = values.ones(shape[axis:], x)
        if ones is None:
            normal = standardized(values, x, range(axis, len(shape)), epsilon)
        else:
            normal = values("LayerNormalization", x, ones, epsilon=epsilon, axis=axis - len(shape))
    if not bias:
        values.define(op, "Mul", normal, scale)
    else:
        values.define(op, "Add", values("Mul", normal, scale), *bias)


def _rms_norm(values: Values, op: graph.RmsNormOp) -> None:
    """By its parts: RMSNormalization is of version 23, which few engines read."""
    x, scale = values.operands(op)
    rank = len(shape_of(op.x.type))
    axes = range(normalize_axis(op.literal("axis"), rank), rank)
    square = values.reduce("ReduceMean", values("Mul", x, x), axes, keepdims=True)
    deviation = values("Sqrt", values("Add", square, values.like(op.literal("epsilon"), x)))
    values.define(op, "Mul", values("Div", x, deviation), scale)


def _lrn(values: Values, op: graph.LrnOp) -> None:
    """onnxruntime has it for odd sizes of images alone; others are put together."""
    x, shape = values.operand(op, 0), values.operand_shape(op)
    size, alpha, beta, bias = (op.literal(name) for name in ("size", "alpha", "beta", "bias"))
    if size % 2 and len(shape) == 4 and exact_attribute(element_of(op.x.type), alpha, beta, bias):
        values.define(op, "LRN", x, size=size, alpha=alpha, beta=beta, bias=bias)
        return
    axis = min(1, len(shape) - 1)
    around = [0] * (2 * len(shape))
    around[axis], around[len(shape) + axis] = (size - 1) // 2, size // 2
    padded = values("Pad", values("Mul", x, x), values.integers(around))
    count = shape[axis]
    if not isinstance(count, int):
        values.refuse(op, f"over a symbolic number of channels {count}")
        return
    total = None
    for first in range(size):
        part = values.slice(padded, axis, first, first + count)
        total = part if total is None else values("Add", total, part)
    assert total is not None, "a window has at least one place"
    mean = values("Div", values("Mul", total, values.like(alpha, x)), values.like(size, x))
    scaled = values("Add", mean, values.like(bias, x))
    values.define(op, "Div", x, values("Pow", scaled, values.like(beta, x)))


def _softmax(values: Values, op: graph.SoftmaxOp | graph.LogSoftmaxOp) -> None:
    axis, rank = values.axis(op, op.literal("axis")), len(shape_of(op.x.type))
    name = "Softmax" if isinstance(op, graph.SoftmaxOp) else "LogSoftmax"
    values.define(op, name, values.operand(op, 0), axis=-1 if axis == rank - 1 else axis)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.ArgMaxPoolOp: _arg_max_pool,
    graph.AveragePoolOp: _average_pool,
    graph.BatchNormOp: _batch_norm,
    graph.ConvOp: _conv,
    graph.ConvTransposeOp: _conv_transpose,
    graph.GroupNormOp: _group_norm,
    graph.LayerNormOp: _layer_norm,
    graph.LogSoftmaxOp: _softmax,
    graph.LrnOp: _lrn,
    graph.MaxPoolOp: _max_pool,
    graph.RmsNormOp: _rms_norm,
    graph.SoftmaxOp: _softmax,
}
