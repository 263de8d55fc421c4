"""Normalizations and softmax, in numpy."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp


def _along(x: Array, axis: int, values: Array) -> Array:
    """A vector that belongs to one axis of x, so that it broadcasts."""
    shape = [1] * x.ndim
    shape[normalize_axis(axis, x.ndim)] = -1
    return values.reshape(shape)


def _batch_norm(
    evaluator: Evaluator, op: PlainOp, x: Array, gamma: Array, beta: Array, mean: Array, variance: Array
) -> Array:
    gamma, beta, mean, variance = (_along(x, op.literal("axis"), array) for array in (gamma, beta, mean, variance))
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + op.literal("epsilon")) + beta)


def _standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    deviation = x - x.mean(axis=axes, keepdims=True)
    variance = (deviation * deviation).mean(axis=axes, keepdims=True)
    return np.asarray(deviation / np.sqrt(variance + epsilon))


def _group_norm(evaluator: Evaluator, op: PlainOp, x: Array, scale: Array, bias: Array) -> Array:
    axis, groups = normalize_axis(op.literal("axis"), x.ndim), op.literal("groups")
    grouped = x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])
    axes = tuple(i for i in range(1, grouped.ndim) if i != axis)
    normal = _standardized(grouped, axes, op.literal("epsilon")).reshape(x.shape)
    return np.asarray(normal * _along(x, axis, scale) + _along(x, axis, bias))


def _layer_norm(evaluator: Evaluator, op: PlainOp, x: Array, scale: Array, bias: Array | None = None) -> Array:
    axes = tuple(range(normalize_axis(op.literal("axis"), x.ndim), x.ndim))
    result = _standardized(x, axes, op.literal("epsilon")) * scale
    return np.asarray(result if bias is None else result + bias)


def _rms_norm(evaluator: Evaluator, op: PlainOp, x: Array, scale: Array) -> Array:
    axes = tuple(range(normalize_axis(op.literal("axis"), x.ndim), x.ndim))
    square = (x * x).mean(axis=axes, keepdims=True)
    return np.asarray(x / np.sqrt(square + op.literal("epsilon")) * scale)


def _lrn(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    size, alpha, beta, bias = (op.literal(name) for name in ("size", "alpha", "beta", "bias"))
    axis = normalize_axis(op.literal("axis"), x.ndim)
    around = [(0, 0)] * x.ndim
    around[axis] = ((size - 1) // 2, size // 2)
    total = sliding_window_view(np.pad(x * x, around), size, axis=axis).sum(axis=-1)
    return np.asarray(x / (bias + alpha / size * total) ** beta)


def _log_softmax(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    axis = op.literal("axis")
    shifted = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def _softmax(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    axis = op.literal("axis")
    numerator = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return np.asarray(numerator / numerator.sum(axis=axis, keepdims=True))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.BatchNormOp: _batch_norm,
    graph.GroupNormOp: _group_norm,
    graph.LayerNormOp: _layer_norm,
    graph.LogSoftmaxOp: _log_softmax,
    graph.LrnOp: _lrn,
    graph.RmsNormOp: _rms_norm,
    graph.SoftmaxOp: _softmax,
}
