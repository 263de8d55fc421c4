"""Reads between the places of a tensor, in numpy: coordinates, the places around each, and their weights."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.resampling import REACHES
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.scalar import convert

FARTHEST = 2.0**30
"""Coordinates further out than any tensor reaches are taken to be here, so that they are integers too."""


def _cubic(distance: Array, a: float) -> Array:
    """The weight of a place at a distance (Keys 1981, equation 4 has a = -1/2)."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _lanczos(distance: Array, reach: int) -> Array:
    """The weight of a place at a distance (Duchon 1979)."""
    return np.asarray(np.where(np.abs(distance) < reach, np.sinc(distance) * np.sinc(distance / reach), 0.0))


def _weight(mode: str, distance: Array, a: float) -> Array:
    match mode:
        case "cubic":
            return _cubic(distance, a)
        case "linear":
            return np.asarray(np.maximum(1 - np.abs(distance), 0.0))
        case _:
            return _lanczos(distance, REACHES[mode])


# -- resize ----------------------------------------------------------------------------------------------------------


def _coordinates(op: graph.ResizeOp, axis: int, n: int, out: int, scale: float | None) -> Array:
    """Where each of `out` places is read along a dim of n, by the table in the docstring of the op."""
    i: Array = np.arange(out, dtype=np.float64)
    kind, length = op.literal("coordinates"), out if scale is None else n * scale
    if kind == "align_corners":
        return np.asarray(i * (n - 1) / (length - 1) if length != 1 else i * 0.0)
    if kind == "tf_crop_and_resize":
        roi = op.literal("roi")
        start, end = roi[axis], roi[axis + len(roi) // 2]
        if length == 1:
            return np.asarray(i * 0.0 + (start + end) * (n - 1) / 2)
        return np.asarray(start * (n - 1) + i * (end - start) * (n - 1) / (length - 1))
    if kind == "pytorch_half_pixel" and out == 1:
        return i * 0.0
    half = 0.0 if kind == "asymmetric" else 0.5
    x = (i + half) * n / out if scale is None else (i + half) / scale
    if kind in ("asymmetric", "tf_half_pixel_for_nn"):
        return x
    return (n / 2 * (1 - out / length) if kind == "half_pixel_symmetric" else 0.0) + x - 0.5


ROUND: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def resize_axis(op: graph.ResizeOp, x: Array, axis: int, out: int, scale: float | None) -> Array:
    """x with `out` places along an axis, whose scale is `scale` where the op gives one."""
    n, mode = x.shape[axis], op.literal("mode")
    at = _coordinates(op, axis, n, out, scale)
    if mode == "nearest":
        places = ROUND[op.literal("nearest_mode")](at).astype(np.int64)
        return np.asarray(np.take(x, np.clip(places, 0, n - 1), axis=axis))
    narrow = min(out / n if scale is None else scale, 1.0) if op.literal("antialias") else 1.0
    reach = int(np.ceil(REACHES[mode] / narrow))
    places = np.floor(at).astype(np.int64)[:, None] + np.arange(1 - reach, reach + 1)
    weights = _weight(mode, (places - at[:, None]) * narrow, op.literal("cubic_coeff_a"))
    if op.literal("exclude_outside"):
        weights = np.where((places >= 0) & (places < n), weights, 0.0)
    if op.literal("exclude_outside") or op.literal("antialias"):
        total = weights.sum(axis=1, keepdims=True)
        weights = weights / np.where(total == 0, 1.0, total)
    taken = np.take(x, np.clip(places, 0, n - 1), axis=axis)
    return np.asarray((taken * weights.reshape(*weights.shape, *[1] * (x.ndim - axis - 1))).sum(axis=axis + 1))


def _resize(evaluator: Evaluator, op: graph.ResizeOp, x: Array) -> Array:
    scales, roi = (op.literal(name) if name in op.properties else None for name in ("scales", "roi"))
    shape, rank = evaluator.shape(op.result.type), x.ndim
    outside = np.zeros(shape, bool)
    for axis, (n, out) in enumerate(zip(x.shape, shape, strict=True)):
        scale = scales[axis] if scales is not None else None
        region = (roi[axis], roi[axis + rank]) if roi is not None else (0.0, 1.0)
        if out == n and scale in (None, 1.0) and region == (0.0, 1.0):
            continue
        if roi is not None:
            at = _coordinates(op, axis, n, out, scale)
            outside |= ((at < 0) | (at > n - 1)).reshape(-1, *[1] * (rank - axis - 1))
        x = resize_axis(op, x, axis, out, scale)
    return np.where(outside, np.asarray(op.literal("extrapolation_value"), x.dtype), x) if roi is not None else x


# -- grid_sample -----------------------------------------------------------------------------------------------------


def _inside(places: Array, n: int, padding: str, align_corners: bool) -> tuple[Array, Array]:
    """The place that is read for each place along a dim of n, and where its value counts."""
    if padding == "reflection":
        period = max(2 * (n - 1), 1) if align_corners else 2 * n
        places = np.mod(places, period)
        places = np.where(places >= n, (2 * (n - 1) if align_corners else 2 * n - 1) - places, places)
    counts = (places >= 0) & (places < n)
    return np.clip(places, 0, n - 1), counts if padding == "zeros" else np.ones_like(counts)


def _grid_sample(evaluator: Evaluator, op: graph.GridSampleOp, x: Array, grid: Array) -> Array:
    mode, padding, align = op.literal("mode"), op.literal("padding_mode"), bool(op.literal("align_corners"))
    sizes = x.shape[2:]
    taps: list[list[tuple[Array, Array]]] = []
    for n, along in zip(sizes, np.moveaxis(grid, -1, 0)[::-1], strict=True):
        at = (along + 1) / 2 * (n - 1) if align else ((along + 1) * n - 1) / 2
        at = np.clip(at, -FARTHEST, FARTHEST)
        if mode == "nearest":
            taps.append([(convert(np.rint(at), np.dtype(np.int64)), np.ones_like(at))])
            continue
        low = np.floor(at)
        steps = range(-1, 3) if mode == "cubic" else range(2)
        taps.append(
            [(convert(low + step, np.dtype(np.int64)), _weight(mode, low + step - at, -0.75)) for step in steps]
        )
    total = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    batch = np.arange(x.shape[0]).reshape(-1, *[1] * len(sizes))
    for tap in product(*taps):
        resolved = [_inside(places, n, padding, align) for (places, _), n in zip(tap, sizes, strict=True)]
        counts = np.logical_and.reduce([count for _, count in resolved])
        weight = np.prod([weight for _, weight in tap], axis=0)
        values = np.moveaxis(x, 1, -1)[(batch, *(places for places, _ in resolved))]
        total += np.moveaxis(np.where(counts[..., None], values, 0.0) * weight[..., None], -1, 1)
    return total


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.GridSampleOp: _grid_sample,
    graph.ResizeOp: _resize,
}
