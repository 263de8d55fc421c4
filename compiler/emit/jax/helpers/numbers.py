"""Arithmetic that jax.numpy has no function for: powers of integers, quantization."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array


def integer_power(base: Array, exponent: Array) -> Array:
    """base ** exponent of integers; a negative power is the reciprocal, truncated."""
    base, exponent = jnp.broadcast_arrays(base, exponent)
    result, square, left = jnp.ones_like(base), base, jnp.maximum(exponent, 0)
    for _ in range(left.dtype.itemsize * 8):
        result = jnp.where(left & 1 == 1, result * square, result)
        square, left = square * square, left >> 1
    odd = (exponent & 1) == 1
    units = jnp.where(base == 1, 1, jnp.where(base == -1, jnp.where(odd, -1, 1), 0))
    return jnp.where(exponent < 0, units.astype(base.dtype), result)


def quantize(x: Array, scale: Array, zero_point: Array, dtype: Any) -> Array:
    """x / scale + zero_point, to the nearest integer that the type holds."""
    limits = jnp.iinfo(dtype)
    places = jnp.round(x / scale) + zero_point
    return jnp.clip(places, int(limits.min), int(limits.max)).astype(dtype)


def dequantize(x: Array, scale: Array, zero_point: Array) -> Array:
    """(x - zero_point) * scale, the difference as floats."""
    return (x.astype(scale.dtype) - zero_point.astype(scale.dtype)) * scale
