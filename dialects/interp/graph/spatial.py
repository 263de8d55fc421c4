"""Convolution and pooling, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp


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


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.ConvOp: _conv,
    graph.MaxPoolOp: _max_pool,
    graph.AveragePoolOp: _average_pool,
}
