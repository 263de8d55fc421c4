"""The model `Perceptron` in JAX, written by neuralc."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]
Initializer = Callable[..., Array]
glorot_uniform = nn.initializers.glorot_uniform()


def dense(params: Params, x: Array) -> Array:
    """x [.., in] times a kernel [in, units]."""
    return x @ params["kernel"] + params["bias"]


def init_dense(
    key: Array, inputs: int, units: int, kernel_init: Initializer = glorot_uniform
) -> Params:
    """A kernel [inputs, units] and a bias."""
    kernel = kernel_init(key, (inputs, units))
    return {"kernel": kernel, "bias": jnp.zeros(units)}


@jax.default_matmul_precision("float32")
def forward(params: Params, x: Array) -> Array:
    """Model `Perceptron`: input (batch, 20) -> output (batch, 1)."""
    x = jnp.tanh(dense(params["dense"], x))  # (batch, 32)
    x = nn.softplus(dense(params["dense_1"], x))
    return dense(params["output"], x)


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 3))
    return {
        "dense": init_dense(next(keys), 20, 32),
        "dense_1": init_dense(
            next(keys), 32, 32, kernel_init=nn.initializers.he_normal()
        ),
        "output": init_dense(next(keys), 32, 1),
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
