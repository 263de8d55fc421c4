"""Windows over images, with an entry for every axis: pools, and where a maximum is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax

Ints = Sequence[int]
Padding = str | Sequence[tuple[int, int]]


def max_pool(
    x: Array,
    window: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    dilation: Ints | None = None,
) -> Array:
    """The largest value under each window; padding never wins."""
    return lax.reduce_window(
        x,
        lowest(x),
        lax.max,
        window,
        strides or window,
        padding,
        window_dilation=dilation,
    )


def average_pool(
    x: Array,
    window: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    dilation: Ints | None = None,
) -> Array:
    """The mean of the values under each window; padding does not count."""

    def pool(x: Array) -> Array:
        return lax.reduce_window(
            x,
            jnp.zeros((), x.dtype),
            lax.add,
            window,
            strides or window,
            padding,
            window_dilation=dilation,
        )

    return pool(x) / pool(jnp.ones_like(x))


def lowest(x: Array) -> float | int:
    """What no value of the type of x is below."""
    return -jnp.inf if x.dtype.kind in "fV" else int(jnp.iinfo(x.dtype).min)


def arg_max_pool(
    x: Array,
    window: Ints,
    strides: Ints,
    padding: Sequence[tuple[int, int]],
    dilation: Ints,
    order: Ints,
) -> Array:
    """Where the largest value under each window is, counted along `order` of axes."""
    places = jnp.arange(x.size).reshape([x.shape[axis] for axis in order])
    places = jnp.pad(
        places.transpose([order.index(axis) for axis in range(x.ndim)]),
        padding,
        constant_values=-1,
    )
    values = jnp.pad(x, padding, constant_values=lowest(x))
    taps = [
        tuple(
            slice(
                place * rate,
                place * rate + (size - (reach - 1) * rate - 1) // step * step + 1,
                step,
            )
            for place, rate, size, reach, step in zip(
                tap, dilation, values.shape, window, strides, strict=True
            )
        )
        for tap in itertools.product(*map(range, window))
    ]
    found = jnp.stack([values[tap] for tap in taps])
    numbers = jnp.stack([places[tap] for tap in taps])
    best = found.max(axis=0)
    first = jnp.argmax((numbers >= 0) & ((found == best) | (found != found)), axis=0)
    return jnp.take_along_axis(numbers, first[None], axis=0)[0]
