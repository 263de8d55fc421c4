"""Reads and writes at places that values say; a negative one counts from the end."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax


def places_along(indices: Array, axis: int) -> tuple[Array, ...]:
    """What reads or writes along an axis where each index says."""
    places = list(jnp.indices(indices.shape, sparse=True))
    places[axis] = indices
    return tuple(places)


def places_at(vectors: Array) -> tuple[Array, ...]:
    """What reads or writes where the vectors along the last axis say."""
    return tuple(jnp.moveaxis(vectors, -1, 0))


def reverse_sequence(
    x: Array, lengths: Array, batch_axis: int, time_axis: int
) -> Array:
    """The first `lengths[b]` places of each sequence in reverse order."""
    times = lax.broadcasted_iota(lengths.dtype, x.shape, time_axis)
    ends = jnp.expand_dims(lengths, [i for i in range(x.ndim) if i != batch_axis])
    places = jnp.where(times < ends, ends - 1 - times, times)
    return jnp.take_along_axis(x, places, axis=time_axis)


def top_k(
    x: Array, k: int, axis: int = -1, *, largest: bool = True
) -> tuple[Array, Array]:
    """The k largest or smallest values, and their places; equal ones in order."""
    order = jnp.argsort(x, axis=axis, descending=largest, stable=True)
    order = lax.slice_in_dim(order, 0, k, axis=axis)
    return jnp.take_along_axis(x, order, axis=axis), order


def before(x: Array, axis: int, neutral: float, *, reverse: bool = False) -> Array:
    """x moved on by one place, for sums that leave out their own place."""
    x = jnp.flip(x, axis) if reverse else x
    first = jnp.full_like(lax.slice_in_dim(x, 0, 1, axis=axis), neutral)
    x = jnp.concatenate([first, lax.slice_in_dim(x, 0, -1, axis=axis)], axis=axis)
    return jnp.flip(x, axis) if reverse else x
