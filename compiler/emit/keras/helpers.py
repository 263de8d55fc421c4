"""Functions that emitted files define for what Keras has no function of, or leaves open at the edges."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from neuralc.emit.keras.helpers_indexing import INDEXING
from neuralc.emit.keras.helpers_recurrent import RECURRENT
from neuralc.emit.keras.helpers_windows import WINDOWS

_NUMBERS: Mapping[str, str] = {
    "to_integer": '''\
def to_integer(x, dtype):
    """x without its fraction: the nearest bound where it is out of range, 0 for NaN."""
    bounds = np.iinfo(dtype)
    low, high = float(bounds.min), float(bounds.max)
    inside = ops.logical_and(x > low, x < high)
    near = ops.cast(ops.where(inside, x, ops.zeros_like(x)), dtype)
    ends = ops.where(
        x > 0,
        ops.full_like(near, bounds.max),
        ops.full_like(near, bounds.min),
    )
    return ops.where(ops.logical_or(inside, ops.isnan(x)), near, ends)
''',
    "truncated_divide": '''\
def truncated_divide(x, y):
    """The quotient of integers, rounded toward zero."""
    down = ops.logical_and(ops.not_equal(ops.mod(x, y), 0), ops.logical_xor(x < 0, y < 0))
    return x // y + ops.cast(down, x.dtype)
''',
    "fmod": '''\
def fmod(x, y):
    """The remainder of x / y with the sign of x."""
    return ops.sign(x) * ops.mod(ops.abs(x), ops.abs(y))
''',
    "shift_left": '''\
def shift_left(x, places):
    """The bits of x moved up; all of them are gone beyond its width."""
    width = 8 * np.dtype(keras.backend.standardize_dtype(x.dtype)).itemsize
    inside = ops.logical_and(places >= 0, places < width)
    moved = ops.left_shift(x, ops.where(inside, places, ops.zeros_like(places)))
    return ops.where(inside, moved, ops.zeros_like(x))
''',
    "shift_right": '''\
def shift_right(x, places):
    """The bits of x moved down; beyond its width the sign is left."""
    width = 8 * np.dtype(keras.backend.standardize_dtype(x.dtype)).itemsize
    inside = ops.logical_and(places >= 0, places < width)
    moved = ops.right_shift(x, ops.where(inside, places, ops.zeros_like(places)))
    return ops.where(inside, moved, ops.zeros_like(x) - ops.cast(x < 0, x.dtype))
''',
    "argmax": '''\
def argmax(x, axis, keepdims=False):
    """The place of the largest value, a NaN first."""
    missing = ops.isnan(x)
    found = ops.where(
        ops.any(missing, axis=axis, keepdims=keepdims),
        ops.argmax(ops.cast(missing, "int32"), axis=axis, keepdims=keepdims),
        ops.argmax(x, axis=axis, keepdims=keepdims),
    )
    return ops.cast(found, "int64")
''',
    "argmin": '''\
def argmin(x, axis, keepdims=False):
    """The place of the smallest value, a NaN first."""
    missing = ops.isnan(x)
    found = ops.where(
        ops.any(missing, axis=axis, keepdims=keepdims),
        ops.argmax(ops.cast(missing, "int32"), axis=axis, keepdims=keepdims),
        ops.argmin(x, axis=axis, keepdims=keepdims),
    )
    return ops.cast(found, "int64")
''',
    "top_k": '''\
def top_k(x, k, axis, largest=True):
    """The first k values in order and their places; NaN is larger than any number."""
    x = ops.moveaxis(x, axis, -1)
    missing = ops.cast(ops.isnan(x), "int32")
    x_or_0 = ops.where(ops.equal(missing, 1), ops.zeros_like(x), x)
    order = in_order(x_or_0, largest)
    order = ops.take_along_axis(
        order, in_order(ops.take_along_axis(missing, order, axis=-1), largest), axis=-1
    )[..., :k]
    values = ops.moveaxis(ops.take_along_axis(x, order, axis=-1), -1, axis)
    return values, ops.cast(ops.moveaxis(order, -1, axis), "int64")
''',
    "in_order": '''\
def in_order(x, largest):
    """The places of all values along the last axis in order, equal ones as they come."""
    if not largest:
        return ops.argsort(x, axis=-1)
    behind = ops.argsort(ops.flip(x, axis=-1), axis=-1)
    return x.shape[-1] - 1 - ops.flip(behind, axis=-1)
''',
    "group_norm": '''\
def group_norm(x, scale, bias, groups, epsilon):
    """Each group of channels of a sample, channels last, with mean 0 and variance 1."""
    shape = ops.shape(x)
    parts = ops.reshape(x, (shape[0], -1, groups, x.shape[-1] // groups))
    mean = ops.mean(parts, axis=(1, 3), keepdims=True)
    variance = ops.mean(ops.square(parts - mean), axis=(1, 3), keepdims=True)
    x = ops.reshape((parts - mean) / ops.sqrt(variance + epsilon), shape)
    return x * scale + bias
''',
    "layer_norm": '''\
def layer_norm(x, axis, epsilon):
    """x with mean 0 and variance 1 over some axes."""
    x = x - ops.mean(x, axis=axis, keepdims=True)
    variance = ops.mean(ops.square(x), axis=axis, keepdims=True)
    return x / ops.sqrt(variance + epsilon)
''',
    "rms_norm": '''\
def rms_norm(x, axis, epsilon):
    """x with mean square 1 over some axes."""
    return x / ops.sqrt(ops.mean(ops.square(x), axis=axis, keepdims=True) + epsilon)
''',
    "local_response_norm": '''\
def local_response_norm(x, axis, size, alpha, beta, bias):
    """x divided by a power of the squares of the channels around each one."""
    squares = ops.moveaxis(ops.square(x), axis, -1)
    around = [(0, 0)] * (len(x.shape) - 1) + [((size - 1) // 2, size // 2)]
    squares = ops.pad(squares, around)
    channels = x.shape[axis]
    total = sum(squares[..., i : i + channels] for i in range(size))
    return x / (bias + alpha / size * ops.moveaxis(total, -1, axis)) ** beta
''',
}

TEXTS: Mapping[str, str] = {**_NUMBERS, **WINDOWS, **INDEXING, **RECURRENT}


def helper_texts(names: Iterable[str]) -> list[str]:
    """The functions with those that they call, each before those that call it, in the order of the table."""
    wanted, pending = set[str](), list(names)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += [other for other in TEXTS if other != name and re.search(rf"\b(?<!\.){other}\b\(", TEXTS[name])]
    return [TEXTS[name] for name in TEXTS if name in wanted]
