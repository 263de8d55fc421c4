"""ResNet-50 in JAX: He et al. 2016, table 1."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]

glorot = nn.initializers.glorot_uniform()


def conv(
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


def batch_norm(params: Params, x: Array, train: bool) -> tuple[Array, Params]:
    """x standardized by channel, and the parameters: training moves the statistics."""
    mean, variance = params["mean"], params["variance"]
    if train:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        moved = {
            "mean": 0.9 * params["mean"] + 0.1 * mean,
            "variance": 0.9 * params["variance"] + 0.1 * variance,
        }
        params = params | lax.stop_gradient(moved)
    scale = lax.rsqrt(variance + 1e-5) * params["scale"]
    return (x - mean) * scale + params["offset"], params


def conv_norm(
    params: Params, x: Array, train: bool, stride: int = 1
) -> tuple[Array, Params]:
    """A convolution and batch norm: (batch, S, S, C) -> (batch, T, T, filters)."""
    x = conv(params["conv"], x, stride)
    x, norm = batch_norm(params["norm"], x, train)
    return x, {"conv": params["conv"], "norm": norm}


def bottleneck(
    params: Params, x: Array, train: bool, stride: int = 1
) -> tuple[Array, Params]:
    """Figure 5, right: (batch, S, S, C) -> (batch, T, T, channels)."""
    x, reduce = conv_norm(params["reduce"], x, train, stride)
    x, spatial = conv_norm(params["spatial"], nn.relu(x), train)
    x, expand = conv_norm(params["expand"], nn.relu(x), train)
    return x, {"reduce": reduce, "spatial": spatial, "expand": expand}


def stage(
    params: Params, x: Array, train: bool, stride: int = 2
) -> tuple[Array, Params]:
    """Option B: a projection, then blocks that keep the shape."""
    y, first = bottleneck(params["bottleneck"], x, train, stride)
    x, shortcut = conv_norm(params["shortcut"], x, train, stride)
    x = nn.relu(x + y)
    blocks = []
    for block in params["blocks"]:
        y, block = bottleneck(block, x, train)
        x = nn.relu(x + y)
        blocks.append(block)
    return x, {"bottleneck": first, "shortcut": shortcut, "blocks": blocks}


def forward(params: Params, image: Array, train: bool = False) -> tuple[Array, Params]:
    """image (batch, 224, 224, 3) -> probabilities (batch, 1000), moved parameters."""
    x = conv(params["conv"], image, 2, [(3, 3), (3, 3)])  # (batch, 112, 112, 64)
    x, norm = batch_norm(params["norm"], x, train)
    x = jnp.pad(nn.relu(x), ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID")
    stages = []
    for index, part in enumerate(params["stages"]):
        x, part = stage(part, x, train, stride=1 if index == 0 else 2)
        stages.append(part)
    x = x.mean((1, 2))  # (batch, 2048)
    x = x @ params["output"]["kernel"] + params["output"]["bias"]
    return nn.softmax(x), params | {"norm": norm, "stages": stages}


def init_norm(channels: int) -> Params:
    """Scale, offset and statistics."""
    return {
        "scale": jnp.ones(channels),
        "offset": jnp.zeros(channels),
        "mean": jnp.zeros(channels),
        "variance": jnp.ones(channels),
    }


def init_conv_norm(key: Array, channels: int, filters: int, size: int = 1) -> Params:
    """The parameters of a convolution with batch norm as they start."""
    kernel = glorot(key, (size, size, channels, filters))
    return {"conv": {"kernel": kernel}, "norm": init_norm(filters)}


def init_bottleneck(key: Array, channels: int, filters: int, out: int) -> Params:
    """The parameters of a bottleneck as they start."""
    keys = jax.random.split(key, 3)
    return {
        "reduce": init_conv_norm(keys[0], channels, filters),
        "spatial": init_conv_norm(keys[1], filters, filters, size=3),
        "expand": init_conv_norm(keys[2], filters, out),
    }


def init_stage(
    key: Array, channels: int, filters: int, out: int, blocks: int
) -> Params:
    """The parameters of a stage as they start."""
    first, shortcut, *keys = jax.random.split(key, 2 + blocks)
    return {
        "bottleneck": init_bottleneck(first, channels, filters, out),
        "shortcut": init_conv_norm(shortcut, channels, out),
        "blocks": [init_bottleneck(each, out, filters, out) for each in keys],
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = jax.random.split(key, 6)
    return {
        "conv": {"kernel": glorot(keys[0], (7, 7, 3, 64))},
        "norm": init_norm(64),
        "stages": [
            init_stage(keys[1], 64, 64, 256, blocks=2),
            init_stage(keys[2], 256, 128, 512, blocks=3),
            init_stage(keys[3], 512, 256, 1024, blocks=5),
            init_stage(keys[4], 1024, 512, 2048, blocks=2),
        ],
        "output": {"kernel": glorot(keys[5], (2048, 1000)), "bias": jnp.zeros(1000)},
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
