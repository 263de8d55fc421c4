"""Constraints of weights as keras.constraints has them, and how orthogonal rows are."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array

Ints = Sequence[int]


def norm_of(x: Array, axes: Ints) -> Array:
    """The length of x along some axes."""
    return jnp.sqrt(jnp.square(x).sum(axes, keepdims=True))


def max_norm(x: Array, most: float, axes: Ints) -> Array:
    """x, no longer than `most` along the axes."""
    norm = norm_of(x, axes)
    return x * jnp.clip(norm, 0, most) / (norm + 1e-7)


def unit_norm(x: Array, axes: Ints) -> Array:
    """x of length 1 along the axes."""
    return x / (norm_of(x, axes) + 1e-7)


def min_max_norm(x: Array, least: float, most: float, rate: float, axes: Ints) -> Array:
    """x, brought to a length between two by a part of the way."""
    norm = norm_of(x, axes)
    wanted = rate * jnp.clip(norm, least, most) + (1 - rate) * norm
    return x * wanted / (norm + 1e-7)


def orthogonality(x: Array) -> Array:
    """The mean of |cosine| over pairs of rows."""
    x = x / jnp.maximum(norm_of(x, (1,)), 1e-12)
    products = jnp.abs(x @ x.T)
    return (products.sum() - products.trace()) / (len(x) * (len(x) - 1))
