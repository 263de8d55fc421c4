"""BI-LSTM tagger in JAX: Huang et al. 2015, figure 4. Word 0 is padding."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]

glorot = nn.initializers.glorot_uniform()


def dropout(key: Array | None, x: Array) -> Array:
    """Half of the values as 0, the rest scaled up; without a key all of them."""
    if key is None:
        return x
    return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x / 0.5, 0)


def lstm(params: Params, x: Array, mask: Array, *, reverse: bool = False) -> Array:
    """x (S, batch, in) -> (S, batch, 300): zeros where the mask is false.

    States stay there. Gates are input, forget, cell, output.
    """

    def step(states: tuple[Array, Array], at: tuple[Array, Array]) -> Any:
        (h, c), (gates, counts) = states, at
        gates = gates + h @ params["recurrent_kernel"]
        i, f, g, o = jnp.split(gates, 4, axis=-1)
        new_c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        new_h = nn.sigmoid(o) * jnp.tanh(new_c)
        states = jnp.where(counts, new_h, h), jnp.where(counts, new_c, c)
        return states, jnp.where(counts, new_h, 0)

    gates = x @ params["kernel"] + params["bias"]
    zeros = jnp.zeros((x.shape[1], 300))
    _, y = lax.scan(step, (zeros, zeros), (gates, mask[..., None]), reverse=reverse)
    return y


def forward(params: Params, sentence: Array, key: Array | None = None) -> Array:
    """sentence (batch, S) -> probabilities of tags (batch, S, 45).

    With a key it drops values out, as in training.
    """
    first, second = (None, None) if key is None else jax.random.split(key)
    mask = (sentence != 0).T  # (S, batch)
    x = dropout(first, params["embedding"][sentence])  # (batch, S, 50)
    x = x.transpose(1, 0, 2)
    forward = lstm(params["forward"], x, mask)
    backward = lstm(params["backward"], x, mask, reverse=True)
    x = jnp.concatenate([forward, backward], axis=-1).transpose(1, 0, 2)
    x = dropout(second, x)  # (batch, S, 600)
    return nn.softmax(x @ params["tags"]["kernel"] + params["tags"]["bias"])


def init_lstm(key: Array) -> Params:
    """Kernels of all gates and a bias that remembers at first."""
    first, second = jax.random.split(key)
    return {
        "kernel": glorot(first, (50, 1200)),
        "recurrent_kernel": nn.initializers.orthogonal()(second, (300, 1200)),
        "bias": jnp.zeros(1200).at[300:600].set(1),
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = jax.random.split(key, 4)
    return {
        "embedding": jax.random.uniform(
            keys[0], (20000, 50), minval=-0.05, maxval=0.05
        ),
        "forward": init_lstm(keys[1]),
        "backward": init_lstm(keys[2]),
        "tags": {"kernel": glorot(keys[3], (600, 45)), "bias": jnp.zeros(45)},
    }


def load(path: str) -> Params:
    """The parameters of a safetensors file."""
    stored = load_file(path)
    tree = jax.eval_shape(init, jax.random.key(0))
    return jax.tree.map_with_path(lambda keys, _: stored[name_of(keys)], tree)


def save(params: Params, path: str) -> None:
    """Write the parameters to a safetensors file."""
    leaves = jax.tree.leaves_with_path(params)
    save_file({name_of(keys): value for keys, value in leaves}, path)


def name_of(keys: tuple[Any, ...]) -> str:
    """What a weights file calls the parameter at a path of the tree."""
    return keystr(keys, simple=True, separator=".")
