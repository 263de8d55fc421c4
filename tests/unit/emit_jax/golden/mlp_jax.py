"""The model `Mlp` in JAX, written by neuralc."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, nn
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


def init_dense(key: Array, inputs: int, units: int) -> Params:
    """A kernel [inputs, units] and a bias."""
    kernel = nn.initializers.glorot_uniform()(key, (inputs, units))
    return {"kernel": kernel, "bias": jnp.zeros(units)}


@jax.default_matmul_precision("float32")
def forward(params: Params, pixels: Array, keys: Keys | None = None) -> Array:
    """Model `Mlp`: pixels (batch, 784) -> probabilities (batch, 10)."""
    x = dropout(nn.relu(dense(params["dense"], pixels)), 0.3, keys)  # (batch, 256)
    x = dropout(nn.relu(dense(params["dense_1"], x)), 0.3, keys)  # (batch, 128)
    return nn.softmax(dense(params["probabilities"], x))


def train_forward(params: Params, pixels: Array, key: Array) -> Array:
    """The results in training."""
    return forward(params, pixels, iter(jax.random.split(key, 2)))


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 3))
    return {
        "dense": init_dense(next(keys), 784, 256),
        "dense_1": init_dense(next(keys), 256, 128),
        "probabilities": init_dense(next(keys), 128, 10),
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
