"""The model `Tagger` in JAX, written by neuralc."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]
Function = Callable[[Array], Array]


class Training:
    """A step of training: keys for noise.

    It fills while a function is traced, so `train_forward` makes a new one for each.
    """

    def __init__(self, key: Array) -> None:
        self._key = key

    def key(self) -> Array:
        """A key of its own for each that asks."""
        self._key, key = jax.random.split(self._key)
        return key


def dense(params: Params, x: Array) -> Array:
    """x [.., in] times a kernel [in, units]."""
    return x @ params["kernel"] + params["bias"]


def dropout(x: Array, rate: float, train: Training | None) -> Array:
    """In training a fraction of the values is 0, the rest scaled up."""
    if train is None:
        return x
    kept = jax.random.bernoulli(train.key(), 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)


def walk(
    cell: Callable[[Any, Array], Any],
    states: tuple[Array, ...],
    x: Array,
    mask: Array | None,
    *,
    reverse: bool,
) -> tuple[tuple[Array, ...], Array]:
    """The last states and all outputs; where the mask is false states stay."""

    def step(states: tuple[Array, ...], at: Any) -> tuple[tuple[Array, ...], Array]:
        x, counts = at
        following = cell(states, x)
        if counts is not None:
            following = tuple(
                jnp.where(counts[:, None], new, old)
                for new, old in zip(following, states, strict=True)
            )
        return following, following[0]

    return lax.scan(step, states, (x, mask), reverse=reverse)


def lstm(
    params: Params,
    x: Array,
    h: Array,
    c: Array,
    mask: Array | None = None,
    *,
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
    (h, c), y = walk(cell, (h, c), x, mask, reverse=reverse)
    return y, h, c


def init_dense(key: Array, inputs: int, units: int) -> Params:
    """A kernel [inputs, units] and a bias."""
    kernel = nn.initializers.glorot_uniform()(key, (inputs, units))
    return {"kernel": kernel, "bias": jnp.zeros(units)}


def init_lstm(key: Array, inputs: int, units: int) -> Params:
    """Kernels of all gates and a bias."""
    first, second = jax.random.split(key)
    # Remembers at first.
    bias = jnp.zeros(4 * units).at[units : 2 * units].set(1)
    return {
        "kernel": nn.initializers.glorot_uniform()(first, (inputs, 4 * units)),
        "recurrent_kernel": nn.initializers.orthogonal()(second, (units, 4 * units)),
        "bias": bias,
    }


@jax.default_matmul_precision("float32")
def forward(params: Params, sentence: Array, train: Training | None = None) -> Array:
    """Model `Tagger`: sentence (batch, S) -> tags (batch, S, 45)."""
    x = params["embedding"]["embeddings"][sentence]  # (batch, S, 50)
    y = sentence != 0
    x = dropout(x, 0.5, train)
    z = jnp.zeros((sentence.shape[0], 300))  # (batch, 300)
    y = y.T  # (S, batch)
    x = x.transpose(1, 0, 2)  # (S, batch, 50)
    z, _, _ = lstm(params["bidirectional"]["forward"], x, z, z, y)
    w = y[..., None]  # (S, batch, 1)
    z = jnp.where(w, z, 0.0)  # (S, batch, 300)
    initial = jnp.zeros((sentence.shape[0], 300))  # (batch, 300)
    x, _, _ = lstm(
        params["bidirectional"]["backward"], x, initial, initial, y, reverse=True
    )
    y = y[..., None]  # (S, batch, 1)
    x = jnp.where(y, x, 0.0)  # (S, batch, 300)
    x = jnp.concatenate([z, x], axis=-1)  # (S, batch, 600)
    x = x.transpose(1, 0, 2)  # (batch, S, 600)
    x = dropout(x, 0.5, train)
    return nn.softmax(dense(params["tags"], x))


def train_forward(params: Params, sentence: Array, key: Array) -> Array:
    """The results in training."""
    return forward(params, sentence, Training(key))


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "bidirectional": {
            "forward": init_lstm(next(keys), 50, 300),
            "backward": init_lstm(next(keys), 50, 300),
        },
        "tags": init_dense(next(keys), 600, 45),
        "embedding": {
            "embeddings": jax.random.uniform(
                next(keys), (20000, 50), minval=-0.05, maxval=0.05
            ),
        },
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
