"""Convolution and pooling over any number of spatial dims, in numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.syntax import PlainOp

Index: TypeAlias = tuple[slice, ...]


def _channels_last(x: Array, data_format: str) -> Array:
    return np.moveaxis(x, CHANNEL[data_format], -1)


def _channels_back(x: Array, data_format: str) -> Array:
    return np.moveaxis(x, -1, CHANNEL[data_format])


def _extents(evaluator: Evaluator, op: PlainOp) -> list[int]:
    """The spatial sizes of the result."""
    shape = evaluator.shape(op.results[0].type)
    return [shape[axis] for axis in SPATIAL[op.literal("data_format")]]


def _every(strides: Sequence[int], starts: Sequence[int], counts: Sequence[int]) -> Index:
    """Batch and channels whole; along each spatial dim `count` places, `stride` apart."""
    along = zip(starts, strides, counts, strict=True)
    return (
        slice(None),
        *(slice(start, start + max((count - 1) * stride + 1, 0), stride) for start, stride, count in along),
    )


def _conv(evaluator: Evaluator, op: PlainOp, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """A sum over the taps of the kernel; each is a product of matrices per group, with a row for each place."""
    *window, depth, out = kernel.shape
    groups, pads, data_format = op.literal("groups"), op.literal("pads"), op.literal("data_format")
    extents, rank = _extents(evaluator, op), len(window)
    around = list(zip(pads[:rank], pads[rank:], strict=True))
    x = np.pad(_channels_last(x, data_format), [(0, 0), *around, (0, 0)])
    places = (x.shape[0], *extents)
    count = math.prod(places)
    taps = np.moveaxis(kernel.reshape(*window, depth, groups, out // groups), -2, -3)
    total = np.zeros((groups, count, out // groups), x.dtype)
    for tap in np.ndindex(*window):
        starts = [i * dilation for i, dilation in zip(tap, op.literal("dilations"), strict=True)]
        under = x[_every(op.literal("strides"), starts, extents)].reshape(count, groups, depth)
        total += np.swapaxes(under, 0, 1) @ taps[tap]
    result = np.swapaxes(total, 0, 1).reshape(*places, out)
    return _channels_back(result if bias is None else result + bias, data_format)


def _conv_transpose(evaluator: Evaluator, op: PlainOp, x: Array, kernel: Array, bias: Array | None = None) -> Array:
    """Each tap of the kernel adds all of x, `strides` apart; then the padding is cut off."""
    *window, depth, per_group = kernel.shape
    groups, pads, data_format = op.literal("groups"), op.literal("pads"), op.literal("data_format")
    extents, rank = _extents(evaluator, op), len(window)
    x = _channels_last(x, data_format)
    batch, *sizes, _ = x.shape
    count = batch * math.prod(sizes)
    rows = np.swapaxes(x.reshape(count, groups, depth // groups), 0, 1)
    taps = kernel.reshape(*window, groups, depth // groups, per_group)
    lists = zip(sizes, op.literal("strides"), window, op.literal("dilations"), strict=True)
    reached = [max((size - 1) * stride + dilation * (taps - 1) + 1, 0) for size, stride, taps, dilation in lists]
    full = [max(reach, low + extent) for reach, low, extent in zip(reached, pads[:rank], extents, strict=True)]
    total = np.zeros((batch, *full, groups, per_group), x.dtype)
    for tap in np.ndindex(*window):
        starts = [i * dilation for i, dilation in zip(tap, op.literal("dilations"), strict=True)]
        added = np.swapaxes(rows @ taps[tap], 0, 1).reshape(batch, *sizes, groups, per_group)
        total[_every(op.literal("strides"), starts, sizes)] += added
    kept = total[_every([1] * rank, pads[:rank], extents)].reshape(batch, *extents, groups * per_group)
    return _channels_back(kept if bias is None else kept + bias, data_format)


def _padded(evaluator: Evaluator, op: PlainOp, x: Array, around: float, past: float) -> Array:
    """What a pooling op looks at, channels last: as many places along each spatial dim as its windows reach over.

    `around` stands in the padding, `past` where a last window of ceil_mode reaches over it.
    """
    pads, rank = op.literal("pads"), len(op.literal("window"))
    x = _channels_last(x, op.literal("data_format"))
    x = np.pad(x, [(0, 0), *zip(pads[:rank], pads[rank:], strict=True), (0, 0)], constant_values=around)
    reaches = zip(_extents(evaluator, op), op.literal("strides"), _reaches(op), strict=True)
    wanted = [(extent - 1) * stride + reach for extent, stride, reach in reaches]
    missing = [(0, max(want - size, 0)) for want, size in zip(wanted, x.shape[1:-1], strict=True)]
    return np.pad(x, [(0, 0), *missing, (0, 0)], constant_values=past)


def _reaches(op: PlainOp) -> list[int]:
    """How many places a window spans along each spatial dim."""
    pairs = zip(op.literal("window"), op.literal("dilations"), strict=True)
    return [dilation * (size - 1) + 1 for size, dilation in pairs]


def _windows(evaluator: Evaluator, op: PlainOp, x: Array, around: float, past: float) -> Array:
    """All windows of a pooling op, flattened: [batch, *places, channels, taps]."""
    x, extents, rank = _padded(evaluator, op, x, around, past), _extents(evaluator, op), len(op.literal("window"))
    every = _every(op.literal("strides"), [0] * rank, extents)
    views = sliding_window_view(x, _reaches(op), axis=tuple(range(1, rank + 1)))[every]
    whole = [slice(None)] * (rank + 2)
    taps = views[(*whole, *(slice(None, None, dilation) for dilation in op.literal("dilations")))]
    return taps.reshape(*taps.shape[: rank + 2], math.prod(op.literal("window")))


def _pooled(
    evaluator: Evaluator, op: PlainOp, x: Array, around: float, past: float, reduce: Callable[..., Array]
) -> Array:
    """A sum or a maximum over each window, one spatial dim after the other; channels last."""
    x = _padded(evaluator, op, x, around, past)
    steps = zip(_extents(evaluator, op), op.literal("strides"), op.literal("dilations"), _reaches(op), strict=True)
    for axis, (extent, stride, dilation, reach) in enumerate(steps, 1):
        views = np.moveaxis(sliding_window_view(x, reach, axis=axis), axis, 0)
        taps = views[: max((extent - 1) * stride + 1, 0) : stride, ..., ::dilation]
        x = np.moveaxis(reduce(taps, axis=-1), 0, axis)
    return x


def _lowest(x: Array) -> float | int:
    return -np.inf if np.issubdtype(x.dtype, np.floating) else int(np.iinfo(x.dtype).min)


def _max_pool(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    lowest = _lowest(x)
    return _channels_back(_pooled(evaluator, op, x, lowest, lowest, np.max), op.literal("data_format"))


def _arg_max_pool(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    lowest, data_format = _lowest(x), op.literal("data_format")
    order = list(range(x.ndim))
    if op.literal("column_major"):
        spatial = SPATIAL[data_format]
        order[spatial[0] : spatial[-1] + 1] = reversed(spatial)
    counted = np.arange(x.size).reshape([x.shape[axis] for axis in order]).transpose(order)
    places = _windows(evaluator, op, counted, -1, -1)
    values = _windows(evaluator, op, x, lowest, lowest)
    best = values.max(axis=-1, keepdims=True)
    first = ((places >= 0) & ((values == best) | (values != values))).argmax(axis=-1)
    return _channels_back(np.take_along_axis(places, first[..., None], -1)[..., 0], data_format)


def _average_pool(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    total = _pooled(evaluator, op, x, 0.0, 0.0, np.sum)
    inside = _pooled(evaluator, op, np.ones_like(x), float(op.literal("count_include_pad")), 0.0, np.sum)
    return _channels_back(total / inside, op.literal("data_format"))


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.ArgMaxPoolOp: _arg_max_pool,
    graph.AveragePoolOp: _average_pool,
    graph.ConvOp: _conv,
    graph.ConvTransposeOp: _conv_transpose,
    graph.MaxPoolOp: _max_pool,
}
