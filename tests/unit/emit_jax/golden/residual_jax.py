"""The model `ResidualNet` in JAX, written by neuralc."""

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
Padding = str | Sequence[tuple[int, int]]


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
    momentum: float = 0.99,
) -> Array:
    """x standardized along each channel: in training by the batch."""
    mean, variance = params["moving_mean"], params["moving_variance"]
    if train is not None:
        axes = tuple(range(x.ndim - 1))
        batch_mean, batch_variance = x.mean(axes), x.var(axes)
        train.move(mean, batch_mean, momentum)
        train.move(variance, batch_variance, momentum)
        mean, variance = batch_mean, batch_variance
    scale = lax.rsqrt(variance + epsilon)
    if "gamma" in params:
        scale = scale * params["gamma"]
    return (x - mean) * scale + params["beta"]


def conv2d(params: Params, x: Array, stride: int = 1) -> Array:
    """Convolution: x NHWC, kernel HWIO."""
    return lax.conv_general_dilated(
        x,
        params["kernel"],
        (stride, stride),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def dense(params: Params, x: Array) -> Array:
    """x [.., in] times a kernel [in, units]."""
    return x @ params["kernel"] + params["bias"]


def depthwise_conv2d(params: Params, x: Array, stride: int = 1) -> Array:
    """A filter for each channel: kernel [*window, channels, multiplier]."""
    kernel = params["kernel"]
    kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    x = lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[3],
    )
    return x + params["bias"]


def window_sum(
    x: Array, window: Ints, strides: Ints, padding: Padding, dilation: Ints
) -> Array:
    """The sum under each window."""
    zero = jnp.zeros((), x.dtype)
    return lax.reduce_window(
        x, zero, lax.add, window, strides, padding, window_dilation=dilation
    )


def average_pool(x: Array, window: Ints, strides: Ints, padding: Padding) -> Array:
    """The mean of the values under each window; padding does not count."""
    steps, rates = strides, (1,) * x.ndim
    total = window_sum(x, window, steps, padding, rates)
    for axis, size in enumerate(x.shape):
        pads = padding if isinstance(padding, str) else padding[axis : axis + 1]
        along = (window[axis],), (steps[axis],), pads, (rates[axis],)
        counts = window_sum(jnp.ones(size, x.dtype), *along)
        total = total / counts.reshape(-1, *[1] * (x.ndim - 1 - axis))
    return total


def dropout(x: Array, rate: float, keys: Keys | None) -> Array:
    """In training a fraction of the values is 0, the rest scaled up."""
    if keys is None:
        return x
    kept = jax.random.bernoulli(next(keys), 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)


def max_pool(x: Array, window: Ints) -> Array:
    """The largest value under each window; padding never wins."""
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def init_batch_norm(channels: int, scale: bool = True) -> Params:
    """Scale, offset and statistics."""
    params = {
        "beta": jnp.zeros(channels),
        "moving_mean": jnp.zeros(channels),
        "moving_variance": jnp.ones(channels),
    }
    if scale:
        params["gamma"] = jnp.ones(channels)
    return params


def init_conv(key: Array, window: Sequence[int], inputs: int, filters: int) -> Params:
    """A kernel [*window, inputs, filters]."""
    return {"kernel": nn.initializers.glorot_uniform()(key, (*window, inputs, filters))}


def init_dense(key: Array, inputs: int, units: int) -> Params:
    """A kernel [inputs, units] and a bias."""
    kernel = nn.initializers.glorot_uniform()(key, (inputs, units))
    return {"kernel": kernel, "bias": jnp.zeros(units)}


def init_depthwise_conv(
    key: Array, window: Sequence[int], channels: int, multiplier: int
) -> Params:
    """A kernel [*window, channels, multiplier] and a bias."""
    kernel = nn.initializers.glorot_uniform()(key, (*window, channels, multiplier))
    return {"kernel": kernel, "bias": jnp.zeros(channels * multiplier)}


def block(params: Params, x: Array, keys: Keys | None, train: Training | None) -> Array:
    """Block `block`: (batch, S, S, inputs) -> (batch, S, S, filters)."""
    x = batch_norm(params["batch_normalization"], conv2d(params["conv2d"], x), train)
    return dropout(nn.leaky_relu(x, 0.1), 0.1, keys)


def residual_connection(
    params: Params, x: Array, keys: Keys | None, train: Training | None
) -> Array:
    """Block `residual_connection`: (batch, 14, 14, 16) -> (batch, 14, 14, 16)."""
    y = block(params["block"], x, keys, train)
    return block(params["block_1"], y, keys, train) + x


@jax.default_matmul_precision("float32")
def forward(
    params: Params,
    image: Array,
    keys: Keys | None = None,
    train: Training | None = None,
) -> Array:
    """Model `ResidualNet`: image (batch, 28, 28, 3) -> output (batch, 10)."""
    x = block(params["block"], image, keys, train)  # (batch, 28, 28, 16)
    x = max_pool(x, (1, 2, 2, 1))  # (batch, 14, 14, 16)
    for layer in params["residual_connection"]:
        x = residual_connection(layer, x, keys, train)
    x = block(params["block_1"], x, keys, train)  # (batch, 14, 14, 32)
    y = depthwise_conv2d(
        params["residual_connection_1"]["depthwise_conv2d"], x, stride=2
    )
    y = batch_norm(params["residual_connection_1"]["batch_normalization"], y, train)
    x = y + conv2d(params["residual_connection_1"]["shortcut"], x, stride=2)
    x = jnp.where(x >= 0, x, params["p_re_lu"]["alpha"] * x)
    x = average_pool(x, (1, 3, 3, 1), strides=(1, 2, 2, 1), padding="SAME")
    x = jnp.where(x >= 0, x, params["p_re_lu_1"]["alpha"] * x)
    x = x.mean(axis=(1, 2))  # (batch, 64)
    x = nn.gelu(dense(params["dense"]["0"], x), approximate=False)
    x = nn.gelu(dense(params["dense"]["1"], x), approximate=False)
    return nn.softmax(dense(params["output"], x))


def train_forward(params: Params, image: Array, key: Array) -> tuple[Array, Params]:
    """The results in training, parameters with moved statistics."""
    train = Training()
    result = forward(params, image, iter(jax.random.split(key, 8)), train)
    return result, train.moved(params)


def init_block(
    key: Array, window: tuple[int, int], inputs: int, filters: int
) -> Params:
    """The parameters of the block `block` as they start."""
    return {
        "conv2d": init_conv(key, window, inputs, filters),
        "batch_normalization": init_batch_norm(filters, scale=False),
    }


def init_residual_connection(key: Array) -> Params:
    """The parameters of the block `residual_connection` as they start."""
    keys = iter(jax.random.split(key, 2))
    return {
        "block": init_block(next(keys), (3, 3), 16, 16),
        "block_1": init_block(next(keys), (3, 3), 16, 16),
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 10))
    return {
        "block": init_block(next(keys), (3, 3), 3, 16),
        "residual_connection": [init_residual_connection(next(keys)) for _ in range(3)],
        "block_1": init_block(next(keys), (5, 5), 16, 32),
        "residual_connection_1": {
            "depthwise_conv2d": init_depthwise_conv(next(keys), (3, 3), 32, 2),
            "batch_normalization": init_batch_norm(64),
            "shortcut": init_conv(next(keys), (1, 1), 32, 64),
        },
        "dense": {
            "0": init_dense(next(keys), 64, 64),
            "1": init_dense(next(keys), 64, 64),
        },
        "output": init_dense(next(keys), 64, 10),
        "p_re_lu": {"alpha": jnp.zeros((1, 1, 64))},
        "p_re_lu_1": {"alpha": jnp.zeros((4, 4, 64))},
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
