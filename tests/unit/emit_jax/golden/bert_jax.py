"""The model `Bert` in JAX, written by neuralc."""

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


def attention(params: Params, x: Array, mask: Array, train: Training | None) -> Array:
    """Block `Attention`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""
    y = mask[:, None]  # (batch, 1, S)
    z = mask[..., None]  # (batch, S, 1)
    y = y & z  # (batch, S, S)
    z = x @ params["query"]["kernel"].reshape(768, 768)
    z = z + params["query"]["bias"].reshape(768)
    z = z.reshape(z.shape[0], z.shape[1], 12, 64)  # (batch, S, 12, 64)
    w = x @ params["key"]["kernel"].reshape(768, 768)
    w = w + params["key"]["bias"].reshape(768)
    w = w.reshape(w.shape[0], w.shape[1], 12, 64)  # (batch, S, 12, 64)
    v = x @ params["value"]["kernel"].reshape(768, 768)
    value = v + params["value"]["bias"].reshape(768)
    value = value.reshape(value.shape[0], value.shape[1], 12, 64)  # (batch, S, 12, 64)
    z = z * 0.125
    z = jnp.einsum("bqnh,bknh->bnqk", z, w)  # (batch, 12, S, S)
    y = y[:, None]  # (batch, 1, S, S)
    y = jnp.where(y, z, -1000000000.0)  # (batch, 12, S, S)
    y = nn.softmax(y)
    y = dropout(y, 0.1, train)
    y = jnp.einsum("bnqk,bknh->bqnh", y, value)  # (batch, S, 12, 64)
    y = y.reshape(y.shape[0], y.shape[1], 768)  # (batch, S, 768)
    y = y @ params["attention_output"]["kernel"].reshape(768, 768)
    y = y + params["attention_output"]["bias"]
    y = dropout(y, 0.1, train)
    return x + y


def feed_forward(params: Params, x: Array, train: Training | None) -> Array:
    """Block `FeedForward`: (batch, S, 768) -> (batch, S, 768)."""
    y = nn.gelu(dense(params["hidden"], x), approximate=False)  # (batch, S, 3072)
    y = dropout(y, 0.1, train)
    y = dense(params["output"], y)  # (batch, S, 768)
    y = dropout(y, 0.1, train)
    return x + y


def transformer_encoder(
    params: Params, x: Array, mask: Array, train: Training | None
) -> Array:
    """Block `TransformerEncoder`: (batch, S, 768), (batch, S) -> (batch, S, 768)."""
    x = attention(params["attention"], x, mask, train)
    x = layer_norm(params["attention_norm"], x)
    x = feed_forward(params["feed_forward"], x, train)
    return layer_norm(params["feed_forward_norm"], x)


@jax.default_matmul_precision("float32")
def forward(
    params: Params, ids: Array, segments: Array, train: Training | None = None
) -> tuple[Array, Array]:
    """Model `Bert`.

    ids (batch, S), segments (batch, S)
    -> sequence (batch, S, 768), pooled (batch, 768)
    """
    x = params["embedding"]["embeddings"][ids]  # (batch, S, 768)
    y = ids != 0
    z = params["embedding_1"]["embeddings"][segments]  # (batch, S, 768)
    x = x + z
    z = params["positional_encoding"]["embeddings"][: ids.shape[1]]  # (S, 768)
    x = x + z
    x = layer_norm(params["layer_normalization"], x)
    x = dropout(x, 0.1, train)
    for block in params["transformer_encoder"]:
        x = transformer_encoder(block, x, y, train)
    y = x[:, :1]  # (batch, 1, 768)
    y = y.reshape(-1, 768)  # (batch, 768)
    y = jnp.tanh(dense(params["dense"], y))
    return x, y


def train_forward(
    params: Params, ids: Array, segments: Array, key: Array
) -> tuple[Array, Array]:
    """The results in training."""
    return forward(params, ids, segments, Training(key))


def init_attention(key: Array) -> Params:
    """The parameters of the block `Attention` as they start."""
    keys = iter(jax.random.split(key, 4))
    return {
        "query": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (768, 12, 64)),
            "bias": jnp.zeros((12, 64)),
        },
        "key": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (768, 12, 64)),
            "bias": jnp.zeros((12, 64)),
        },
        "value": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (768, 12, 64)),
            "bias": jnp.zeros((12, 64)),
        },
        "attention_output": {
            "kernel": nn.initializers.glorot_uniform()(next(keys), (12, 64, 768)),
            "bias": jnp.zeros(768),
        },
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
        "embedding": {
            "embeddings": jax.random.uniform(
                next(keys), (30522, 768), minval=-0.05, maxval=0.05
            ),
        },
        "embedding_1": {
            "embeddings": jax.random.uniform(
                next(keys), (2, 768), minval=-0.05, maxval=0.05
            ),
        },
        "positional_encoding": {
            "embeddings": nn.initializers.glorot_uniform()(next(keys), (512, 768)),
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
