"""Arithmetic of integers, where Keras has another one or none."""

import keras
import numpy as np
from keras import ops


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


def truncated_divide(x, y):
    """The quotient of integers, rounded toward zero."""
    down = ops.logical_and(
        ops.not_equal(ops.mod(x, y), 0), ops.logical_xor(x < 0, y < 0)
    )
    return x // y + ops.cast(down, x.dtype)


def fmod(x, y):
    """The remainder of x / y with the sign of x."""
    return ops.sign(x) * ops.mod(ops.abs(x), ops.abs(y))


def integer_einsum(spec, *factors):
    """An einsum of integers: Keras computes one as a product of floats."""
    inputs, result = spec.split("->")
    terms = inputs.split(",")
    letters = result + "".join(sorted(set(inputs) - {*result, ","}))
    product = 1
    for term, factor in zip(terms, factors, strict=True):
        order = [term.index(letter) for letter in letters if letter in term]
        factor = ops.transpose(ops.cast(factor, "int64"), order)
        for axis, letter in enumerate(letters):
            if letter not in term:
                factor = ops.expand_dims(factor, axis)
        product = product * factor
    return ops.sum(product, axis=tuple(range(len(result), len(letters))))


def shift_left(x, places):
    """The bits of x moved up; all of them are gone beyond its width."""
    width = 8 * np.dtype(keras.backend.standardize_dtype(x.dtype)).itemsize
    inside = ops.logical_and(places >= 0, places < width)
    moved = ops.left_shift(x, ops.where(inside, places, ops.zeros_like(places)))
    return ops.where(inside, moved, ops.zeros_like(x))


def shift_right(x, places):
    """The bits of x moved down; beyond its width the sign is left."""
    width = 8 * np.dtype(keras.backend.standardize_dtype(x.dtype)).itemsize
    inside = ops.logical_and(places >= 0, places < width)
    moved = ops.right_shift(x, ops.where(inside, places, ops.zeros_like(places)))
    return ops.where(inside, moved, ops.zeros_like(x) - ops.cast(x < 0, x.dtype))
