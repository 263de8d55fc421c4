"""Windows over images, with an entry for every axis: pools, and where a maximum is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax

Ints = Sequence[int]
Padding = str | Sequence[tuple[int, int]]


def max_pool(
    x: Array, window: Ints, strides: Ints | None = None, padding: Padding = "VALID"
) -> Array:
    """The largest value under each window; padding never wins."""
    return lax.reduce_window(x, -jnp.inf, lax.max, window, strides or window, padding)


def any_max_pool(
    x: Array,
    window: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    dilation: Ints | None = None,
) -> Array:
    """The largest value under each window, of integers too."""
    steps = strides or window
    return lax.reduce_window(
        x, lowest(x), lax.max, window, steps, padding, window_dilation=dilation
    )


def lowest(x: Array) -> Array:
    """What no value of the type of x is below."""
    floats = jnp.issubdtype(x.dtype, jnp.floating)
    return jnp.array(-jnp.inf if floats else jnp.iinfo(x.dtype).min, x.dtype)


def average_pool(
    x: Array,
    window: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    dilation: Ints | None = None,
) -> Array:
    """The mean of the values under each window; padding does not count."""
    steps, rates = strides or window, dilation or (1,) * x.ndim
    total = window_sum(x, window, steps, padding, rates)
    for axis, size in enumerate(x.shape):
        pads = padding if isinstance(padding, str) else padding[axis : axis + 1]
        along = (window[axis],), (steps[axis],), pads, (rates[axis],)
        counts = window_sum(jnp.ones(size, x.dtype), *along)
        total = total / counts.reshape(-1, *[1] * (x.ndim - 1 - axis))
    return total


def window_sum(
    x: Array, window: Ints, strides: Ints, padding: Padding, dilation: Ints
) -> Array:
    """The sum under each window."""
    zero = jnp.zeros((), x.dtype)
    return lax.reduce_window(
        x, zero, lax.add, window, strides, padding, window_dilation=dilation
    )


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
