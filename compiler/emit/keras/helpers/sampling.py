"""Images NCHW that are read where data says, and patches added up to an image."""

import functools
import math

import numpy as np
from keras import ops


def fold(x, sizes, window, strides, dilations, padding):
    """Patches [batch, channels * taps, places] added up where they lie in an image."""
    rank = len(sizes)
    padded = [
        size + low + high for size, (low, high) in zip(sizes, padding, strict=True)
    ]
    # The place in the padded image, row by row, of each tap of each window.
    places, whole = 0, 1
    for axis, n in enumerate(padded):
        count = (n - dilations[axis] * (window[axis] - 1) - 1) // strides[axis] + 1
        first = [-1 if i == rank + axis else 1 for i in range(2 * rank)]
        tap = [-1 if i == axis else 1 for i in range(2 * rank)]
        along = ops.reshape(ops.arange(count, dtype="int32") * strides[axis], first)
        along = along + ops.reshape(
            ops.arange(window[axis], dtype="int32") * dilations[axis], tap
        )
        places, whole = places * n + along, whole * n
    channels = x.shape[1] // math.prod(window)
    patches = ops.transpose(ops.reshape(x, (-1, math.prod(ops.shape(places)))))
    image = ops.segment_sum(patches, ops.reshape(places, (-1,)), num_segments=whole)
    image = ops.reshape(ops.transpose(image), (-1, channels, *padded))
    for axis, ((low, _), size) in enumerate(zip(padding, sizes, strict=True), start=2):
        image = ops.take(image, ops.arange(low, low + size, dtype="int32"), axis=axis)
    return image


def pixels_at(images, index, i, j):
    """Images [count, height, width, channels] at (index, i, j)."""
    _, height, width, channels = ops.shape(images)
    flat = ops.reshape(images, (-1, channels))
    return ops.take(flat, (index * height + i) * width + j, axis=0)


def corners_around(y, x):
    """The four places around each point, and how much each counts."""
    top, left = ops.floor(y), ops.floor(x)
    return [
        (
            ops.cast(top + i, "int32"),
            ops.cast(left + j, "int32"),
            (1 - ops.abs(y - top - i)) * (1 - ops.abs(x - left - j)),
        )
        for i, j in np.ndindex(2, 2)
    ]


def bin_samples(start, end, bins, extent, samples, half_pixel):
    """Places of the samples of bins of regions, which lie in the image, which exist.

    Regions have as many samples as they are long where `samples` is 0.
    """
    size = end - start if half_pixel else ops.maximum(end - start, 1)
    width = (size / bins)[:, None, None]
    count = ops.ceil(width) if samples == 0 else samples * ops.ones_like(width)
    most = ops.cast(ops.max(count, initial=0), "int32") if samples == 0 else samples
    sample = ops.cast(ops.arange(most, dtype="int32"), width.dtype)
    place = ops.cast(ops.arange(bins, dtype="int32")[:, None], width.dtype)
    at = place * width + (sample + 0.5) * width / ops.maximum(count, 1)
    at = at + start[:, None, None]
    extent = ops.cast(extent, at.dtype)
    return ops.clip(at, 0, extent - 1), (at >= -1) & (at <= extent), sample < count


def roi_align(
    x, rois, batch_indices, sizes, *, scale, samples, half_pixel, maximum=False
):
    """Bins of regions [count, (x1, y1, x2, y2)]: mean or maximum of their samples."""
    images = ops.moveaxis(x, 1, -1)
    _, height, width, _ = ops.shape(images)
    rois = rois * scale - (0.5 if half_pixel else 0.0)
    y, in_y, is_row = bin_samples(
        rois[:, 1], rois[:, 3], sizes[0], height, samples, half_pixel
    )
    x, in_x, is_column = bin_samples(
        rois[:, 0], rois[:, 2], sizes[1], width, samples, half_pixel
    )
    exists = is_row[:, :, None, :, None] & is_column[:, None, :, None, :]
    counts = exists & in_y[:, :, None, :, None] & in_x[:, None, :, None, :]
    index = ops.cast(ops.reshape(batch_indices, (-1, 1, 1, 1, 1)), "int32")
    parts = []
    for i, j, weight in corners_around(y[:, :, None, :, None], x[:, None, :, None, :]):
        i, j = ops.minimum(i, height - 1), ops.minimum(j, width - 1)
        weight = ops.where(counts, weight, ops.zeros_like(weight))
        parts.append(pixels_at(images, index, i, j) * weight[..., None])
    number = ops.sum(ops.cast(exists, images.dtype), axis=(3, 4))[..., None]
    if maximum:
        found = functools.reduce(ops.maximum, parts)
        lowest = ops.full_like(found, float("-inf"))
        found = ops.where(exists[..., None], found, lowest)
        found = ops.max(found, axis=(3, 4), initial=float("-inf"))
        found = ops.where(number > 0, found, ops.zeros_like(found))
    else:
        found = ops.sum(sum(parts), axis=(3, 4)) / ops.maximum(number, 1)
    return ops.moveaxis(found, -1, 1)


def bin_pixels(first, last, bins, extent):
    """Which pixels along a dim each bin of regions has: [count, bins, extent]."""
    size = ops.maximum(last - first + 1, 1)[:, None]
    start = first[:, None] + ops.arange(bins, dtype="int32") * size // bins
    end = first[:, None] - (-(ops.arange(1, bins + 1, dtype="int32") * size) // bins)
    at = ops.arange(extent, dtype="int32")
    return (at >= start[..., None]) & (at < end[..., None])


def max_roi_pool(x, rois, sizes, scale):
    """Bins of regions [count, (batch, x1, y1, x2, y2)]: the largest pixel in each."""
    corner = rois[:, 1:] * scale
    corner = ops.sign(corner) * ops.floor(ops.abs(corner) + 0.5)
    left, top, right, bottom = ops.unstack(ops.cast(corner, "int32"), 4, axis=1)
    rows = bin_pixels(top, bottom, sizes[0], ops.shape(x)[2])
    columns = bin_pixels(left, right, sizes[1], ops.shape(x)[3])
    images = ops.take(x, ops.cast(rois[:, 0], "int32"), axis=0)
    lowest = float("-inf")
    found = ops.where(rows[:, None, :, :, None], images[:, :, None], lowest)
    found = ops.max(found, axis=3)
    found = ops.where(columns[:, None, None], found[:, :, :, None], lowest)
    found = ops.max(found, axis=-1)
    some = ops.any(rows, axis=-1)[:, None, :, None]
    some = some & ops.any(columns, axis=-1)[:, None, None]
    return ops.where(some, found, ops.zeros_like(found))


def deform_conv(
    x,
    offset,
    kernel,
    mask=None,
    bias=None,
    *,
    strides,
    dilation,
    padding,
    groups=1,
    offset_groups=1,
):
    """A convolution whose taps read x at places moved by `offset`; kernel HWIO."""
    kh, kw, depth, out = kernel.shape
    batch, _, height, width = ops.shape(x)
    _, _, oh, ow = ops.shape(offset)
    moves = ops.reshape(offset, (batch, offset_groups, kh, kw, 2, oh, ow))
    images = ops.reshape(x, (batch * offset_groups, -1, height, width))
    images = ops.moveaxis(images, 1, -1)
    index = ops.arange(batch * offset_groups, dtype="int32")
    index = ops.reshape(index, (batch, offset_groups, 1, 1))
    weights = ops.reshape(kernel, (kh, kw, depth, groups, out // groups))
    result = 0
    for i, j in np.ndindex(kh, kw):
        rows = ops.arange(oh, dtype="int32") * strides[0] - padding[0] + i * dilation[0]
        columns = (
            ops.arange(ow, dtype="int32") * strides[1] - padding[1] + j * dilation[1]
        )
        y = moves[:, :, i, j, 0] + ops.cast(rows[:, None], x.dtype)
        tap = 0
        for top, left, weight in corners_around(
            y, moves[:, :, i, j, 1] + ops.cast(columns, x.dtype)
        ):
            inside = (top >= 0) & (top < height) & (left >= 0) & (left < width)
            weight = ops.where(inside, weight, ops.zeros_like(weight))
            top, left = ops.clip(top, 0, height - 1), ops.clip(left, 0, width - 1)
            tap = tap + pixels_at(images, index, top, left) * weight[..., None]
        if mask is not None:
            amounts = ops.reshape(mask, (batch, offset_groups, kh, kw, oh, ow))
            tap = tap * amounts[:, :, i, j, :, :, None]
        tap = ops.reshape(ops.moveaxis(tap, 1, 3), (batch, oh, ow, groups, depth))
        result = result + ops.einsum("nyxgd,dgo->nyxgo", tap, weights[i, j])
    result = ops.reshape(result, (batch, oh, ow, out))
    return ops.moveaxis(result if bias is None else result + bias, -1, 1)
