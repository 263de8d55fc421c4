"""The model `Tagger` in JAX, written by neuralc."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]
Keys = Iterator[Array]


def dense(params: Params, x: Array) -> Array:
    """x [.., in] times a kernel [in, units]."""
    return x @ params["kernel"] + params["bias"]


def dropout(x: Array, rate: float, keys: Keys | None) -> Array:
    """In training a fraction of the values is 0, the rest scaled up."""
    if keys is None:
        return x
    kept = jax.random.bernoulli(next(keys), 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)


def walk(
    cell: Callable[..., Any], states: Any, x: Array, mask: Array, reverse: bool
) -> Any:
    """The last states and all outputs; where the mask is false states stay."""

    def step(states: Any, at: Any) -> Any:
        x, counts = at
        new = cell(states, x)
        new = jax.tree.map(lambda a, b: jnp.where(counts[:, None], a, b), new, states)
        return new, new[0]

    return lax.scan(step, states, (x, mask), reverse=reverse)


def lstm(params: Params, x: Array, mask: Array, *, reverse: bool = False) -> Array:
    """Outputs; gates are input, forget, cell, output (Keras)."""

    def cell(states: tuple[Array, Array], x: Array) -> tuple[Array, Array]:
        h, c = states
        i, f, g, o = jnp.split(x + h @ params["recurrent_kernel"], 4, axis=-1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        return nn.sigmoid(o) * jnp.tanh(c), c

    x = x @ params["kernel"] + params["bias"]
    zeros = jnp.zeros((x.shape[1], params["recurrent_kernel"].shape[0]), x.dtype)
    _, y = walk(cell, (zeros, zeros), x, mask, reverse)
    return y


def init_dense(key: Array, inputs: int, units: int) -> Params:
    """A kernel [inputs, units] and a bias."""
    kernel = nn.initializers.glorot_uniform()(key, (inputs, units))
    return {"kernel": kernel, "bias": jnp.zeros(units)}


def init_lstm(key: Array, inputs: int, units: int) -> Params:
    """Kernels of all gates and a bias that remembers at first."""
    first, second = jax.random.split(key)
    return {
        "kernel": nn.initializers.glorot_uniform()(first, (inputs, 4 * units)),
        "recurrent_kernel": nn.initializers.orthogonal()(second, (units, 4 * units)),
        "bias": jnp.zeros(4 * units).at[units : 2 * units].set(1),
    }


@jax.default_matmul_precision("float32")
def forward(params: Params, sentence: Array, keys: Keys | None = None) -> Array:
    """Model `Tagger`: sentence (batch, S) -> tags (batch, S, 45)."""
    x = dropout(params["embedding"][sentence], 0.5, keys)  # (batch, S, 50)
    x = x.transpose(1, 0, 2)  # (S, batch, 50)
    mask = (sentence != 0).T  # (S, batch)
    y = lstm(params["bidirectional"]["forward"], x, mask)  # (S, batch, 300)
    y = jnp.where(mask[..., None], y, 0.0)  # (S, batch, 300)
    x = lstm(params["bidirectional"]["backward"], x, mask, reverse=True)
    x = jnp.where(mask[..., None], x, 0.0)  # (S, batch, 300)
    x = jnp.concatenate([y, x], axis=-1).transpose(1, 0, 2)  # (batch, S, 600)
    return nn.softmax(dense(params["tags"], dropout(x, 0.5, keys)))


def train_forward(params: Params, sentence: Array, key: Array) -> Array:
    """The results in training."""
    return forward(params, sentence, iter(jax.random.split(key, 2)))


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "bidirectional": {
            "forward": init_lstm(next(keys), 50, 300),
            "backward": init_lstm(next(keys), 50, 300),
        },
        "tags": init_dense(next(keys), 600, 45),
        "embedding": jax.random.uniform(
            next(keys), (20000, 50), minval=-0.05, maxval=0.05
        ),
    }


def load(path: str) -> Params:
    """The parameters of a safetensors file."""
    stored = load_file(path)
    tree = jax.eval_shape(init, jax.random.key(0))
    return jax.tree.map_with_path(lambda keys, _: stored[name_of(keys)], tree)


def save(params: Params, path: str) -> None:
    """Write the parameters to a safetensors file that neuralc reads."""
    leaves = jax.tree.leaves_with_path(params)
    save_file({name_of(keys): value for keys, value in leaves}, path)


def name_of(keys: tuple[Any, ...]) -> str:
    """What a weights file calls the parameter at a path of the tree."""
    return keystr(keys, simple=True, separator=".")
