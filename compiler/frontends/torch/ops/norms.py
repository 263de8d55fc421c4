"""Normalizations, at inference."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


def _vector(node: Node, given: Value | None, number: float, size: Size, like: Value) -> Value:
    """A parameter, or the number that stands for one that a layer does without."""
    return node.cast(given, like.element) if given is not None else node.fill(number, (size,), like.element)


@aten("batch_norm", makes=("graph.batch_norm", "graph.reduce", "graph.sub", "graph.mul"))
def batch_norm(
    node: Node,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    running_mean: Value | None,
    running_var: Value | None,
    training: bool,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Value:
    """By the running statistics; a layer that keeps none takes those of the batch. torch's momentum is 1 - ours."""
    if running_mean is None or running_var is None:
        axes = [axis for axis in range(x.rank) if axis != 1]
        return _by_own_statistics(node, x, weight, bias, axes, 1, eps)
    if training:
        node.refuse("in training: call `eval()` first")
    return _at_inference(node, x, weight, bias, running_mean, running_var, 0.1 if momentum is None else momentum, eps)


def _at_inference(
    node: Node,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    mean: Value,
    variance: Value,
    momentum: float,
    eps: float,
) -> Value:
    size = mean.shape[0]
    parameters = [_vector(node, weight, 1.0, size, x), _vector(node, bias, 0.0, size, x)]
    statistics = [node.cast(mean, x.element), node.cast(variance, x.element)]
    return node.emit(graph.BatchNormOp, x, *parameters, *statistics, epsilon=eps, momentum=1.0 - momentum, axis=1)


def _by_own_statistics(
    node: Node, x: Value, weight: Value | None, bias: Value | None, axes: Sequence[int], channel: int, eps: float
) -> Value:
    centered = node.sub(x, node.reduce(x, "mean", axes, keepdims=True))
    variance = node.reduce(node.mul(centered, centered), "mean", axes, keepdims=True)
    y = node.mul(centered, node.emit(graph.RsqrtOp, node.add(variance, node.scalar(eps, x))))
    if weight is not None:
        y = node.mul(y, node.along(weight, channel, x.rank))
    return y if bias is None else node.add(y, node.along(bias, channel, x.rank))


@aten("_native_batch_norm_legit_no_training", makes=("graph.batch_norm",))
def batch_norm_no_training(
    node: Node,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    mean: Value,
    variance: Value,
    momentum: float,
    eps: float,
) -> list[Value | None]:
    return [_at_inference(node, x, weight, bias, mean, variance, momentum, eps), None, None]


@aten("_native_batch_norm_legit.no_stats", makes=("graph.reduce", "graph.sub", "graph.mul", "graph.rsqrt", "graph.add"))
def batch_norm_no_stats(
    node: Node, x: Value, weight: Value | None, bias: Value | None, training: bool, momentum: float, eps: float
) -> list[Value | None]:
    axes = [axis for axis in range(x.rank) if axis != 1]
    return [_by_own_statistics(node, x, weight, bias, axes, 1, eps), None, None]


@aten("_native_batch_norm_legit", "_native_batch_norm_legit_functional", makes=("graph.batch_norm",))
def native_batch_norm(
    node: Node,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    mean: Value,
    variance: Value,
    training: bool,
    momentum: float,
    eps: float,
) -> list[Value | None]:
    if training:
        node.refuse("in training: call `eval()` first")
    return [_at_inference(node, x, weight, bias, mean, variance, momentum, eps), None, None, None, None]


@aten("instance_norm", makes=("graph.group_norm", "graph.batch_norm"))
def instance_norm(
    node: Node,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    running_mean: Value | None,
    running_var: Value | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Value:
    """A group for each channel."""
    if not use_input_stats and running_mean is not None and running_var is not None:
        return _at_inference(node, x, weight, bias, running_mean, running_var, momentum, eps)
    return _grouped(node, x, int(str(x.shape[1])) if isinstance(x.shape[1], int) else 0, weight, bias, eps)


@aten("group_norm", makes=("graph.group_norm",))
def group_norm(
    node: Node,
    x: Value,
    num_groups: int,
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Value:
    return _grouped(node, x, num_groups, weight, bias, eps)


def _grouped(node: Node, x: Value, groups: int, weight: Value | None, bias: Value | None, eps: float) -> Value:
    channels = x.shape[1]
    if not isinstance(channels, int):
        node.refuse(f"over a symbolic number of channels {channels}")
    scale, shift = _vector(node, weight, 1.0, channels, x), _vector(node, bias, 0.0, channels, x)
    return node.emit(graph.GroupNormOp, x, scale, shift, groups=groups, epsilon=eps)


@aten("native_group_norm", makes=("graph.group_norm",))
def native_group_norm(
    node: Node,
    x: Value,
    weight: Value | None,
    bias: Value | None,
    batch: Size,
    channels: Size,
    places: Size,
    group: int,
    eps: float,
) -> list[Value | None]:
    if node.wants(1) or node.wants(2):
        node.refuse("with its statistics")
    return [_grouped(node, x, group, weight, bias, eps), None, None]


@aten("layer_norm", makes=("graph.layer_norm",))
def layer_norm(
    node: Node,
    x: Value,
    normalized_shape: Sequence[Size],
    weight: Value | None = None,
    bias: Value | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Value:
    axis = x.rank - len(normalized_shape)
    if axis < 0:
        raise ShapeError(f"{x.rank} dims, {len(normalized_shape)} of them normalized")
    scale = node.cast(weight, x.element) if weight is not None else _ones(node, x, axis)
    rest = [] if bias is None else [node.cast(bias, x.element)]
    return node.emit(graph.LayerNormOp, x, scale, *rest, epsilon=eps, axis=axis)


def _ones(node: Node, x: Value, axis: int) -> Value:
    return node.fill(1.0, x.shape[axis:], x.element)


@aten("native_layer_norm", makes=("graph.layer_norm", "graph.reduce", "graph.sub", "graph.rsqrt"))
def native_layer_norm(
    node: Node, x: Value, normalized_shape: Sequence[Size], weight: Value | None, bias: Value | None, eps: float
) -> list[Value | None]:
    """With the mean and the inverse deviation, where they are wanted."""
    y = layer_norm(node, x, normalized_shape, weight, bias, eps)
    if not node.wants(1) and not node.wants(2):
        return [y, None, None]
    axes = range(x.rank - len(normalized_shape), x.rank)
    mean = node.reduce(x, "mean", axes, keepdims=True)
    centered = node.sub(x, mean)
    variance = node.reduce(node.mul(centered, centered), "mean", axes, keepdims=True)
    return [y, mean, node.emit(graph.RsqrtOp, node.add(variance, node.scalar(eps, x)))]


EPSILON = {
    "f16": 2.0**-10,
    "bf16": 2.0**-7,
    "f32": 2.0**-23,
    "f64": 2.0**-52,
}
"""What torch takes where a layer names no epsilon: the spacing of numbers at 1."""


@aten("rms_norm", "_fused_rms_norm", makes=("graph.rms_norm",))
def rms_norm(
    node: Node,
    x: Value,
    normalized_shape: Sequence[Size],
    weight: Value | None = None,
    eps: float | None = None,
) -> list[Value | None]:
    axis = x.rank - len(normalized_shape)
    scale = weight if weight is not None else _ones(node, x, axis)
    epsilon = EPSILON[str(x.element)] if eps is None else eps
    return [node.emit(graph.RmsNormOp, x, scale, epsilon=epsilon, axis=axis), None]
