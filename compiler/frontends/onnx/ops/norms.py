"""Normalizations. Those of 16-bit floats are computed in 32 bits or wider everywhere: `stash_type` has no effect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.ops.spatial import power, root
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.values import Value


@onnx_op("BatchNormalization", makes=("graph.batch_norm",), unread=("consumed_inputs", "is_test"), since=6)
def batch_normalization(node: Node) -> Value:
    """At inference: with the mean and the variance given. Parameters of another float type take that of x."""
    x, *parameters = node.inputs
    if node.integer("training_mode", 0) or any(node.wants(i) for i in range(1, len(node.outputs))):
        node.refuse("as a layer in training")
    if not node.integer("spatial", 1):
        node.refuse("with statistics for each place (spatial=0)")
    channels = 1 if x.rank > 1 else 0
    if x.rank == 1:
        node.refuse("on a vector")
    given = [node.cast(parameter, x.element) for parameter in parameters]
    return node.emit(
        graph.BatchNormOp, x, *given,
        epsilon=node.real("epsilon", 1e-5), momentum=node.real("momentum", 0.9), axis=channels,
    )  # fmt: skip


@onnx_op("InstanceNormalization", makes=("graph.group_norm",), unread=("consumed_inputs",))
def instance_normalization(node: Node) -> Value:
    """A group for each channel."""
    x, scale, bias = node.inputs
    channels = x.shape[1] if x.rank > 2 else 0
    if not isinstance(channels, int) or channels < 1:
        node.refuse(f"over an operand {x.type}")
    return node.emit(graph.GroupNormOp, x, scale, bias, groups=channels, epsilon=node.real("epsilon", 1e-5))


@onnx_op("GroupNormalization", makes=("graph.group_norm", "graph.expand", "graph.reshape"), unread=("stash_type",))
def group_normalization(node: Node) -> Value:
    """Version 18 has a scale and a bias for each group, later ones for each channel."""
    x, *parameters = node.inputs
    groups, channels = node.integer("num_groups"), x.shape[1] if x.rank > 1 else 0
    if not isinstance(channels, int):
        node.refuse(f"over a symbolic number of channels {channels}")
    if groups < 1 or channels < 1 or channels % groups:
        raise ShapeError(f"{channels} channels do not make {groups} groups")
    if node.version < 21:
        parameters = [spread(node, parameter, groups, channels // groups) for parameter in parameters]
    return node.emit(graph.GroupNormOp, x, *parameters, groups=groups, epsilon=node.real("epsilon", 1e-5))


def spread(node: Node, x: Value, count: int, times: int) -> Value:
    """A vector with each of its values several times in a row."""
    return node.reshape(node.expand(node.reshape(x, (count, 1)), (count, times)), (count * times,))


@onnx_op(
    "LayerNormalization",
    makes=("graph.layer_norm", "graph.mul", "graph.add", "graph.reduce", "graph.sub", "graph.rsqrt", "graph.cast"),
)
def layer_normalization(node: Node) -> list[Value]:
    """The mean and the inverse deviation, where they are wanted, are of the type that `stash_type` names."""
    x, scale, bias = node.input(0), node.input(1), node.optional(2)
    axis, epsilon = node.axis(node.integer("axis", -1), x.rank), node.real("epsilon", 1e-5)
    stash = node.element("stash_type", 1)
    y = _scaled(node, x, scale, bias, axis, epsilon, graph.LayerNormOp)
    if not node.wants(1) and not node.wants(2):
        return [y]
    exact, axes = node.cast(x, stash), range(axis, x.rank)
    mean = node.reduce(exact, "mean", axes, keepdims=True)
    centered = node.sub(exact, mean)
    variance = node.reduce(node.mul(centered, centered), "mean", axes, keepdims=True)
    return [y, mean, node.emit(graph.RsqrtOp, node.add(variance, node.scalar(epsilon, variance)))]


@onnx_op("RMSNormalization", makes=("graph.rms_norm", "graph.mul", "graph.cast"), unread=("stash_type",))
def rms_normalization(node: Node) -> Value:
    x, scale = node.inputs
    axis = node.axis(node.integer("axis", -1), x.rank)
    return _scaled(node, x, scale, None, axis, node.real("epsilon", 1e-5), graph.RmsNormOp)


def _scaled(
    node: Node,
    x: Value,
    scale: Value,
    bias: Value | None,
    axis: int,
    epsilon: float,
    op: type[graph.LayerNormOp] | type[graph.RmsNormOp],
) -> Value:
    """The normalization, with scale and bias in it where they are over the normalized dims alone."""
    given = [node.cast(_trimmed(node, value, x.rank - axis), x.element) for value in (scale, bias) if value is not None]
    if all(value.rank <= x.rank - axis for value in given):
        return node.emit(op, x, *given, axis=axis, epsilon=epsilon)
    plain = node.emit(op, x, node.constant(np.ones(1), x.element), axis=axis, epsilon=epsilon)
    scaled = node.mul(plain, given[0])
    return scaled if bias is None else node.add(scaled, given[1])


def _trimmed(node: Node, x: Value, rank: int) -> Value:
    """Without dims of 1 in front that are more than `rank`."""
    shape: Sequence[object] = x.shape
    spare = 0
    while len(shape) - spare > rank and shape[spare] == 1:
        spare += 1
    return node.reshape(x, x.shape[spare:])


@onnx_op("LpNormalization", makes=("graph.abs", "graph.reduce", "graph.sqrt", "graph.div", "graph.where"))
def lp_normalization(node: Node) -> Value:
    """x / |x|_p along an axis; where the norm is 0, so is the result."""
    x, p = node.input(0), node.integer("p", 2)
    if p not in (1, 2):
        raise ShapeError(f"p is 1 or 2, not {p}")
    axis = node.axis(node.integer("axis", -1), x.rank)
    norm = root(node, node.reduce(power(node, x, p), "sum", (axis,), keepdims=True), p)
    empty = node.emit(graph.EqualOp, norm, node.scalar(0, norm))
    return node.div(x, node.emit(graph.WhereOp, empty, node.scalar(1, norm), norm))


@onnx_op("LRN", makes=("graph.lrn",))
def local_response_normalization(node: Node) -> Value:
    return node.emit(
        graph.LrnOp, node.input(0), size=node.integer("size"),
        alpha=node.real("alpha", 1e-4), beta=node.real("beta", 0.75), bias=node.real("bias", 1.0),
    )  # fmt: skip
