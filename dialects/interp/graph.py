"""What each graph op computes, in numpy. Definitions are those of the op's docstring; nothing here is fast on purpose.

A function takes the evaluator, the op and the operands; floats are float64, the evaluator rounds the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.scalar import FUNCTIONS
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float, numpy_dtype

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _relu6(x: Array) -> Array:
    return np.minimum(np.maximum(x, 0.0), 6.0)


def _sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, 0.0)


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _erf(x: Array) -> Array:
    return FUNCTIONS["erf"].evaluate(x)


def _gelu(x: Array, approximate: bool) -> Array:
    if approximate:
        return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))
    return np.asarray(0.5 * x * (1.0 + _erf(x / np.sqrt(2.0))))


def _leaky(x: Array, alpha: Array | float) -> Array:
    return np.where(x >= 0, x, alpha * x)


# -- windows ---------------------------------------------------------------------------------------------------------


def _channels_last(x: Array, data_format: str) -> Array:
    return x if data_format == "NHWC" else x.transpose(0, 2, 3, 1)


def _channels_back(x: Array, data_format: str) -> Array:
    return x if data_format == "NHWC" else x.transpose(0, 3, 1, 2)


def _pad(x: Array, pads: Sequence[int], value: float) -> Array:
    """Pad height and width of an NHWC array by [top, left, bottom, right]."""
    top, left, bottom, right = pads
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _conv(evaluator: Evaluator, op: PlainOp, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """A sum over the taps of the kernel; each is a product of matrices per group."""
    (kh, kw, depth, out), groups = kernel.shape, op.literal("groups")
    (sh, sw), (dh, dw), data_format = op.literal("strides"), op.literal("dilations"), op.literal("data_format")
    x = _pad(_channels_last(x, data_format), op.literal("pads"), 0.0)
    batch = x.shape[0]
    oh, ow = ((x.shape[1] - dh * (kh - 1) - 1) // sh + 1), ((x.shape[2] - dw * (kw - 1) - 1) // sw + 1)
    taps = kernel.reshape(kh, kw, depth, groups, out // groups).transpose(0, 1, 3, 2, 4)
    total = np.zeros((groups, batch * oh * ow, out // groups))
    for i, j in np.ndindex(kh, kw):
        under = x[:, i * dh : i * dh + (oh - 1) * sh + 1 : sh, j * dw : j * dw + (ow - 1) * sw + 1 : sw]
        total += under.reshape(batch * oh * ow, groups, depth).transpose(1, 0, 2) @ taps[i, j]
    result = total.transpose(1, 0, 2).reshape(batch, oh, ow, out)
    return _channels_back(result if bias is None else result + bias, data_format)


def _windows(op: PlainOp, x: Array, padding: float) -> Array:
    """All windows of a pooling op: [batch, height, width, channels, window height, window width]."""
    x = _pad(_channels_last(x, op.literal("data_format")), op.literal("pads"), padding)
    sh, sw = op.literal("strides")
    return sliding_window_view(x, op.literal("window"), axis=(1, 2))[:, ::sh, ::sw]


def _max_pool(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    lowest = -np.inf if np.issubdtype(x.dtype, np.floating) else int(np.iinfo(x.dtype).min)
    return _channels_back(_windows(op, x, lowest).max(axis=(-2, -1)), op.literal("data_format"))


def _average_pool(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    total = _windows(op, x, 0.0).sum(axis=(-2, -1))
    if op.literal("count_include_pad"):
        count: Array = np.asarray(float(np.prod(op.literal("window"))))
    else:
        count = _windows(op, np.ones_like(x), 0.0).sum(axis=(-2, -1))
    return _channels_back(total / count, op.literal("data_format"))


# -- layers ----------------------------------------------------------------------------------------------------------


def _dense(evaluator: Evaluator, op: PlainOp, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    result = x @ kernel
    return np.asarray(result if bias is None else result + bias)


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


# -- views, reductions, module ---------------------------------------------------------------------------------------

REDUCTIONS: dict[str, Callable[..., Any]] = {"sum": np.sum, "mean": np.mean, "maximum": np.max, "minimum": np.min}


def _reduce(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    return np.asarray(REDUCTIONS[op.literal("kind")](x, axis=op.literal("axes"), keepdims=op.literal("keepdims")))


def _constant(evaluator: Evaluator, op: PlainOp) -> Array:
    type_ = op.results[0].type
    element = element_of(type_)
    return np.full(
        evaluator.shape(type_), op.literal("value"), np.float64 if is_float(element) else numpy_dtype(element)
    )


def _get_weight(evaluator: Evaluator, op: graph.GetWeightOp) -> Array:
    return evaluator.weight(op.weight_name)


def _call(evaluator: Evaluator, op: graph.CallOp, *arguments: Array) -> list[Array]:
    return evaluator.call(op.callee.root_reference.data, arguments)


def _plain(function: Callable[..., Array]) -> Semantics:
    """An op that is a function of its operands alone."""
    return lambda evaluator, op, *operands: function(*operands)


def _with(function: Callable[..., Array], *names: str) -> Semantics:
    """An op that is a function of its operands and of the named properties."""
    return lambda evaluator, op, *operands: function(*operands, *(op.literal(name) for name in names))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.AbsOp: _plain(np.abs),
    graph.AddOp: _plain(np.add),
    graph.AveragePoolOp: _average_pool,
    graph.BatchNormOp: _batch_norm,
    graph.CallOp: _call,
    graph.ConstantOp: _constant,
    graph.ConvOp: _conv,
    graph.DenseOp: _dense,
    graph.DivOp: _plain(FUNCTIONS["div"].evaluate),
    graph.DropoutOp: _plain(lambda x: x),
    graph.EluOp: _with(_elu, "alpha"),
    graph.ErfOp: _plain(_erf),
    graph.ExpOp: _plain(np.exp),
    graph.GeluOp: _with(_gelu, "approximate"),
    graph.GetWeightOp: _get_weight,
    graph.HardSigmoidOp: _plain(lambda x: _relu6(x + 3.0) / 6.0),
    graph.HardSwishOp: _plain(lambda x: x * _relu6(x + 3.0) / 6.0),
    graph.IdentityOp: _plain(lambda x: x),
    graph.LeakyReluOp: _with(_leaky, "alpha"),
    graph.LogOp: _plain(np.log),
    graph.LogSoftmaxOp: _log_softmax,
    graph.MaxPoolOp: _max_pool,
    graph.MaximumOp: _plain(np.maximum),
    graph.MinimumOp: _plain(np.minimum),
    graph.MishOp: _plain(lambda x: x * np.tanh(_softplus(x))),
    graph.MulOp: _plain(np.multiply),
    graph.NegOp: _plain(np.negative),
    graph.PreluOp: _plain(_leaky),
    graph.ReduceOp: _reduce,
    graph.Relu6Op: _plain(_relu6),
    graph.ReluOp: _plain(lambda x: np.maximum(x, 0)),
    graph.ReshapeOp: lambda evaluator, op, x: x.reshape(evaluator.shape(op.results[0].type)),
    graph.RsqrtOp: _plain(lambda x: 1.0 / np.sqrt(x)),
    graph.SeluOp: _plain(lambda x: SELU_SCALE * _elu(x, SELU_ALPHA)),
    graph.SigmoidOp: _plain(_sigmoid),
    graph.SiluOp: _plain(lambda x: x * _sigmoid(x)),
    graph.SoftmaxOp: _softmax,
    graph.SoftplusOp: _plain(_softplus),
    graph.SoftsignOp: _plain(lambda x: x / (1.0 + np.abs(x))),
    graph.SqrtOp: _plain(np.sqrt),
    graph.SubOp: _plain(np.subtract),
    graph.TanhOp: _plain(np.tanh),
    graph.TransposeOp: _with(np.transpose, "perm"),
}
