"""Normalizations and softmax: reductions and maps over rows.

A variance is that of the differences from the mean, in a second pass over the row: the mean of squares less the square
of the mean loses all digits where the mean is large.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import product
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import element_of, shape_of
from neuralc.passes.lower.layers.reductions import divide_by_count, wider
from neuralc.passes.lower.lowering import Conversion, Lowering, broadcast_word
from neuralc.passes.lower.scalar_functions import ScalarBuilder


def _batch_norm(at: Lowering, op: graph.BatchNormOp) -> SSAValue:
    shape, epsilon = shape_of(op.x.type), op.literal("epsilon")
    letters = identity(len(shape))
    channel = letters[normalize_axis(op.literal("axis"), len(shape))]

    def body(b: ScalarBuilder, x: SSAValue, gamma: SSAValue, beta: SSAValue, mean: SSAValue, var: SSAValue) -> SSAValue:
        scale = b.call("mul", gamma, b.call("rsqrt", b.call("add", var, epsilon)))
        return b.call("add", b.call("mul", b.call("sub", x, mean), scale), beta)

    spec = f"{letters},{channel},{channel},{channel},{channel}->{letters}"
    return at.map(spec, [op.x, op.gamma, op.beta, op.mean, op.variance], shape, body)


# -- by mean and variance --------------------------------------------------------------------------------------------


def _without(letters: str, axes: Sequence[int]) -> str:
    """The subscripts of a value that `axes` were reduced from."""
    return "".join(letter for i, letter in enumerate(letters) if i not in axes)


def _centered(at: Lowering, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    """x less its mean over `axes`, no narrower than f32."""
    shape, wide = shape_of(x.type), wider(element_of(x.type))
    letters, count = identity(len(shape)), product([shape[axis] for axis in axes])
    total = at.emit(tensor.ReduceOp.of(at.cast(x, wide), kind="add", dims=tuple(axes)))

    def body(b: ScalarBuilder, value: SSAValue, total: SSAValue) -> SSAValue:
        return b.call("sub", b.convert(value, wide), divide_by_count(b, total, count))

    return at.map(f"{letters},{_without(letters, axes)}->{letters}", [x, total], shape, body)


def _scaled(
    at: Lowering,
    op: graph.GroupNormOp | graph.LayerNormOp | graph.RmsNormOp,
    x: SSAValue,
    axes: Sequence[int],
    operands: Sequence[tuple[SSAValue, str]],
) -> SSAValue:
    """x / sqrt(mean of x * x over `axes` + epsilon), times a scale and plus a bias, if there is one.

    `operands` are these two with their subscripts."""
    shape, epsilon, element = shape_of(x.type), op.literal("epsilon"), element_of(op.x.type)
    letters, count, wide = identity(len(shape)), product([shape[axis] for axis in axes]), wider(element)
    squares = at.map(f"{letters}->{letters}", [x], shape, lambda b, v: _square(b, b.convert(v, wide)))
    total = at.emit(tensor.ReduceOp.of(squares, kind="add", dims=tuple(axes)))

    def body(b: ScalarBuilder, value: SSAValue, total: SSAValue, scale: SSAValue, *bias: SSAValue) -> SSAValue:
        inverse = b.call("rsqrt", b.call("add", divide_by_count(b, total, count), epsilon))
        result = b.call("mul", b.call("mul", b.convert(value, wide), inverse), b.convert(scale, wide))
        for offset in bias:
            result = b.call("add", result, b.convert(offset, wide))
        return b.convert(result, element)

    words = [letters, _without(letters, axes), *(word for _, word in operands)]
    return at.map(f"{','.join(words)}->{letters}", [x, total, *(value for value, _ in operands)], shape, body)


def _square(b: ScalarBuilder, value: SSAValue) -> SSAValue:
    return b.call("mul", value, value)


def _from_axis(x: SSAValue, axis: int) -> list[int]:
    rank = len(shape_of(x.type))
    return list(range(normalize_axis(axis, rank), rank))


def _weights(x: SSAValue, *values: SSAValue | None) -> list[tuple[SSAValue, str]]:
    """Operands that broadcast to x, with their subscripts."""
    return [(value, broadcast_word(shape_of(value.type), shape_of(x.type))) for value in values if value is not None]


def _layer_norm(at: Lowering, op: graph.LayerNormOp) -> SSAValue:
    axes = _from_axis(op.x, op.literal("axis"))
    return _scaled(at, op, _centered(at, op.x, axes), axes, _weights(op.x, op.scale, op.bias))


def _rms_norm(at: Lowering, op: graph.RmsNormOp) -> SSAValue:
    return _scaled(at, op, op.x, _from_axis(op.x, op.literal("axis")), _weights(op.x, op.scale))


def _group_norm(at: Lowering, op: graph.GroupNormOp) -> SSAValue:
    """The channels become two dims, the group and the channel in it."""
    shape, groups = shape_of(op.x.type), op.literal("groups")
    axis = normalize_axis(op.literal("axis"), len(shape))
    (channels,) = (int(str(size)) for size in shape_of(op.scale.type))
    x = at.reshape(op.x, (*shape[:axis], groups, channels // groups, *shape[axis + 1 :]))
    letters = identity(len(shape) + 1)
    axes = [i for i in range(1, len(letters)) if i != axis]
    word = letters[axis : axis + 2]
    operands = [(at.reshape(value, (groups, channels // groups)), word) for value in (op.scale, op.bias)]
    return at.reshape(_scaled(at, op, _centered(at, x, axes), axes, operands), shape)


# -- along an axis ---------------------------------------------------------------------------------------------------


def _lrn(at: Lowering, op: graph.LrnOp) -> SSAValue:
    shape, element = shape_of(op.x.type), element_of(op.x.type)
    size, alpha, beta, bias = (op.literal(name) for name in ("size", "alpha", "beta", "bias"))
    axis, letters, wide = normalize_axis(op.literal("axis"), len(shape)), identity(len(shape)), wider(element)
    squares = at.map(f"{letters}->{letters}", [op.x], shape, lambda b, v: _square(b, b.convert(v, wide)))
    low, high = ([around if i == axis else 0 for i in range(len(shape))] for around in ((size - 1) // 2, size // 2))
    padded = at.emit(tensor.PadOp.of(squares, low=tuple(low), high=tuple(high), value=0.0))
    windows = tensor.WindowOp.of(padded, dims=(axis,), sizes=(size,), strides=(1,), dilations=(1,))
    total = at.emit(tensor.ReduceOp.of(at.emit(windows), kind="add", dims=(axis + 1,)))

    def body(b: ScalarBuilder, x: SSAValue, total: SSAValue) -> SSAValue:
        base = b.call("add", b.call("mul", total, alpha / size), bias)
        return b.convert(b.call("div", b.convert(x, wide), b.call("pow", base, beta)), element)

    return at.map(f"{letters},{letters}->{letters}", [op.x, total], shape, body)


def _shifted(at: Lowering, x: SSAValue, axis: int) -> tuple[SSAValue, str, str]:
    """x - max(x) along an axis, with the subscripts of x and of a value that the axis was reduced from."""
    letters = identity(len(shape_of(x.type)))
    kept = _without(letters, [axis])
    largest = at.emit(tensor.ReduceOp.of(x, kind="maximum", dims=(axis,)))
    return at.binary("sub", x, largest, f"{letters},{kept}->{letters}", shape_of(x.type)), letters, kept


def _softmax(at: Lowering, op: graph.SoftmaxOp | graph.LogSoftmaxOp) -> SSAValue:
    """No narrower than f32 inside: the result is rounded once."""
    shape, element = shape_of(op.x.type), element_of(op.x.type)
    axis = normalize_axis(op.literal("axis"), len(shape))
    shifted, letters, kept = _shifted(at, at.cast(op.x, wider(element)), axis)
    exponential = at.unary("exp", shifted)
    total = at.emit(tensor.ReduceOp.of(exponential, kind="add", dims=(axis,)))
    spec = f"{letters},{kept}->{letters}"
    if isinstance(op, graph.SoftmaxOp):
        return at.cast(at.binary("div", exponential, total, spec, shape), element)
    return at.cast(at.binary("sub", shifted, at.unary("log", total), spec, shape), element)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.BatchNormOp: _batch_norm,
    graph.GroupNormOp: _group_norm,
    graph.LayerNormOp: _layer_norm,
    graph.LogSoftmaxOp: _softmax,
    graph.LrnOp: _lrn,
    graph.RmsNormOp: _rms_norm,
    graph.SoftmaxOp: _softmax,
}
