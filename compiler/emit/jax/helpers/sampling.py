"""Images NCHW that are read where data says, and patches added up to an image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array

Ints = Sequence[int]


def local_response_norm(
    x: Array, size: int, alpha: float, beta: float, bias: float, axis: int
) -> Array:
    """x over a power of the sum of squares around each channel."""
    around = [(0, 0)] * x.ndim
    around[axis] = ((size - 1) // 2, size // 2)
    squares = jnp.pad(x * x, around)
    n = x.shape[axis]
    total = sum(jax.lax.slice_in_dim(squares, i, i + n, axis=axis) for i in range(size))
    return x / (bias + alpha / size * total) ** beta


def fold(
    x: Array,
    sizes: Ints,
    window: Ints,
    strides: Ints,
    dilation: Ints,
    padding: Sequence[tuple[int, int]],
) -> Array:
    """Patches [batch, channels * taps, places] added up where they lie in an image."""
    padded = [size + sum(around) for size, around in zip(sizes, padding, strict=True)]
    extents = [
        (size - (reach - 1) * rate - 1) // step + 1
        for size, reach, rate, step in zip(
            padded, window, dilation, strides, strict=True
        )
    ]
    channels = x.shape[1] // math.prod(window)
    patches = x.reshape(x.shape[0], channels, *window, *extents)
    image = jnp.zeros((x.shape[0], channels, *padded), x.dtype)
    for tap in itertools.product(*map(range, window)):
        where = tuple(
            slice(place * rate, place * rate + (extent - 1) * step + 1, step)
            for place, rate, extent, step in zip(
                tap, dilation, extents, strides, strict=True
            )
        )
        image = image.at[(..., *where)].add(patches[(slice(None), slice(None), *tap)])
    inside = (
        slice(low, low + size) for (low, _), size in zip(padding, sizes, strict=True)
    )
    return image[(..., *inside)]


def corners(y: Array, x: Array) -> list[tuple[Array, Array, Array]]:
    """The four places around each point, and how much each counts."""
    top, left = jnp.floor(y), jnp.floor(x)
    return [
        (
            (top + i).astype(int),
            (left + j).astype(int),
            (1 - jnp.abs(y - top - i)) * (1 - jnp.abs(x - left - j)),
        )
        for i, j in itertools.product(range(2), range(2))
    ]


def shares(image: Array, y: Array, x: Array) -> Array:
    """What the four pixels around each sample give, [4, channels, rows, columns, ..].

    Samples lie at y [rows, samples] and x [columns, samples] of the bins."""
    height, width = image.shape[1:]
    in_y, in_x = (y >= -1) & (y <= height), (x >= -1) & (x <= width)
    counted = in_y[:, None, :, None] & in_x[None, :, None, :]
    y, x = jnp.clip(y, 0, height - 1), jnp.clip(x, 0, width - 1)
    grid = jnp.broadcast_arrays(y[:, None, :, None], x[None, :, None, :])
    return jnp.stack(
        [
            jnp.where(counted, weight, 0)
            * image[:, jnp.minimum(i, height - 1), jnp.minimum(j, width - 1)]
            for i, j, weight in corners(*grid)
        ]
    )


def roi_align(
    x: Array,
    rois: Array,
    batch_indices: Array,
    sizes: Ints,
    *,
    scale: float,
    samples: int,
    half_pixel: bool,
    maximum: bool = False,
) -> Array:
    """Bins of regions [count, (x1, y1, x2, y2)]: mean or maximum of their samples."""

    def along(start: Array, size: Array, bins: int) -> Array:
        steps = (jnp.arange(samples) + 0.5) / samples
        return start + (jnp.arange(bins)[:, None] + steps) * (size / bins)

    def region(roi: Array, index: Array) -> Array:
        left, top, right, bottom = roi * scale - (0.5 if half_pixel else 0)
        least = -jnp.inf if half_pixel else 1
        rows = along(top, jnp.maximum(bottom - top, least), sizes[0])
        columns = along(left, jnp.maximum(right - left, least), sizes[1])
        values = shares(x[index], rows, columns)
        if maximum:
            return values.max(axis=(0, -2, -1))
        return values.sum(axis=0).mean(axis=(-2, -1))

    return jax.vmap(region)(rois, batch_indices)


def adaptive_roi_align(
    x: Array,
    rois: Array,
    batch_indices: Array,
    sizes: Ints,
    *,
    scale: float,
    half_pixel: bool,
    maximum: bool = False,
) -> Array:
    """roi_align with as many samples as a bin has pixels, one after the other."""

    def region(roi: Array, index: Array) -> Array:
        left, top, right, bottom = roi * scale - (0.5 if half_pixel else 0)
        least = -jnp.inf if half_pixel else 1
        height = jnp.maximum(bottom - top, least) / sizes[0]
        width = jnp.maximum(right - left, least) / sizes[1]
        rows, columns = (
            jnp.maximum(jnp.ceil(n), 0).astype(int) for n in (height, width)
        )

        def add(sample: Array, total: Array) -> Array:
            i, j = sample // columns, sample % columns
            y = top + (jnp.arange(sizes[0]) + (i + 0.5) / rows) * height
            x_ = left + (jnp.arange(sizes[1]) + (j + 0.5) / columns) * width
            values = shares(x[index], y[:, None], x_[:, None])[..., 0, 0]
            return (
                jnp.maximum(total, values.max(axis=0))
                if maximum
                else total + values.sum(axis=0)
            )

        count = rows * columns
        start = jnp.full(
            (x.shape[1], *sizes), -jnp.inf if maximum else 0, dtype=x.dtype
        )
        total = jax.lax.fori_loop(0, count, add, start)
        return jnp.where(count > 0, total if maximum else total / count, 0)

    return jax.vmap(region)(rois, batch_indices)


def max_roi_pool(x: Array, rois: Array, sizes: Ints, scale: float) -> Array:
    """Bins of regions [count, (batch, x1, y1, x2, y2)]: the largest pixel in each."""

    def inside(first: Array, last: Array, bins: int, extent: int) -> Array:
        size = jnp.maximum(last - first + 1, 1)
        start = first + jnp.arange(bins) * size // bins
        end = first - (-(jnp.arange(1, bins + 1) * size) // bins)
        at = jnp.arange(extent)
        return (at >= start[:, None]) & (at < end[:, None])

    def region(roi: Array) -> Array:
        corner = roi[1:] * scale
        corner = jnp.sign(corner) * jnp.floor(jnp.abs(corner) + 0.5)
        left, top, right, bottom = corner.astype(int)
        rows = inside(top, bottom, sizes[0], x.shape[2])
        columns = inside(left, right, sizes[1], x.shape[3])
        mask = rows[:, None, :, None] & columns[None, :, None, :]
        image = x[roi[0].astype(int)][:, None, None]
        found = jnp.where(mask, image, -jnp.inf).max(axis=(-2, -1))
        return jnp.where(mask.any(axis=(-2, -1)), found, 0)

    return jax.vmap(region)(rois)


def deform_conv(
    x: Array,
    offset: Array,
    kernel: Array,
    mask: Array | None = None,
    bias: Array | None = None,
    *,
    strides: Ints,
    dilation: Ints,
    padding: Ints,
    groups: int = 1,
    offset_groups: int = 1,
) -> Array:
    """A convolution whose taps read x at places moved by `offset`; kernel HWIO."""
    kh, kw, depth, out = kernel.shape
    batch, _, height, width = x.shape
    oh, ow = offset.shape[2:]
    moves = offset.reshape(batch, offset_groups, kh, kw, 2, oh, ow)
    images = x.reshape(batch, offset_groups, -1, height, width)
    weights = kernel.reshape(kh, kw, depth, groups, out // groups)

    def read(image: Array, y: Array, x: Array) -> Array:
        total = jnp.zeros((image.shape[0], oh, ow), image.dtype)
        for i, j, weight in corners(y, x):
            inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            there = image[:, jnp.clip(i, 0, height - 1), jnp.clip(j, 0, width - 1)]
            total = total + jnp.where(inside, weight, 0) * there
        return total

    read = jax.vmap(jax.vmap(read))
    result = jnp.zeros((batch, groups, out // groups, oh, ow), x.dtype)
    for i, j in itertools.product(range(kh), range(kw)):
        rows = jnp.arange(oh) * strides[0] - padding[0] + i * dilation[0]
        columns = jnp.arange(ow) * strides[1] - padding[1] + j * dilation[1]
        y = moves[:, :, i, j, 0] + rows[:, None]
        tap = read(images, y, moves[:, :, i, j, 1] + columns)
        if mask is not None:
            amounts = mask.reshape(batch, offset_groups, kh, kw, oh, ow)
            tap = tap * amounts[:, :, i, j][:, :, None]
        tap = tap.reshape(batch, groups, depth, oh, ow)
        result = result + jnp.einsum("ngdyx,dgo->ngoyx", tap, weights[i, j])
    result = result.reshape(batch, out, oh, ow)
    return result if bias is None else result + bias[:, None, None]
