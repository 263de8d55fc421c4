"""Recurrent layers, in numpy: the definitions of ONNX, time by time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import Activation, RecurrentOp
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.scalar import FUNCTIONS

Function = Callable[[Array], Array]
Step = Callable[[Array, Sequence[Array]], Sequence[Array]]
"""`f(x W + b at one time, states)` gives the next states, the output first."""


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


NUMPY: dict[str, Callable[..., Array]] = {
    "affine": lambda x, alpha, beta: alpha * x + beta,
    "elu": _elu,
    "exp": np.exp,
    "gelu": lambda x: x * 0.5 * (1 + FUNCTIONS["erf"].evaluate(x * np.sqrt(0.5))),
    "hard_sigmoid": lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    "identity": lambda x: x,
    "leaky_relu": lambda x, alpha: np.where(x >= 0, x, alpha * x),
    "relu": lambda x: np.maximum(x, 0),
    "scaled_tanh": lambda x, alpha, beta: alpha * np.tanh(beta * x),
    "selu": lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772),
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
    "thresholded_relu": lambda x, alpha: np.where(x > alpha, x, 0),
}


def _function(activation: Activation, clip: float) -> Function:
    def apply(x: Array) -> Array:
        bounded = np.clip(x, -clip, clip) if clip else x
        return np.asarray(NUMPY[activation.name](bounded, *activation.numbers))

    return apply


def _lstm_step(op: graph.LstmOp, recurrent: Array, peepholes: Array, x: Array, states: Sequence[Array]) -> list[Array]:
    f, g, h = (_function(each, op.literal("clip")) for each in op.functions)
    before, c = states
    i, forget, cell, o = np.split(x + before @ recurrent, 4, axis=-1)
    p_i, p_f, p_o = np.split(peepholes, 3)
    i = f(i + p_i * c)
    forget = 1 - i if op.literal("input_forget") else f(forget + p_f * c)
    c = forget * c + i * g(cell)
    return [f(o + p_o * c) * h(c), c]


def _gru_step(op: graph.GruOp, recurrent: Array, bias: Array, x: Array, states: Sequence[Array]) -> list[Array]:
    f, g = (_function(each, op.literal("clip")) for each in op.functions)
    (h,) = states
    units = op.units
    z, r = np.split(f(x[:, : 2 * units] + h @ recurrent[:, : 2 * units] + bias[: 2 * units]), 2, axis=-1)
    new, own = recurrent[:, 2 * units :], bias[2 * units :]
    n = g(x[:, 2 * units :] + (r * (h @ new + own) if op.literal("reset_after") else (r * h) @ new + own))
    return [z * h + (1 - z) * n]


def _rnn_step(op: graph.RnnOp, recurrent: Array, x: Array, states: Sequence[Array]) -> list[Array]:
    (f,) = (_function(each, op.literal("clip")) for each in op.functions)
    return [f(x + states[0] @ recurrent)]


def _walk(op: RecurrentOp, projected: Array, states: Sequence[Array], mask: Array | None, step: Step) -> list[Array]:
    """Step by step in time; a sequence keeps its states where its mask is false."""
    times = range(projected.shape[0])
    y = np.zeros((*projected.shape[:2], op.units), projected.dtype)
    for t in reversed(times) if op.literal("reverse") else times:
        following = step(projected[t], states)
        if mask is not None:
            counts = mask[t][:, None]
            following = [np.where(counts, new, old) for new, old in zip(following, states, strict=True)]
        states = following
        y[t] = states[0]
    return [y, *states]


def _mask(rest: Sequence[Array]) -> Array | None:
    return next((array for array in rest if array.dtype == np.bool_), None)


def _lstm(
    evaluator: Evaluator, op: graph.LstmOp, x: Array, kernel: Array, recurrent: Array, bias: Array, *rest: Array
) -> list[Array]:
    h, c, *more = rest
    peepholes = next((array for array in more if array.dtype != np.bool_), np.zeros(3 * op.units))
    step = partial(_lstm_step, op, recurrent, peepholes)
    return _walk(op, x @ kernel + bias, [h, c], _mask(more), step)


def _gru(
    evaluator: Evaluator, op: graph.GruOp, x: Array, kernel: Array, recurrent: Array, bias: Array, *rest: Array
) -> list[Array]:
    h, *more = rest
    own, added = (bias[1], bias[0]) if bias.ndim == 2 else (np.zeros_like(bias), bias)
    return _walk(op, x @ kernel + added, [h], _mask(more), partial(_gru_step, op, recurrent, own))


def _rnn(
    evaluator: Evaluator, op: graph.RnnOp, x: Array, kernel: Array, recurrent: Array, bias: Array, *rest: Array
) -> list[Array]:
    h, *more = rest
    return _walk(op, x @ kernel + bias, [h], _mask(more), partial(_rnn_step, op, recurrent))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.GruOp: _gru,
    graph.LstmOp: _lstm,
    graph.RnnOp: _rnn,
}
