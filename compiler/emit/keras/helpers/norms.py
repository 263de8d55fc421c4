"""Values divided by what lies around them, with weights that no layer holds."""

import numpy as np
from keras import ops


def group_norm(x, scale, bias, groups, epsilon):
    """Each group of channels of a sample, channels last, with mean 0 and variance 1."""
    whole = (
        ops.shape(x)
        if x.shape.count(None) > 1
        else tuple(-1 if size is None else size for size in x.shape)
    )
    first = whole[0] if None in x.shape[1:] else -1
    within = -1 if None in x.shape[1:] else int(np.prod(x.shape[1:-1]))
    parts = ops.reshape(x, (first, within, groups, x.shape[-1] // groups))
    mean = ops.mean(parts, axis=(1, 3), keepdims=True)
    variance = ops.mean(ops.square(parts - mean), axis=(1, 3), keepdims=True)
    x = ops.reshape((parts - mean) / ops.sqrt(variance + epsilon), whole)
    return x * scale + bias


def layer_norm(x, axis, epsilon):
    """x with mean 0 and variance 1 over some axes."""
    x = x - ops.mean(x, axis=axis, keepdims=True)
    variance = ops.mean(ops.square(x), axis=axis, keepdims=True)
    return x / ops.sqrt(variance + epsilon)


def rms_norm(x, axis, epsilon):
    """x with mean square 1 over some axes."""
    return x / ops.sqrt(ops.mean(ops.square(x), axis=axis, keepdims=True) + epsilon)


def local_response_norm(x, axis, size, alpha, beta, bias):
    """x divided by a power of the squares of the channels around each one."""
    squares = ops.moveaxis(ops.square(x), axis, -1)
    around = [(0, 0)] * (len(x.shape) - 1) + [((size - 1) // 2, size // 2)]
    squares = ops.pad(squares, around)
    channels = x.shape[axis]
    total = sum(squares[..., i : i + channels] for i in range(size))
    return x / (bias + alpha / size * ops.moveaxis(total, -1, axis)) ** beta
