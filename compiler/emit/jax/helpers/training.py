"""What a step of training does beside the gradient: noise, additions to the loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Training = Any
Keys = Iterator[Array]


def dropout(x: Array, rate: float, keys: Keys | None) -> Array:
    """In training a fraction of the values is 0, the rest scaled up."""
    if keys is None:
        return x
    kept = jax.random.bernoulli(next(keys), 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)


def drop_all(x: Array, keys: Keys | None) -> Array:
    """Dropout of everything."""
    return x if keys is None else jnp.zeros_like(x)


def shared_dropout(
    x: Array, rate: float, keys: Keys | None, shared: tuple[int, ...]
) -> Array:
    """Dropout that makes one choice for all places along the shared axes."""
    if keys is None:
        return x
    shape = [1 if axis in shared else size for axis, size in enumerate(x.shape)]
    kept = jax.random.bernoulli(next(keys), 1 - rate, shape)
    return jnp.where(kept, x / (1 - rate), 0)


def alpha_dropout(
    x: Array, rate: float, keys: Keys | None, shared: tuple[int, ...] = ()
) -> Array:
    """Dropout for SELU that keeps mean and variance (Klambauer et al. 2017)."""
    if keys is None:
        return x
    low = -1.7580993408473766
    scale = ((1 - rate) * (1 + rate * low**2)) ** -0.5
    shape = [1 if axis in shared else size for axis, size in enumerate(x.shape)]
    kept = jax.random.bernoulli(next(keys), 1 - rate, shape)
    return scale * (jnp.where(kept, x, low) - rate * low)


def noise(
    x: Array, deviation: float, keys: Keys | None, *, factor: bool = False
) -> Array:
    """In training x + n, or x * (1 + n), with n normal around 0."""
    if keys is None:
        return x
    n = deviation * jax.random.normal(next(keys), x.shape, x.dtype)
    return x * (1 + n) if factor else x + n


def penalized(
    x: Array, train: Training | None, l1: float = 0.0, l2: float = 0.0
) -> Array:
    """x, whose mean penalty of a sample is added to the loss in training."""
    if train is not None:
        total = l1 * jnp.abs(x).sum() + l2 * jnp.square(x).sum()
        train.penalty = train.penalty + total / x.shape[0]
    return x
