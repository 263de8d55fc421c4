"""Recurrent layers with dropout on the way into each gate (Gal, Ghahramani 2016)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, nn

from neuralc.emit.jax.helpers.recurrent import walk

Params = dict[str, Any]
Function = Callable[[Array], Array]
Masks = tuple[Sequence[Array], Sequence[Array]]
Keys = Iterator[Array]


def dropped_lstm(
    params: Params,
    x: Array,
    h: Array,
    c: Array,
    mask: Array | None = None,
    *,
    masks: Masks,
    reverse: bool = False,
    sigmoid: Function = nn.sigmoid,
    tanh: Function = jnp.tanh,
    output: Function = jnp.tanh,
) -> tuple[Array, Array, Array]:
    """An LSTM whose gates read what masks leave of x and h."""

    def cell(states: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        h, c = states
        i, f, g, o = jnp.split(
            x + gated(h, params["recurrent_kernel"], masks[1]), 4, axis=-1
        )
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * output(c), c

    x = gated(x, params["kernel"], masks[0]) + params["bias"]
    (h, c), y = walk(cell, (h, c), x, mask, reverse)
    return y, h, c


def dropped_gru(
    params: Params,
    x: Array,
    h: Array,
    mask: Array | None = None,
    *,
    masks: Masks,
    reverse: bool = False,
    sigmoid: Function = nn.sigmoid,
    tanh: Function = jnp.tanh,
) -> tuple[Array, Array]:
    """A GRU whose gates read what masks leave of x and h; reset acts on h."""
    recurrent, units = params["recurrent_kernel"], h.shape[-1]

    def cell(states: tuple[Array], x: Array) -> tuple[Array]:
        (h,) = states
        z, r = jnp.split(
            sigmoid(
                x[:, : 2 * units] + gated(h, recurrent[:, : 2 * units], masks[1][:2])
            ),
            2,
            axis=-1,
        )
        new = tanh(
            x[:, 2 * units :] + gated(r * h, recurrent[:, 2 * units :], masks[1][2:])
        )
        return (z * h + (1 - z) * new,)

    x = gated(x, params["kernel"], masks[0]) + params["bias"]
    (h,), y = walk(cell, (h,), x, mask, reverse)
    return y, h


def dropped_gru_reset_after(
    params: Params,
    x: Array,
    h: Array,
    mask: Array | None = None,
    *,
    masks: Masks,
    reverse: bool = False,
    sigmoid: Function = nn.sigmoid,
    tanh: Function = jnp.tanh,
) -> tuple[Array, Array]:
    """The same; reset acts on the product of h."""
    bias = params["bias"]
    own, added = (bias[1], bias[0]) if bias.ndim == 2 else (jnp.zeros_like(bias), bias)

    def cell(states: tuple[Array], x: Array) -> tuple[Array]:
        (h,) = states
        z, r, new = jnp.split(x, 3, axis=-1)
        u_z, u_r, u_new = jnp.split(
            gated(h, params["recurrent_kernel"], masks[1]) + own, 3, axis=-1
        )
        z, r = sigmoid(z + u_z), sigmoid(r + u_r)
        return (z * h + (1 - z) * tanh(new + r * u_new),)

    x = gated(x, params["kernel"], masks[0]) + added
    (h,), y = walk(cell, (h,), x, mask, reverse)
    return y, h


def dropped_rnn(
    params: Params,
    x: Array,
    h: Array,
    mask: Array | None = None,
    *,
    masks: Masks,
    reverse: bool = False,
    tanh: Function = jnp.tanh,
) -> tuple[Array, Array]:
    """A plain recurrent layer that reads what masks leave of x and h."""

    def cell(states: tuple[Array], x: Array) -> tuple[Array]:
        return (tanh(x + gated(states[0], params["recurrent_kernel"], masks[1])),)

    x = gated(x, params["kernel"], masks[0]) + params["bias"]
    (h,), y = walk(cell, (h,), x, mask, reverse)
    return y, h


def gated(x: Array, kernel: Array, masks: Sequence[Array]) -> Array:
    """x by the kernel, where each gate has a mask of its own for what it reads."""
    if not masks:
        return x @ kernel
    kernels = jnp.split(kernel, len(masks), axis=-1)
    products = [(x * mask) @ part for mask, part in zip(masks, kernels, strict=True)]
    return jnp.concatenate(products, axis=-1)


def gate_masks(
    x: Array, h: Array, gates: int, rates: tuple[float, float], keys: Keys | None
) -> Masks:
    """What each gate reads of x and of h in training, the same at all times."""
    if keys is None:
        return (), ()

    def drawn(of: Array, rate: float) -> Sequence[Array]:
        if not rate:
            return ()
        kept = jax.random.bernoulli(next(keys), 1 - rate, (gates, *of.shape))
        return tuple(kept.astype(of.dtype) / (1 - rate))

    return drawn(x[0], rates[0]), drawn(h, rates[1])
