"""The model `Bert` in JAX, written by neuralc."""

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


def attention(params: Params, x: Array, mask: Array, keys: Keys | None) -> Array:
    """Block `Attention`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""
    query = einsum_dense(params["query"], x, "bsd,dnh->bsnh")  # (batch, S, 12, 64)
    key = einsum_dense(params["key"], x, "bsd,dnh->bsnh")  # (batch, S, 12, 64)
    value = einsum_dense(params["value"], x, "bsd,dnh->bsnh")  # (batch, S, 12, 64)
    scores = jnp.einsum("bqnh,bknh->bnqk", query * 0.125, key)  # (batch, 12, S, S)
    mask = mask[:, None] & mask[..., None]  # (batch, S, S)
    y = dropout(nn.softmax(jnp.where(mask[:, None], scores, -1e9)), 0.1, keys)
    y = jnp.einsum("bnqk,bknh->bqnh", y, value)  # (batch, S, 12, 64)
    y = dropout(einsum_dense(params["attention_output"], y, "bsnh,nhd->bsd"), 0.1, keys)
    return x + y


def feed_forward(params: Params, x: Array, keys: Keys | None) -> Array:
    """Block `FeedForward`: (batch, S, 768) -> (batch, S, 768)."""
    y = dropout(nn.gelu(dense(params["hidden"], x), approximate=False), 0.1, keys)
    return x + dropout(dense(params["output"], y), 0.1, keys)


def transformer_encoder(
    params: Params, x: Array, mask: Array, keys: Keys | None
) -> Array:
    """Block `TransformerEncoder`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""
    x = attention(params["attention"], x, mask, keys)
    x = layer_norm(params["attention_norm"], x)
    x = feed_forward(params["feed_forward"], x, keys)
    return layer_norm(params["feed_forward_norm"], x)


@jax.default_matmul_precision("float32")
def forward(
    params: Params, ids: Array, segments: Array, keys: Keys | None = None
) -> tuple[Array, Array]:
    """Model `Bert`.

    ids (batch, S), segments (batch, S)
    -> sequence (batch, S, 768), pooled (batch, 768)
    """
    x = params["embedding"][ids] + params["embedding_1"][segments]  # (batch, S, 768)
    x = x + params["positional_encoding"][: ids.shape[1]]
    x = dropout(layer_norm(params["layer_normalization"], x), 0.1, keys)
    mask = ids != 0
    for block in params["transformer_encoder"]:
        x = transformer_encoder(block, x, mask, keys)
    return x, jnp.tanh(dense(params["dense"], x[:, 0]))


def train_forward(
    params: Params, ids: Array, segments: Array, key: Array
) -> tuple[Array, Array]:
    """The results in training."""
    return forward(params, ids, segments, iter(jax.random.split(key, 49)))


def init_attention(key: Array) -> Params:
    """The parameters of the block `Attention` as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "query": init_einsum_dense(next(keys), (768, 12, 64), (12, 64)),
        "key": init_einsum_dense(next(keys), (768, 12, 64), (12, 64)),
        "value": init_einsum_dense(next(keys), (768, 12, 64), (12, 64)),
        "attention_output": init_einsum_dense(next(keys), (12, 64, 768), 768),
    }


def init_feed_forward(key: Array) -> Params:
    """The parameters of the block `FeedForward` as they start."""
    keys = iter(jax.random.split(key, 2))
    return {
        "hidden": init_dense(next(keys), 768, 3072),
        "output": init_dense(next(keys), 3072, 768),
    }


def init_transformer_encoder(key: Array) -> Params:
    """The parameters of the block `TransformerEncoder` as they start."""
    keys = iter(jax.random.split(key, 2))
    return {
        "attention": init_attention(next(keys)),
        "attention_norm": init_norm(768),
        "feed_forward": init_feed_forward(next(keys)),
        "feed_forward_norm": init_norm(768),
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    keys = iter(jax.random.split(key, 16))
    return {
        "layer_normalization": init_norm(768),
        "transformer_encoder": [
            init_transformer_encoder(next(keys)) for _ in range(12)
        ],
        "dense": init_dense(next(keys), 768, 768),
        "embedding": jax.random.uniform(
            next(keys), (30522, 768), minval=-0.05, maxval=0.05
        ),
        "embedding_1": jax.random.uniform(
            next(keys), (2, 768), minval=-0.05, maxval=0.05
        ),
        "positional_encoding": nn.initializers.glorot_uniform()(next(keys), (512, 768)),
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
