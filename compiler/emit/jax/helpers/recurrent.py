"""Recurrent layers, one direction each: x [time, batch, in], states [batch, units]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn

Params = dict[str, Any]
Function = Callable[[Array], Array]


def lstm(
    params: Params,
    x: Array,
    mask: Array | None = None,
    *,
    initial: tuple[Array, Array] | None = None,
    reverse: bool = False,
    sigmoid: Function = nn.sigmoid,
    tanh: Function = jnp.tanh,
    output: Function = jnp.tanh,
) -> tuple[Array, Array, Array]:
    """Outputs, last h and last c; gates are input, forget, cell, output (Keras)."""

    def cell(states: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        h, c = states
        i, f, g, o = jnp.split(x + h @ params["recurrent_kernel"], 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * output(c), c

    x = x @ params["kernel"] + params["bias"]
    zeros = jnp.zeros((x.shape[1], params["recurrent_kernel"].shape[0]), x.dtype)
    (h, c), y = walk(cell, initial or (zeros, zeros), x, mask, reverse)
    return y, h, c


def peephole_lstm(
    params: Params,
    x: Array,
    h: Array,
    c: Array,
    mask: Array | None = None,
    *,
    peepholes: Array | None = None,
    coupled: bool = False,
    reverse: bool = False,
    sigmoid: Function = nn.sigmoid,
    tanh: Function = jnp.tanh,
    output: Function = jnp.tanh,
) -> tuple[Array, Array, Array]:
    """An LSTM whose gates see the cell state, or forget what they do not take in."""

    def cell(states: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        h, c = states
        i, f, g, o = jnp.split(x + h @ params["recurrent_kernel"], 4, axis=-1)
        i = sigmoid(i + p_i * c)
        c = (1 - i if coupled else sigmoid(f + p_f * c)) * c + i * tanh(g)
        return sigmoid(o + p_o * c) * output(c), c

    none = jnp.zeros(3 * h.shape[-1], h.dtype)
    p_i, p_f, p_o = jnp.split(none if peepholes is None else peepholes, 3)
    x = x @ params["kernel"] + params["bias"]
    (h, c), y = walk(cell, (h, c), x, mask, reverse)
    return y, h, c


def gru(
    params: Params,
    x: Array,
    mask: Array | None = None,
    *,
    initial: tuple[Array] | None = None,
    reverse: bool = False,
    sigmoid: Function = nn.sigmoid,
    tanh: Function = jnp.tanh,
) -> tuple[Array, Array]:
    """Outputs and last h; the reset gate acts on h before the product."""
    recurrent = params["recurrent_kernel"]
    units = recurrent.shape[0]

    def cell(states: tuple[Array], x: Array) -> tuple[Array]:
        (h,) = states
        z, r = jnp.split(
            sigmoid(x[:, : 2 * units] + h @ recurrent[:, : 2 * units]), 2, axis=-1
        )
        new = tanh(x[:, 2 * units :] + (r * h) @ recurrent[:, 2 * units :])
        return (z * h + (1 - z) * new,)

    x = x @ params["kernel"] + params["bias"]
    zeros = jnp.zeros((x.shape[1], params["recurrent_kernel"].shape[0]), x.dtype)
    (h,), y = walk(cell, initial or (zeros,), x, mask, reverse)
    return y, h


def gru_reset_after(
    params: Params,
    x: Array,
    mask: Array | None = None,
    *,
    initial: tuple[Array] | None = None,
    reverse: bool = False,
    sigmoid: Function = nn.sigmoid,
    tanh: Function = jnp.tanh,
) -> tuple[Array, Array]:
    """Outputs and last h; the reset gate acts on the product of h."""
    bias = params["bias"]
    own, added = (bias[1], bias[0]) if bias.ndim == 2 else (jnp.zeros_like(bias), bias)

    def cell(states: tuple[Array], x: Array) -> tuple[Array]:
        (h,) = states
        z, r, new = jnp.split(x, 3, axis=-1)
        u_z, u_r, u_new = jnp.split(h @ params["recurrent_kernel"] + own, 3, axis=-1)
        z, r = sigmoid(z + u_z), sigmoid(r + u_r)
        return (z * h + (1 - z) * tanh(new + r * u_new),)

    x = x @ params["kernel"] + added
    zeros = jnp.zeros((x.shape[1], params["recurrent_kernel"].shape[0]), x.dtype)
    (h,), y = walk(cell, initial or (zeros,), x, mask, reverse)
    return y, h


def rnn(
    params: Params,
    x: Array,
    mask: Array | None = None,
    *,
    initial: tuple[Array] | None = None,
    reverse: bool = False,
    tanh: Function = jnp.tanh,
) -> tuple[Array, Array]:
    """Outputs and last h; a plain recurrent layer."""

    def cell(states: tuple[Array], x: Array) -> tuple[Array]:
        return (tanh(x + states[0] @ params["recurrent_kernel"]),)

    x = x @ params["kernel"] + params["bias"]
    zeros = jnp.zeros((x.shape[1], params["recurrent_kernel"].shape[0]), x.dtype)
    (h,), y = walk(cell, initial or (zeros,), x, mask, reverse)
    return y, h


def walk(
    cell: Callable[..., Any],
    states: Any,
    x: Array,
    mask: Array | None,
    reverse: bool = False,
) -> Any:
    """The last states and all outputs; where the mask is false states stay."""

    def step(states: Any, at: Any) -> Any:
        x, counts = at
        new = cell(states, x)
        if counts is not None:
            new = jax.tree.map(
                lambda a, b: jnp.where(counts[:, None], a, b), new, states
            )
        return new, new[0]

    return lax.scan(step, states, (x, mask), reverse=reverse)


def masked_walk(
    cell: Callable[..., Any], states: Any, x: Array, mask: Array, reverse: bool = False
) -> Any:
    """The last states and all outputs; where the mask is false states stay."""

    def step(states: Any, at: Any) -> Any:
        x, counts = at
        new = cell(states, x)
        new = jax.tree.map(lambda a, b: jnp.where(counts[:, None], a, b), new, states)
        return new, new[0]

    return lax.scan(step, states, (x, mask), reverse=reverse)


def unmasked_walk(
    cell: Callable[..., Any], states: Any, x: Array, reverse: bool = False
) -> Any:
    """The last states and all outputs."""

    def step(states: Any, x: Array) -> Any:
        new = cell(states, x)
        return new, new[0]

    return lax.scan(step, states, x, reverse=reverse)


def clipped(function: Function, bound: float) -> Function:
    """A function of what is bounded first."""
    return lambda x: function(jnp.clip(x, -bound, bound))
