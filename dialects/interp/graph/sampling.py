"""Regions of interest, deformable convolution and folding, in numpy: one region, one tap at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.sampling import fold_extents
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.interp.tensor import INDEX_OUTSIDE
from neuralc.dialects.syntax import PlainOp
from neuralc.grammar.diagnostics import error


def _batch_index(index: float, count: int) -> int:
    if not 0 <= index < count:
        raise error(*INDEX_OUTSIDE)
    return int(index)


def _corners(ys: Array, xs: Array) -> Iterator[tuple[Array, Array, Array]]:
    """The four grid places around each point, and how much each counts in bilinear interpolation."""
    top, left = np.floor(ys), np.floor(xs)
    for dy, dx in np.ndindex(2, 2):
        weight = (1 - np.abs(ys - top - dy)) * (1 - np.abs(xs - left - dx))
        yield (top + dy).astype(np.int64), (left + dx).astype(np.int64), weight


def _region_samples(start: float, size: float, bins: int, ratio: int, extent: int) -> tuple[Array, Array]:
    """Positions of the samples of each bin along one dim, [bins, samples], and which of them count."""
    samples = ratio or math.ceil(size / bins)
    width = size / bins
    positions = start + np.arange(bins)[:, None] * width + (np.arange(samples) + 0.5) * width / max(samples, 1)
    counted = (positions >= -1.0) & (positions <= extent)
    return np.clip(positions, 0.0, extent - 1), counted


def _roi_align(evaluator: Evaluator, op: PlainOp, x: Array, rois: Array, batch_indices: Array) -> Array:
    (height, width), (rows, columns) = x.shape[2:], op.literal("sizes")
    ratio, half, scale = op.literal("sampling_ratio"), op.literal("half_pixel"), op.literal("spatial_scale")
    result = np.zeros((len(rois), x.shape[1], rows, columns))
    for r, (roi, index) in enumerate(zip(rois * scale - (0.5 if half else 0.0), batch_indices, strict=True)):
        image = x[_batch_index(index, len(x))]
        left, top, right, bottom = roi
        least = -np.inf if half else 1.0
        ys, ys_count = _region_samples(top, max(bottom - top, least), rows, ratio, height)
        xs, xs_count = _region_samples(left, max(right - left, least), columns, ratio, width)
        if not ys.size or not xs.size:
            continue
        grid_y, grid_x = ys[:, None, :, None], xs[None, :, None, :]
        counted = ys_count[:, None, :, None] & xs_count[None, :, None, :]
        values = [
            np.where(counted, weight, 0.0) * image[:, np.minimum(y, height - 1), np.minimum(x_, width - 1)]
            for y, x_, weight in _corners(*np.broadcast_arrays(grid_y, grid_x))
        ]
        if op.literal("mode") == "average":
            result[r] = np.sum(values, axis=0).mean(axis=(-2, -1))
        else:
            result[r] = np.max(values, axis=0).max(axis=(-2, -1))
    return result


def _round_away(x: float) -> int:
    """Half away from zero, as C's round."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def _max_roi_pool(evaluator: Evaluator, op: PlainOp, x: Array, rois: Array) -> Array:
    rows, columns = op.literal("sizes")
    result = np.zeros((len(rois), x.shape[1], rows, columns))
    for r, roi in enumerate(rois):
        image = x[_batch_index(roi[0], len(x))]
        left, top, right, bottom = (_round_away(corner * op.literal("spatial_scale")) for corner in roi[1:])
        for i, j in np.ndindex(rows, columns):
            ys = _bin(top, bottom, i, rows, image.shape[1])
            xs = _bin(left, right, j, columns, image.shape[2])
            under = image[:, ys, xs]
            if under.size:
                result[r, :, i, j] = under.max(axis=(1, 2))
    return result


def _bin(first: int, last: int, index: int, bins: int, extent: int) -> slice:
    """The pixels of a bin of a region from `first` to `last`, both inside, without those outside the image."""
    size = max(last - first + 1, 1)
    start, end = index * size // bins, -(-(index + 1) * size // bins)
    return slice(min(max(first + start, 0), extent), min(max(first + end, 0), extent))


def _deform_conv(evaluator: Evaluator, op: PlainOp, x: Array, offset: Array, kernel: Array, *rest: Array) -> Array:
    kh, kw, depth, out = kernel.shape
    groups, parts = op.literal("groups"), op.literal("offset_groups")
    (sh, sw), (dh, dw), (top, left) = op.literal("strides"), op.literal("dilations"), op.literal("pads")[:2]
    batch, channels, height, width = x.shape
    oh, ow = offset.shape[2:]
    mask = next((array for array in rest if array.ndim == 4), np.ones((batch, parts * kh * kw, oh, ow)))
    bias = next((array for array in rest if array.ndim == 1), np.zeros(out))
    moves = offset.reshape(batch, parts, kh, kw, 2, oh, ow)
    amounts = mask.reshape(batch, parts, kh, kw, oh, ow)
    images = x.reshape(batch, parts, channels // parts, height, width)
    weights = kernel.reshape(kh, kw, depth, groups, out // groups)
    n, p = np.ogrid[:batch, :parts]
    result = np.zeros((batch, groups, out // groups, oh, ow))
    for i, j in np.ndindex(kh, kw):
        ys = moves[:, :, i, j, 0] + (np.arange(oh) * sh - top + i * dh)[:, None]
        xs = moves[:, :, i, j, 1] + (np.arange(ow) * sw - left + j * dw)
        sampled = np.zeros((batch, parts, oh, ow, channels // parts))
        for y, x_, weight in _corners(ys, xs):
            inside = (y >= 0) & (y < height) & (x_ >= 0) & (x_ < width)
            there = images[n[..., None, None], p[..., None, None], :, y.clip(0, height - 1), x_.clip(0, width - 1)]
            sampled += np.where(inside, weight, 0.0)[..., None] * there
        tap = np.moveaxis(sampled * amounts[:, :, i, j][..., None], -1, 2).reshape(batch, groups, depth, oh, ow)
        result += np.einsum("ngdyx,dgo->ngoyx", tap, weights[i, j])
    return result.reshape(batch, out, oh, ow) + bias[:, None, None]


def _fold(evaluator: Evaluator, op: PlainOp, x: Array) -> Array:
    window, strides, dilations, pads = (op.literal(name) for name in ("window", "strides", "dilations", "pads"))
    extents = [evaluator.size(as_dim(extent)) for extent in fold_extents(**op.literals())]
    batch, channels, *sizes = evaluator.shape(op.results[0].type)
    padded = [size + pads[i] + pads[i + len(window)] for i, size in enumerate(sizes)]
    patches = x.reshape(batch, channels, *window, *extents)
    result = np.zeros((batch, channels, *padded), x.dtype)
    for tap in np.ndindex(*window):
        along = zip(tap, strides, dilations, extents, strict=True)
        where = [slice(i * d, i * d + (n - 1) * stride + 1, stride) for i, stride, d, n in along]
        result[(slice(None), slice(None), *where)] += patches[(slice(None), slice(None), *tap)]
    kept = (slice(low, low + size) for low, size in zip(pads, sizes, strict=False))
    return result[(slice(None), slice(None), *kept)]


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.DeformConvOp: _deform_conv,
    graph.FoldOp: _fold,
    graph.MaxRoiPoolOp: _max_roi_pool,
    graph.RoiAlignOp: _roi_align,
}
