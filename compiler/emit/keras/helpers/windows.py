"""Windows of an image, channels last: pools and transposed convolution."""

import keras
import numpy as np
from keras import ops


def taps(x, window, strides, dilations, counts):
    """The places of each window of a padded image, as a new last axis."""
    parts = []
    for tap in np.ndindex(*window):
        part = x
        for axis, (i, stride, step, n) in enumerate(
            zip(tap, strides, dilations, counts, strict=True), start=1
        ):
            places = i * step + stride * np.arange(n)
            part = ops.take(part, places, axis=axis)
        parts.append(part)
    return ops.stack(parts, axis=-1)


def reached(around, x, window, strides, dilations, counts):
    """The padding of each dim so that every window lies inside."""
    padding = []
    for axis, (low, high) in enumerate(around):
        last = (counts[axis] - 1) * strides[axis] + dilations[axis] * (window[axis] - 1)
        padding.append((low, max(high, last + 1 - low - x.shape[axis + 1])))
    return [(0, 0), *padding, (0, 0)]


def max_pool(x, window, strides, dilations, around, counts):
    """The largest value in each window; padding does not count."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    lowest = float("-inf") if "float" in dtype else np.iinfo(dtype).min
    padding = reached(around, x, window, strides, dilations, counts)
    inside = ops.pad(ops.ones_like(x, dtype="bool"), padding)
    inside = taps(inside, window, strides, dilations, counts)
    values = taps(ops.pad(x, padding), window, strides, dilations, counts)
    return ops.max(ops.where(inside, values, ops.full_like(values, lowest)), axis=-1)


def mean_pool(x, window, strides, dilations, around, counts, count_padding=False):
    """The mean of each window; what lies behind the padding never counts."""
    padding = reached(around, x, window, strides, dilations, counts)
    ones = ops.ones_like(x)
    if count_padding:
        ones = ops.pad(ones, [(0, 0), *around, (0, 0)], constant_values=1)
        padded = [
            (low - own[0], high - own[1])
            for (low, high), own in zip(padding, [(0, 0), *around, (0, 0)], strict=True)
        ]
        ones = ops.pad(ones, padded)
    else:
        ones = ops.pad(ones, padding)
    total = ops.sum(
        taps(ops.pad(x, padding), window, strides, dilations, counts), axis=-1
    )
    return total / ops.sum(taps(ones, window, strides, dilations, counts), axis=-1)


def arg_max_pool(x, window, strides, dilations, around, counts, steps):
    """Where the largest value of each window lies: its places times `steps`."""
    padding = reached(around, x, window, strides, dilations, counts)
    inside = ops.pad(ops.ones_like(x, dtype="bool"), padding)
    inside = taps(inside, window, strides, dilations, counts)
    values = taps(ops.pad(x, padding), window, strides, dilations, counts)
    missing = ops.logical_and(inside, ops.not_equal(values, values))
    largest = ops.max(
        ops.where(inside, values, ops.full_like(values, float("-inf"))),
        axis=-1,
        keepdims=True,
    )
    found = ops.logical_and(inside, ops.equal(values, largest))
    found = ops.where(ops.any(missing, axis=-1, keepdims=True), missing, found)
    tap = ops.cast(ops.argmax(ops.cast(found, "int32"), axis=-1), "int64")
    rank = len(x.shape)
    place = ops.cast(ops.zeros_like(tap), "int64")
    for axis, step in enumerate(steps):
        shape = [-1 if i == axis else 1 for i in range(rank)]
        if axis in (0, rank - 1):
            place = place + step * (ops.cumsum(ops.ones_like(tap), axis=axis) - 1)
            continue
        offsets = [window_place[axis - 1] for window_place in np.ndindex(*window)]
        offsets = np.array(offsets) * dilations[axis - 1] - around[axis - 1][0]
        starts = np.arange(counts[axis - 1]) * strides[axis - 1]
        along = ops.reshape(ops.convert_to_tensor(starts, dtype="int64"), shape)
        moved = ops.take(ops.convert_to_tensor(offsets, dtype="int64"), tap, axis=0)
        place = place + step * (along + moved)
    return place


def conv_transpose(x, kernel, strides, dilations, groups, edges):
    """Each place of x adds its multiple of the kernel [*window, in, out / groups]."""
    rank = len(strides)
    # Zeros between the places of x, then padding or cropping, then a convolution.
    for axis, stride in enumerate(strides, start=1):
        x = ops.expand_dims(x, axis + 1)
        around = [(0, 0)] * len(x.shape)
        around[axis + 1] = (0, stride - 1)
        x = ops.pad(x, around)
        shape = list(ops.shape(x))
        x = ops.reshape(
            x, [*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]]
        )
    for axis, ((low, high), stride) in enumerate(
        zip(edges, strides, strict=True), start=1
    ):
        high -= stride - 1
        size = ops.shape(x)[axis]
        x = ops.take(x, ops.arange(max(-low, 0), size - max(-high, 0)), axis=axis)
        around = [(0, 0)] * len(x.shape)
        around[axis] = (max(low, 0), max(high, 0))
        x = ops.pad(x, around)
    kernel = ops.flip(kernel, axis=tuple(range(rank)))
    *window, depth, out = ops.shape(kernel)
    if groups > 1:
        kernel = ops.reshape(kernel, (*window, groups, depth // groups, out))
        kernel = ops.moveaxis(kernel, rank, -2)
        kernel = ops.reshape(kernel, (*window, depth // groups, groups * out))
    return ops.conv(x, kernel, padding="valid", dilation_rate=dilations)
