"""Normalizations and softmax, in numpy."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp


def _batch_norm(
    evaluator: Evaluator, op: PlainOp, x: Array, gamma: Array, beta: Array, mean: Array, variance: Array
) -> Array:
    shape = [1] * x.ndim
    shape[normalize_axis(op.literal("axis"), x.ndim)] = -1
    gamma, beta, mean, variance = (array.reshape(shape) for array in (gamma, beta, mean, variance))
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + op.literal("epsilon")) + beta)


def _log_softmax(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    axis = op.literal("axis")
    shifted = x - x.max(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def _softmax(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    axis = op.literal("axis")
    numerator = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(numerator / numerator.sum(axis=axis, keepdims=True))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.BatchNormOp: _batch_norm,
    graph.SoftmaxOp: _softmax,
    graph.LogSoftmaxOp: _log_softmax,
}
