"""Whole models, written as Flax has them: parameters in trees, named scopes, layers from jax.nn and jax.lax."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case, case
from jax import lax


def _dense(r, inputs, outputs):
    return {"kernel": _weights(r, inputs, outputs) / np.sqrt(inputs), "bias": _weights(r, outputs) * 0.1}


def _weights(r, *shape):
    return r.normal(size=shape)


def _norm(r, size):
    return {"scale": 1 + _weights(r, size) * 0.1, "bias": _weights(r, size) * 0.1}


def dense(p, x):
    return x @ p["kernel"] + p["bias"]


def layer_norm(p, x, epsilon=1e-6):
    """Flax LayerNorm with use_fast_variance."""
    mean = x.mean(-1, keepdims=True)
    var = jnp.maximum(0.0, (x * x).mean(-1, keepdims=True) - mean * mean)
    return (x - mean) * (lax.rsqrt(var + epsilon) * p["scale"]) + p["bias"]


def batch_norm(p, s, x, epsilon=1e-5):
    return (x - s["mean"]) * (lax.rsqrt(s["var"] + epsilon) * p["scale"]) + p["bias"]


def conv(p, x, strides=(1, 1)):
    return (
        lax.conv_general_dilated(x, p["kernel"], strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        + p["bias"]
    )


def attention(p, x, mask=None):
    """Flax MultiHeadDotProductAttention: kernels [features, heads, depth], and [heads, depth, features]."""
    q, k, v = (
        jnp.einsum("bsd,dhk->bshk", x, p[name]["kernel"]) + p[name]["bias"] for name in ("query", "key", "value")
    )
    scores = jnp.einsum("bqhd,bkhd->bhqk", q / jnp.sqrt(q.shape[-1]).astype(q.dtype), k)
    if mask is not None:
        scores = jnp.where(mask, scores, jnp.finfo(scores.dtype).min)
    found = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v)
    return jnp.einsum("bqhd,hdm->bqm", found, p["out"]["kernel"]) + p["out"]["bias"]


def block(p, x, mask=None):
    with jax.named_scope("attention"):
        x = x + attention(p["attention"], layer_norm(p["norm_0"], x), mask)
    with jax.named_scope("mlp"):
        return x + dense(p["dense_1"], jax.nn.gelu(dense(p["dense_0"], layer_norm(p["norm_1"], x))))


def _block(r, size, heads):
    part = {
        "kernel": _weights(r, size, heads, size // heads) / np.sqrt(size),
        "bias": _weights(r, heads, size // heads) * 0.1,
    }
    return {
        "attention": {
            "query": part,
            "key": {**part, "bias": part["bias"] * 2},
            "value": {**part, "bias": part["bias"] * 3},
            "out": {"kernel": _weights(r, heads, size // heads, size) / np.sqrt(size), "bias": _weights(r, size) * 0.1},
        },
        "norm_0": _norm(r, size),
        "norm_1": _norm(r, size),
        "dense_0": _dense(r, size, 2 * size),
        "dense_1": _dense(r, 2 * size, size),
    }


@case
def mlp(r):
    p = {"layers": [_dense(r, 8, 16), _dense(r, 16, 16), _dense(r, 16, 3)]}

    def run(params, x):
        for i, layer in enumerate(params["layers"][:-1]):
            with jax.named_scope(f"dense_{i}"):
                x = jax.nn.relu(dense(layer, x))
        return jax.nn.softmax(dense(params["layers"][-1], x))

    return Case(run, (_f(r, 5, 8),), _floats(p), "batch, 8", ops=("dense", "relu", "softmax"))


def _f(r, *shape):
    return jnp.asarray(r.normal(size=shape))


def _floats(tree):
    return jax.tree_util.tree_map(jnp.asarray, tree)


@case
def cnn(r):
    p = {
        "params": {
            "Conv_0": {"kernel": _weights(r, 3, 3, 3, 8) / 5, "bias": _weights(r, 8)},
            "BatchNorm_0": _norm(r, 8),
            "Conv_1": {"kernel": _weights(r, 3, 3, 8, 8) / 8, "bias": _weights(r, 8)},
            "BatchNorm_1": _norm(r, 8),
            "Dense_0": _dense(r, 8 * 4 * 4, 10),
        },
        "batch_stats": {
            name: {"mean": _weights(r, 8), "var": abs(_weights(r, 8)) + 0.5} for name in ("BatchNorm_0", "BatchNorm_1")
        },
    }

    def run(variables, image):
        p, s, x = variables["params"], variables["batch_stats"], image
        x = jax.nn.relu(batch_norm(p["BatchNorm_0"], s["BatchNorm_0"], conv(p["Conv_0"], x)))
        x = lax.reduce_window(x, jnp.array(-jnp.inf, x.dtype), lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = jax.nn.relu(batch_norm(p["BatchNorm_1"], s["BatchNorm_1"], conv(p["Conv_1"], x)))
        x = lax.reduce_window(x, jnp.array(0, x.dtype), lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4
        return dense(p["Dense_0"], x.reshape(x.shape[0], -1))

    ops = ("average_pool", "batch_norm", "conv", "dense", "max_pool", "relu", "reshape")
    return Case(run, (_f(r, 2, 16, 16, 3),), _floats(p), "batch, ...", ops=ops)


@case
def lstm(r):
    p = {
        "embed": _weights(r, 11, 6),
        "wi": _weights(r, 6, 32) / 3,
        "wh": _weights(r, 8, 32) / 3,
        "b": _weights(r, 32),
        "head": _dense(r, 8, 11),
    }

    def cell(p, carry, x):
        c, h = carry
        i, f, g, o = jnp.split(x @ p["wi"] + h @ p["wh"] + p["b"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (c, h), h

    def run(p, tokens):
        x = p["embed"][tokens].swapaxes(0, 1)
        start = (jnp.zeros((tokens.shape[0], 8), x.dtype),) * 2
        (_, h), ys = lax.scan(lambda carry, x: cell(p, carry, x), start, x)
        return {"logits": dense(p["head"], h), "states": ys.swapaxes(0, 1)}

    return Case(run, (r.integers(0, 11, (3, 7)).astype(np.int32),), _floats(p), "batch, 7")


@case
def transformer_block(r):
    return Case(block, (_f(r, 2, 6, 16),), _floats(_block(r, 16, 4)), "batch, seq, 16")


@case
def vit(r):
    p = {
        "patch": {"kernel": _weights(r, 4, 4, 3, 16) / 7, "bias": _weights(r, 16)},
        "cls": _weights(r, 1, 1, 16),
        "position": _weights(r, 1, 17, 16),
        "blocks": [_block(r, 16, 2) for _ in range(2)],
        "norm": _norm(r, 16),
        "head": _dense(r, 16, 5),
    }

    def run(p, image):
        x = lax.conv_general_dilated(
            image, p["patch"]["kernel"], (4, 4), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        x = (x + p["patch"]["bias"]).reshape(x.shape[0], -1, 16)
        x = jnp.concatenate([jnp.broadcast_to(p["cls"], (x.shape[0], 1, 16)), x], 1) + p["position"]
        for i, part in enumerate(p["blocks"]):
            with jax.named_scope(f"block_{i}"):
                x = block(part, x)
        return dense(p["head"], layer_norm(p["norm"], x)[:, 0])

    return Case(run, (_f(r, 2, 16, 16, 3),), _floats(p), "batch, ...")


@case
def gpt_with_a_scan_over_layers(r):
    layers = [_block(r, 16, 4) for _ in range(3)]
    p = {
        "wte": _weights(r, 23, 16),
        "wpe": _weights(r, 12, 16),
        "norm": _norm(r, 16),
        "layers": jax.tree_util.tree_map(lambda *parts: np.stack(parts), *layers),
    }

    def run(p, tokens):
        size = tokens.shape[1]
        x = p["wte"][tokens] + p["wpe"][:size]
        mask = jnp.tril(jnp.ones((size, size), bool))
        x, _ = lax.scan(lambda x, part: (block(part, x, mask), None), x, p["layers"])
        return layer_norm(p["norm"], x) @ p["wte"].T

    return Case(run, (r.integers(0, 23, (2, 9)).astype(np.int32),), _floats(p), "batch, 9")


@case
def gpt_with_functions(r):
    """Blocks that jax keeps as a function of the module, since they are jitted themselves."""
    p = {"wte": _weights(r, 23, 16), "blocks": [_block(r, 16, 4) for _ in range(3)], "norm": _norm(r, 16)}
    step = jax.jit(block)

    def run(p, tokens):
        x, size = p["wte"][tokens], tokens.shape[1]
        mask = jnp.tril(jnp.ones((size, size), bool))
        for part in p["blocks"]:
            x = step(part, x, mask)
        return layer_norm(p["norm"], x) @ p["wte"].T

    return Case(run, (r.integers(0, 23, (2, 9)).astype(np.int32),), _floats(p), "batch, 9")
