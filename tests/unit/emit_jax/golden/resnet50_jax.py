"""The model `ResNet50` in JAX, written by neuralc."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]
Ints = Sequence[int]


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
    epsilon: float = 1e-5,
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


def conv2d(
    params: Params,
    x: Array,
    stride: int = 1,
    padding: str | Sequence[tuple[int, int]] = "SAME",
) -> Array:
    """Convolution: x NHWC, kernel HWIO."""
    return lax.conv_general_dilated(
        x,
        params["kernel"],
        (stride, stride),
        padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def dense(params: Params, x: Array) -> Array:
    """x [.., in] times a kernel [in, units]."""
    return x @ params["kernel"] + params["bias"]


def max_pool(x: Array, window: Ints, strides: Ints) -> Array:
    """The largest value under each window; padding never wins."""
    return lax.reduce_window(x, -jnp.inf, lax.max, window, strides, "VALID")


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


def conv_norm(
    params: Params, x: Array, train: Training | None, stride: int = 1
) -> Array:
    """Block `conv_norm`: (batch, S, S, inputs) -> (batch, T, T, filters)."""
    x = conv2d(params["conv2d"], x, stride=stride)
    return batch_norm(params["batch_normalization"], x, train)


def bottleneck(
    params: Params, x: Array, train: Training | None, stride: int = 1
) -> Array:
    """Block `bottleneck`: (batch, S, S, inputs) -> (batch, T, T, filters)."""
    x = nn.relu(conv_norm(params["conv_norm"], x, train, stride=stride))
    x = nn.relu(conv_norm(params["conv_norm_1"], x, train))
    return conv_norm(params["conv_norm_2"], x, train)


def same(params: Params, x: Array, train: Training | None) -> Array:
    """Block `same`: (batch, S, S, inputs) -> (batch, S, S, inputs)."""
    return nn.relu(bottleneck(params["residual"]["bottleneck"], x, train) + x)


def stage(params: Params, x: Array, train: Training | None, stride: int = 1) -> Array:
    """Block `stage`: (batch, S, S, inputs) -> (batch, T, T, filters)."""
    y = bottleneck(params["main"]["bottleneck"], x, train, stride=stride)
    x = nn.relu(y + conv_norm(params["shortcut"]["conv_norm"], x, train, stride=stride))
    for block in params["same"]:
        x = same(block, x, train)
    return x


def trunk(params: Params, x: Array, train: Training | None) -> Array:
    """Block `trunk`: (batch, 224, 224, 3) -> (batch, 2048)."""
    x = conv2d(params["conv2d"], x, padding=((3, 3), (3, 3)), stride=2)
    x = nn.relu(batch_norm(params["batch_normalization"], x, train))
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))  # (batch, 114, 114, 64)
    x = max_pool(x, (1, 3, 3, 1), strides=(1, 2, 2, 1))  # (batch, 56, 56, 64)
    x = stage(params["stage"], x, train)  # (batch, 56, 56, 256)
    x = stage(params["stage_1"], x, train, stride=2)  # (batch, 28, 28, 512)
    x = stage(params["stage_2"], x, train, stride=2)  # (batch, 14, 14, 1024)
    x = stage(params["stage_3"], x, train, stride=2)  # (batch, 7, 7, 2048)
    return x.mean(axis=(1, 2))


@jax.default_matmul_precision("float32")
def forward(params: Params, image: Array, train: Training | None = None) -> Array:
    """Model `ResNet50`: image (batch, 224, 224, 3) -> output (batch, 1000)."""
    x = trunk(params["trunk"], image, train)  # (batch, 2048)
    return nn.softmax(dense(params["output"], x))


def train_forward(params: Params, image: Array) -> tuple[Array, Params]:
    """The results in training, parameters with moved statistics."""
    train = Training()
    result = forward(params, image, train)
    return result, train.moved(params)


def init_conv_norm(
    key: Array, window: tuple[int, int], inputs: int, filters: int
) -> Params:
    """The parameters of the block `conv_norm` as they start."""
    return {
        "conv2d": init_conv(key, window, inputs, filters),
        "batch_normalization": init_batch_norm(filters),
    }


def init_bottleneck(key: Array, inputs: int, hidden: int, filters: int) -> Params:
    """The parameters of the block `bottleneck` as they start."""
    keys = iter(jax.random.split(key, 3))
    return {
        "conv_norm": init_conv_norm(next(keys), (1, 1), inputs, hidden),
        "conv_norm_1": init_conv_norm(next(keys), (3, 3), hidden, hidden),
        "conv_norm_2": init_conv_norm(next(keys), (1, 1), hidden, filters),
    }


def init_same(key: Array, inputs: int, hidden: int) -> Params:
    """The parameters of the block `same` as they start."""
    return {"residual": {"bottleneck": init_bottleneck(key, inputs, hidden, inputs)}}


def init_stage(
    key: Array, inputs: int, hidden: int, filters: int, num_same: int
) -> Params:
    """The parameters of the block `stage` as they start."""
    keys = iter(jax.random.split(key, 2 + num_same))
    return {
        "main": {"bottleneck": init_bottleneck(next(keys), inputs, hidden, filters)},
        "shortcut": {"conv_norm": init_conv_norm(next(keys), (1, 1), inputs, filters)},
        "same": [init_same(next(keys), filters, hidden) for _ in range(num_same)],
    }


def init_trunk(key: Array) -> Params:
    """The parameters of the block `trunk` as they start."""
    keys = iter(jax.random.split(key, 5))
    return {
        "conv2d": init_conv(next(keys), (7, 7), 3, 64),
        "batch_normalization": init_batch_norm(64),
        "stage": init_stage(next(keys), 64, 64, 256, num_same=2),
        "stage_1": init_stage(next(keys), 256, 128, 512, num_same=3),
        "stage_2": init_stage(next(keys), 512, 256, 1024, num_same=5),
        "stage_3": init_stage(next(keys), 1024, 512, 2048, num_same=2),
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 2))
    return {
        "trunk": init_trunk(next(keys)),
        "output": init_dense(next(keys), 2048, 1000),
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
