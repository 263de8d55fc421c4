"""How weights start where `jax.nn.initializers` has nothing like it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array


def unit_forget(key: Array, shape: tuple[int, ...], dtype: Any = float) -> Array:
    """The bias of an LSTM that remembers at first: one for the forget gate."""
    units = shape[-1] // 4
    return jnp.zeros(shape, dtype).at[..., units : 2 * units].set(1)
