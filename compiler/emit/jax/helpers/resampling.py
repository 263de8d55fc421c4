"""Reads between places: those around a coordinate, weighted by their distance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

Function = Callable[[Array], Array]


def read_nearest(x: Array, axis: int, at: Array, rounded: Function) -> Array:
    """x at the places that coordinates are rounded to; its border repeats."""
    places = jnp.clip(rounded(at).astype(int), 0, x.shape[axis] - 1)
    return jnp.take(x, places, axis=axis)


def read_between(
    x: Array,
    axis: int,
    at: Array,
    weight: Function,
    reach: int,
    *,
    narrow: float = 1.0,
    normalized: bool = False,
    exclude_outside: bool = False,
) -> Array:
    """x at coordinates: places around each, weighted by distance; its border repeats.

    `narrow` stretches the weights over more places.
    """
    n, around = x.shape[axis], math.ceil(reach / narrow)
    places = jnp.floor(at)[:, None] + jnp.arange(1 - around, around + 1)
    weights = weight((places - at[:, None]) * narrow)
    if exclude_outside:
        weights = jnp.where((places >= 0) & (places < n), weights, 0)
    if exclude_outside or normalized:
        total = weights.sum(axis=1, keepdims=True)
        weights = weights / jnp.where(total == 0, 1, total)
    taken = jnp.take(x, jnp.clip(places, 0, n - 1).astype(int), axis=axis)
    weights = weights.reshape(*weights.shape, *[1] * (x.ndim - axis - 1))
    return (taken * weights).sum(axis=axis + 1).astype(x.dtype)


def linear_weight(distance: Array) -> Array:
    """The weight of a place at a distance, falling to 0 at 1."""
    return jnp.maximum(1 - jnp.abs(distance), 0)


def cubic_weight(distance: Array, a: float = -0.75) -> Array:
    """The weight of a place at a distance (Keys 1981)."""
    d = jnp.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return jnp.where(d <= 1, near, jnp.where(d < 2, far, 0))


def lanczos_weight(distance: Array, reach: int) -> Array:
    """The weight of a place at a distance (Duchon 1979)."""
    wave = jnp.sinc(distance) * jnp.sinc(distance / reach)
    return jnp.where(jnp.abs(distance) < reach, wave, 0)


def grid_sample(
    x: Array, grid: Array, mode: str, padding_mode: str, *, align_corners: bool
) -> Array:
    """x [batch, channels, *sizes] at grid [batch, *places, rank], last axis first."""
    sizes, farthest = x.shape[2:], 2.0**30
    taps = []
    for n, along in zip(sizes, jnp.moveaxis(grid, -1, 0)[::-1], strict=True):
        at = (along + 1) / 2 * (n - 1) if align_corners else ((along + 1) * n - 1) / 2
        at = jnp.clip(at, -farthest, farthest)
        if mode == "nearest":
            taps.append([(jnp.round(at).astype(int), jnp.ones_like(at))])
            continue
        low = jnp.floor(at)
        steps = range(-1, 3) if mode == "cubic" else range(2)
        weigh = cubic_weight if mode == "cubic" else linear_weight
        taps.append([((low + i).astype(int), weigh(low + i - at)) for i in steps])
    batch = jnp.arange(x.shape[0]).reshape(-1, *[1] * len(sizes))
    last = jnp.moveaxis(x, 1, -1)
    total = jnp.zeros((*grid.shape[:-1], x.shape[1]), x.dtype)
    for tap in itertools.product(*taps):
        weight = jnp.ones(grid.shape[:-1], x.dtype)
        places = []
        for (place, part), n in zip(tap, sizes, strict=True):
            if padding_mode == "reflection":
                place = reflected(place, n, align_corners=align_corners)
            if padding_mode == "zeros":
                part = jnp.where((place >= 0) & (place < n), part, 0)
            places.append(jnp.clip(place, 0, n - 1))
            weight = weight * part
        values = last[(batch, *places)]
        total = total + jnp.where(weight[..., None] == 0, 0, values * weight[..., None])
    return jnp.moveaxis(total, -1, 1)


def reflected(place: Array, n: int, *, align_corners: bool) -> Array:
    """A place outside brought back, at the centers or the edges of the border."""
    period = max(2 * (n - 1), 1) if align_corners else 2 * n
    place = jnp.mod(place, period)
    last = 2 * (n - 1) if align_corners else 2 * n - 1
    return jnp.where(place >= n, last - place, place)
