"""The model `Encoder` in JAX, written by neuralc."""

from collections.abc import Iterator, Sequence
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


def einsum_dense(params: Params, x: Array, equation: str) -> Array:
    """The product of x and a kernel that has more than two axes."""
    return jnp.einsum(equation, x, params["kernel"]) + params["bias"]


def layer_norm(params: Params, x: Array, epsilon: float = 1e-12) -> Array:
    """x standardized along its last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + epsilon) * params["gamma"] + params["beta"]


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


def init_einsum_dense(
    key: Array, shape: Sequence[int], units: int | Sequence[int]
) -> Params:
    """A kernel of a shape and a bias of all its units."""
    kernel = nn.initializers.glorot_uniform()(key, shape)
    return {"kernel": kernel, "bias": jnp.zeros(units)}


def init_norm(channels: int | tuple[int, ...]) -> Params:
    """Scale and offset."""
    return {"gamma": jnp.ones(channels), "beta": jnp.zeros(channels)}


def multi_head_attention(params: Params, x: Array) -> Array:
    """Block `MultiHeadAttention`: (batch, S, 64) -> (batch, S, 64)."""
    query = einsum_dense(params["query"], x, "bsd,dnh->bsnh")  # (batch, S, 4, 16)
    key = einsum_dense(params["key"], x, "bsd,dnh->bsnh")  # (batch, S, 4, 16)
    value = einsum_dense(params["value"], x, "bsd,dnh->bsnh")  # (batch, S, 4, 16)
    x = nn.softmax(jnp.einsum("bqnh,bknh->bnqk", query * 0.25, key))  # (batch, 4, S, S)
    x = jnp.einsum("bnqk,bknh->bqnh", x, value)  # (batch, S, 4, 16)
    return einsum_dense(params["attention_output"], x, "bsnh,nhd->bsd")


def encoder_layer(params: Params, x: Array, keys: Keys | None) -> Array:
    """Block `encoder_layer`: (batch, S, 64) -> (batch, S, 64)."""
    y = multi_head_attention(params["residual_connection"]["multi_head_attention"], x)
    x = layer_norm(params["layer_normalization"], dropout(y, 0.1, keys) + x)
    y = nn.gelu(dense(params["residual_connection_1"]["dense"], x), approximate=False)
    x = dropout(dense(params["residual_connection_1"]["dense_1"], y), 0.1, keys) + x
    return layer_norm(params["layer_normalization_1"], x)


@jax.default_matmul_precision("float32")
def forward(params: Params, ids: Array, keys: Keys | None = None) -> Array:
    """Model `Encoder`: ids (batch, S) -> pooled (batch, S, 64)."""
    x = params["embedding"][ids]  # (batch, S, 64)
    for block in params["encoder_layer"]:
        x = encoder_layer(block, x, keys)
    return jnp.tanh(dense(params["pooled"], x))


def train_forward(params: Params, ids: Array, key: Array) -> Array:
    """The results in training."""
    return forward(params, ids, iter(jax.random.split(key, 4)))


def init_multi_head_attention(key: Array) -> Params:
    """The parameters of the block `MultiHeadAttention` as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "query": init_einsum_dense(next(keys), (64, 4, 16), (4, 16)),
        "key": init_einsum_dense(next(keys), (64, 4, 16), (4, 16)),
        "value": init_einsum_dense(next(keys), (64, 4, 16), (4, 16)),
        "attention_output": init_einsum_dense(next(keys), (4, 16, 64), 64),
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
        "embedding": jax.random.uniform(
            next(keys), (1000, 64), minval=-0.05, maxval=0.05
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
