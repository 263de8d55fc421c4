"""The model `Digits` in JAX, written by neuralc."""

from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]
Ints = Sequence[int]
Keys = Iterator[Array]


class Training:
    """A step of training: statistics that batch norms move.

    It fills while a function is traced, so `train_forward` makes a new one for each.
    """

    def __init__(self) -> None:
        self._moved: dict[int, Array] = {}

    def move(self, old: Array, new: Array, momentum: float) -> None:
        """Move a statistic toward that of the batch."""
        new = lax.stop_gradient(new)
        self._moved[id(old)] = momentum * old + (1 - momentum) * new

    def moved(self, params: Params) -> Params:
        """The parameters with the statistics that were moved."""
        return jax.tree.map(lambda old: self._moved.get(id(old), old), params)


def batch_norm(
    params: Params,
    x: Array,
    train: Training | None,
    epsilon: float = 0.001,
    momentum: float = 0.9,
) -> Array:
    """x standardized along each channel: in training by the batch."""
    mean, variance = params["moving_mean"], params["moving_variance"]
    if train is not None:
        axes = tuple(range(x.ndim - 1))
        batch_mean, batch_variance = x.mean(axes), x.var(axes)
        train.move(mean, batch_mean, momentum)
        train.move(variance, batch_variance, momentum)
        mean, variance = batch_mean, batch_variance
    scale = lax.rsqrt(variance + epsilon) * params["gamma"]
    return (x - mean) * scale + params["beta"]


def conv2d(params: Params, x: Array) -> Array:
    """Convolution: x NHWC, kernel HWIO."""
    return lax.conv_general_dilated(
        x, params["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def dense(params: Params, x: Array) -> Array:
    """x [.., in] times a kernel [in, units]."""
    return x @ params["kernel"] + params["bias"]


def dropout(x: Array, rate: float, keys: Keys | None) -> Array:
    """In training a fraction of the values is 0, the rest scaled up."""
    if keys is None:
        return x
    kept = jax.random.bernoulli(next(keys), 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)


def max_pool(x: Array, window: Ints) -> Array:
    """The largest value under each window; padding never wins."""
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def init_batch_norm(channels: int) -> Params:
    """Scale, offset and statistics."""
    return {
        "gamma": jnp.ones(channels),
        "beta": jnp.zeros(channels),
        "moving_mean": jnp.zeros(channels),
        "moving_variance": jnp.ones(channels),
    }


def init_conv(key: Array, window: Sequence[int], inputs: int, filters: int) -> Params:
    """A kernel [*window, inputs, filters]."""
    return {"kernel": nn.initializers.glorot_uniform()(key, (*window, inputs, filters))}


def init_dense(key: Array, inputs: int, units: int) -> Params:
    """A kernel [inputs, units] and a bias."""
    kernel = nn.initializers.glorot_uniform()(key, (inputs, units))
    return {"kernel": kernel, "bias": jnp.zeros(units)}


def conv_block(params: Params, x: Array, train: Training | None) -> Array:
    """Block `conv_block`: (batch, 8, 8, inputs) -> (batch, 8, 8, filters)."""
    x = batch_norm(params["batch_normalization"], conv2d(params["conv2d"], x), train)
    return nn.relu(x)


@jax.default_matmul_precision("float32")
def forward(
    params: Params,
    image: Array,
    keys: Keys | None = None,
    train: Training | None = None,
) -> Array:
    """Model `Digits`: image (batch, 8, 8, 1) -> probabilities (batch, 10)."""
    x = conv_block(params["conv_block"], image, train)  # (batch, 8, 8, 16)
    x = conv_block(params["conv_block_1"], x, train)  # (batch, 8, 8, 32)
    x = max_pool(x, (1, 2, 2, 1))  # (batch, 4, 4, 32)
    x = dropout(x, 0.2, keys)
    x = dropout(nn.relu(dense(params["dense"], x.reshape(-1, 512))), 0.3, keys)
    return nn.softmax(dense(params["probabilities"], x))


def train_forward(params: Params, image: Array, key: Array) -> tuple[Array, Params]:
    """The results in training, parameters with moved statistics."""
    train = Training()
    result = forward(params, image, iter(jax.random.split(key, 2)), train)
    return result, train.moved(params)


def init_conv_block(key: Array, inputs: int, filters: int) -> Params:
    """The parameters of the block `conv_block` as they start."""
    return {
        "conv2d": init_conv(key, (3, 3), inputs, filters),
        "batch_normalization": init_batch_norm(filters),
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "conv_block": init_conv_block(next(keys), 1, 16),
        "conv_block_1": init_conv_block(next(keys), 16, 32),
        "dense": init_dense(next(keys), 512, 64),
        "probabilities": init_dense(next(keys), 64, 10),
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
