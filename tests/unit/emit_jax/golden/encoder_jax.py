"""The model `Encoder` in JAX, written by neuralc."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]


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


def layer_norm(params: Params, x: Array, epsilon: float = 1e-12) -> Array:
    """x standardized along its last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + epsilon) * params["gamma"] + params["beta"]


def dropout(x: Array, rate: float, train: Training | None) -> Array:
    """In training a fraction of the values is 0, the rest scaled up."""
    if train is None:
        return x
    kept = jax.random.bernoulli(train.key(), 1 - rate, x.shape)
    return jnp.where(kept, x / (1 - rate), 0)


def init_dense(key: Array, inputs: int, units: int) -> Params:
    """A kernel [inputs, units] and a bias."""
    kernel = nn.initializers.glorot_uniform()(key, (inputs, units))
    return {"kernel": kernel, "bias": jnp.zeros(units)}


def init_norm(channels: int | tuple[int, ...]) -> Params:
    """Scale and offset."""
    return {"gamma": jnp.ones(channels), "beta": jnp.zeros(channels)}


def multi_head_attention(params: Params, x: Array) -> Array:
    """Block `MultiHeadAttention`: (batch, S, 64) -> (batch, S, 64)."""
    y = x @ params["query"]["kernel"].reshape(64, 64)
    y = y + params["query"]["bias"].reshape(64)
    y = y.reshape(y.shape[0], y.shape[1], 4, 16)  # (batch, S, 4, 16)
    z = x @ params["key"]["kernel"].reshape(64, 64) + params["key"]["bias"].reshape(64)
    z = z.reshape(z.shape[0], z.shape[1], 4, 16)  # (batch, S, 4, 16)
    x = x @ params["value"]["kernel"].reshape(64, 64)
    x = x + params["value"]["bias"].reshape(64)
    x = x.reshape(x.shape[0], x.shape[1], 4, 16)  # (batch, S, 4, 16)
    y = y * 0.25
    y = nn.softmax(jnp.einsum("bqnh,bknh->bnqk", y, z))  # (batch, 4, S, S)
    x = jnp.einsum("bnqk,bknh->bqnh", y, x)  # (batch, S, 4, 16)
    x = x.reshape(x.shape[0], x.shape[1], 64)  # (batch, S, 64)
    x = x @ params["attention_output"]["kernel"].reshape(64, 64)
    return x + params["attention_output"]["bias"]


def encoder_layer(params: Params, x: Array, train: Training | None) -> Array:
    """Block `encoder_layer`: (batch, S, 64) -> (batch, S, 64)."""
    y = multi_head_attention(params["residual_connection"]["multi_head_attention"], x)
    y = dropout(y, 0.1, train)
    x = y + x
    x = layer_norm(params["layer_normalization"], x)
    y = nn.gelu(dense(params["residual_connection_1"]["dense"], x), approximate=False)
    y = dense(params["residual_connection_1"]["dense_1"], y)  # (batch, S, 64)
    y = dropout(y, 0.1, train)
    x = y + x
    return layer_norm(params["layer_normalization_1"], x)


@jax.default_matmul_precision("float32")
def forward(params: Params, ids: Array, train: Training | None = None) -> Array:
    """Model `Encoder`: ids (batch, S) -> pooled (batch, S, 64)."""
    x = params["embedding"]["embeddings"][ids]  # (batch, S, 64)
    for block in params["encoder_layer"]:
        x = encoder_layer(block, x, train)
    return jnp.tanh(dense(params["pooled"], x))


def train_forward(params: Params, ids: Array, key: Array) -> Array:
    """The results in training."""
    return forward(params, ids, Training(key))


def init_multi_head_attention(key: Array) -> Params:
    """The parameters of the block `MultiHeadAttention` as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "query": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (64, 4, 16)),
            "bias": jnp.zeros((4, 16)),
        },
        "key": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (64, 4, 16)),
            "bias": jnp.zeros((4, 16)),
        },
        "value": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (64, 4, 16)),
            "bias": jnp.zeros((4, 16)),
        },
        "attention_output": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (4, 16, 64)),
            "bias": jnp.zeros(64),
        },
    }


def init_encoder_layer(key: Array) -> Params:
    """The parameters of the block `encoder_layer` as they start."""
    keys = iter(jax.random.split(key, 3))
    return {
        "residual_connection": {
            "multi_head_attention": init_multi_head_attention(next(keys)),
        },
        "layer_normalization": init_norm(64),
        "residual_connection_1": {
            "dense": init_dense(next(keys), 64, 256),
            "dense_1": init_dense(next(keys), 256, 64),
        },
        "layer_normalization_1": init_norm(64),
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "encoder_layer": [init_encoder_layer(next(keys)) for _ in range(2)],
        "pooled": init_dense(next(keys), 64, 64),
        "embedding": {
            "embeddings": jax.random.uniform(
                next(keys), (1000, 64), minval=-0.05, maxval=0.05
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
