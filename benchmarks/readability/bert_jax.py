"""BERT-base in JAX: Devlin et al. 2019, section 3. Token 0 is padding."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax, nn
from jax.tree_util import keystr
from safetensors.flax import load_file, save_file

Params = dict[str, Any]

glorot = nn.initializers.glorot_uniform()


def dense(params: Params, x: Array) -> Array:
    """x [.., in] times a kernel [in, units]."""
    return x @ params["kernel"] + params["bias"]


def layer_norm(params: Params, x: Array) -> Array:
    """x standardized along its last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-12) * params["scale"] + params["offset"]


def dropout(key: Array | None, x: Array) -> Array:
    """A tenth of the values as 0, the rest scaled up; without a key all of them."""
    if key is None:
        return x
    return jnp.where(jax.random.bernoulli(key, 0.9, x.shape), x / 0.9, 0)


def split(key: Array | None, count: int) -> Any:
    """Keys for parts; none without a key."""
    return [None] * count if key is None else jax.random.split(key, count)


def attention(params: Params, x: Array, mask: Array, key: Array | None) -> Array:
    """Twelve heads: (batch, S, 768), mask (batch, S) -> (batch, S, 768)."""
    query, keys, values = (
        jnp.einsum("bsd,dnh->bsnh", x, params[name]["kernel"]) + params[name]["bias"]
        for name in ("query", "key", "value")
    )
    scores = jnp.einsum("bqnh,bknh->bnqk", query, keys) / 8
    # A row that is masked as a whole attends to all alike, so no -inf.
    mask = mask[:, None, :, None] & mask[:, None, None, :]
    weights = dropout(key, nn.softmax(jnp.where(mask, scores, -1e9)))
    x = jnp.einsum("bnqk,bknh->bqnh", weights, values)
    output = params["output"]
    return jnp.einsum("bsnh,nhd->bsd", x, output["kernel"]) + output["bias"]


def feed_forward(params: Params, x: Array, key: Array | None) -> Array:
    """(batch, S, 768) -> (batch, S, 768)."""
    x = nn.gelu(dense(params["hidden"], x), approximate=False)
    return dense(params["output"], dropout(key, x))


def encoder_layer(params: Params, x: Array, mask: Array, key: Array | None) -> Array:
    """Figure 1 of Vaswani et al. 2017, left: (batch, S, 768) -> (batch, S, 768)."""
    keys = split(key, 4)
    y = dropout(keys[0], attention(params["attention"], x, mask, keys[1]))
    x = layer_norm(params["attention_norm"], x + y)
    y = dropout(keys[2], feed_forward(params["feed_forward"], x, keys[3]))
    return layer_norm(params["feed_forward_norm"], x + y)


def forward(
    params: Params, ids: Array, segments: Array, key: Array | None = None
) -> tuple[Array, Array]:
    """ids, segments (batch, S) -> sequence (batch, S, 768), pooled (batch, 768).

    With a key it drops values out, as in training.
    """
    first, *keys = split(key, 13)
    x = params["words"][ids] + params["segments"][segments]  # (batch, S, 768)
    x = layer_norm(params["norm"], x + params["positions"][: ids.shape[1]])
    x = dropout(first, x)
    mask = ids != 0
    for layer, own in zip(params["layers"], keys, strict=True):
        x = encoder_layer(layer, x, mask, own)
    return x, jnp.tanh(dense(params["pooler"], x[:, 0]))


def init_dense(key: Array, inputs: int, units: int) -> Params:
    """A kernel [inputs, units] and a bias."""
    return {"kernel": glorot(key, (inputs, units)), "bias": jnp.zeros(units)}


def init_heads(key: Array) -> Params:
    """A kernel [in, heads, size] and a bias."""
    return {"kernel": glorot(key, (768, 12, 64)), "bias": jnp.zeros((12, 64))}


def init_norm() -> Params:
    """Scale and offset."""
    return {"scale": jnp.ones(768), "offset": jnp.zeros(768)}


def init_embedding(key: Array, count: int) -> Array:
    """A table [count, 768]."""
    return jax.random.uniform(key, (count, 768), minval=-0.05, maxval=0.05)


def init_encoder_layer(key: Array) -> Params:
    """The parameters of a layer of the encoder as they start."""
    keys = jax.random.split(key, 6)
    output = {"kernel": glorot(keys[3], (12, 64, 768)), "bias": jnp.zeros(768)}
    return {
        "attention": {
            "query": init_heads(keys[0]),
            "key": init_heads(keys[1]),
            "value": init_heads(keys[2]),
            "output": output,
        },
        "attention_norm": init_norm(),
        "feed_forward": {
            "hidden": init_dense(keys[4], 768, 3072),
            "output": init_dense(keys[5], 3072, 768),
        },
        "feed_forward_norm": init_norm(),
    }


def init(key: Array) -> Params:
    """The parameters of the model as they start."""
    words, segments, positions, pooler, *keys = jax.random.split(key, 16)
    return {
        "words": init_embedding(words, 30522),
        "segments": init_embedding(segments, 2),
        "positions": glorot(positions, (512, 768)),
        "norm": init_norm(),
        "layers": [init_encoder_layer(each) for each in keys],
        "pooler": init_dense(pooler, 768, 768),
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
