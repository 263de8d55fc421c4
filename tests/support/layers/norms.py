"""Normalizations and softmax."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, floats, rank, static
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of


@floats
def batch_norm(program: Program, x: SSAValue) -> SSAValue | None:
    axes = [axis for axis, size in enumerate(shape_of(x.type)) if isinstance(size, int)]
    if not axes:
        return None
    axis = program.choice(axes) if program.flag() else axes[-1]
    channels = static(shape_of(x.type)[axis])
    gamma, beta, mean = (program.weight(f"norm.{name}", channels) for name in ("gamma", "beta", "moving_mean"))
    variance = program.weight("norm.moving_variance", channels, positive=True)
    return graph.BatchNormOp.of(x, gamma, beta, mean, variance, axis=axis, epsilon=1e-3).result


@floats
def softmax(program: Program, x: SSAValue) -> SSAValue | None:
    op = graph.SoftmaxOp if program.flag() else graph.LogSoftmaxOp
    return op.of(x, axis=program.integer(-rank(x), rank(x) - 1)).result if rank(x) else None


@floats
def group_norm(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    axes = [axis for axis in range(1, len(shape)) if isinstance(shape[axis], int)]
    if len(shape) < 3 or not axes:
        return None
    axis = program.choice(axes)
    channels = static(shape[axis])
    groups = program.choice([n for n in range(1, channels + 1) if channels % n == 0])
    scale, bias = program.weight("norm.scale", channels), program.weight("norm.bias", channels)
    return graph.GroupNormOp.of(x, scale, bias, groups=groups, axis=axis, epsilon=1e-2).result


@floats
def layer_norm(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    if not shape or not isinstance(shape[-1], int):
        return None
    scale = program.weight("norm.scale", shape[-1])
    axis = program.integer(0, len(shape) - 1) if program.flag() else -1
    if program.flag():
        return graph.RmsNormOp.of(x, scale, axis=axis, epsilon=1e-2).result
    bias = [program.weight("norm.bias", shape[-1])] if program.flag() else []
    return graph.LayerNormOp.of(x, scale, *bias, axis=axis, epsilon=1e-2).result


@floats
def lrn(program: Program, x: SSAValue) -> SSAValue | None:
    if rank(x) < 2:
        return None
    axis = program.integer(1, rank(x) - 1)
    return graph.LrnOp.of(x, size=program.integer(1, 4), alpha=0.5, beta=0.75, bias=1.0, axis=axis).result


PLAIN: Sequence[Layer] = (batch_norm, batch_norm, softmax)
LAYERS: Sequence[Layer] = (group_norm, layer_norm, lrn)
