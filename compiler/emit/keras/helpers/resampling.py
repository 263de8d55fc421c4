"""Reads between places: those around a coordinate, weighted by their distance."""

import numpy as np
from keras import ops


def linear(distance, number=None):
    """The weight of a place at a distance."""
    return np.maximum(1 - np.abs(distance), 0)


def cubic(distance, number):
    """The weight of a place at a distance (Keys 1981)."""
    d = np.abs(distance)
    near = ((number + 2) * d - (number + 3)) * d * d + 1
    far = ((number * d - 5 * number) * d + 8 * number) * d - 4 * number
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def lanczos(distance, number):
    """The weight of a place at a distance (Duchon 1979)."""
    weights = np.sinc(distance) * np.sinc(distance / number)
    return np.where(np.abs(distance) < number, weights, 0)


def resample(x, axis, at, weigh, reach, number=None, narrow=1, exclude_outside=False):
    """x read at coordinates along an axis, by the places around each of them."""
    n, reach = x.shape[axis], int(np.ceil(reach / narrow))
    places = np.floor(at).astype(int)[:, None] + np.arange(1 - reach, reach + 1)
    weights = weigh((places - at[:, None]) * narrow, number)
    if exclude_outside:
        weights = np.where((places >= 0) & (places < n), weights, 0)
    if exclude_outside or narrow != 1:
        total = weights.sum(axis=1, keepdims=True)
        weights = weights / np.where(total == 0, 1, total)
    matrix = np.zeros((n, len(at)))
    columns = np.broadcast_to(np.arange(len(at))[:, None], places.shape)
    np.add.at(matrix, (np.clip(places, 0, n - 1), columns), weights)
    matrix = ops.convert_to_tensor(matrix, dtype=x.dtype)
    return ops.moveaxis(ops.tensordot(x, matrix, axes=((axis,), (0,))), -1, axis)
