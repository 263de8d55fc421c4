"""Layers that jax spells out: each has to become one op again."""

import jax
import jax.numpy as jnp
from cases import Case, case
from jax import lax


@case
def softmax(r):
    return Case(lambda x: jax.nn.softmax(x), (r.normal(size=(3, 5)),), dynamic="b, 5", ops=("softmax",))


@case
def softmax_in_the_middle(r):
    return Case(lambda x: jax.nn.softmax(x, 1), (r.normal(size=(3, 5, 2)),), ops=("softmax",))


@case
def softmax_by_hand(r):
    def softmax(x):
        e = jnp.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    return Case(softmax, (r.normal(size=(3, 5)),), ops=("softmax",))


@case
def log_softmax(r):
    return Case(lambda x: jax.nn.log_softmax(x), (r.normal(size=(3, 5)),), dynamic="b, 5", ops=("log_softmax",))


@case
def gelu(r):
    return Case(lambda x: jax.nn.gelu(x, approximate=False), (r.normal(size=(3, 5)),), ops=("gelu",))


@case
def gelu_tanh(r):
    return Case(lambda x: jax.nn.gelu(x), (r.normal(size=(3, 5)),), ops=("gelu",))


@case
def gelu_by_erf(r):
    return Case(lambda x: x * 0.5 * (1 + lax.erf(x / jnp.sqrt(2.0))), (r.normal(size=(3, 5)),), ops=("gelu",))


@case
def silu(r):
    return Case(lambda x: jax.nn.silu(x), (r.normal(size=(3, 5)),), dynamic="b, 5", ops=("silu",))


@case
def sigmoid_by_hand(r):
    return Case(lambda x: 1 / (1 + jnp.exp(-x)), (r.normal(size=(3, 5)),), ops=("sigmoid",))


@case
def relu(r):
    return Case(lambda x: jax.nn.relu(x), (r.normal(size=(3, 5)),), dynamic="b, 5", ops=("relu",))


@case
def relu6(r):
    return Case(lambda x: jax.nn.relu6(x * 5), (r.normal(size=(3, 5)),), ops=("constant", "mul", "relu6"))


@case
def activations_of_several_ops(r):
    x = r.normal(size=(3, 5))
    names = (
        "softplus",
        "elu",
        "selu",
        "leaky_relu",
        "hard_sigmoid",
        "hard_swish",
        "hard_tanh",
        "mish",
        "celu",
        "glu",
        "logsumexp",
        "soft_sign",
    )
    return Case(lambda x: [getattr(jax.nn, name)(x[:, :4]) for name in names], (x,))


@case
def layer_norm(r):
    def norm(p, x):
        mean = x.mean(-1, keepdims=True)
        var = ((x - mean) ** 2).mean(-1, keepdims=True)
        return (x - mean) * lax.rsqrt(var + 1e-6) * p["scale"] + p["bias"]

    p = {"scale": r.normal(size=5), "bias": r.normal(size=5)}
    return Case(norm, (r.normal(size=(3, 5)),), p, "b, 5", ops=("layer_norm",))


@case
def layer_norm_by_var(r):
    def norm(p, x):
        return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5) * p["scale"] + p["bias"]

    p = {"scale": r.normal(size=5), "bias": r.normal(size=5)}
    return Case(norm, (r.normal(size=(3, 2, 5)),), p, ops=("layer_norm",))


def fast_norm(p, x):
    """As Flax computes it: the variance from the mean of squares, the scale multiplied into the root first."""
    mean = x.mean(-1)
    var = jnp.maximum(0.0, (x * x).mean(-1) - mean * mean)
    mean, var = jnp.expand_dims(mean, -1), jnp.expand_dims(var, -1)
    mul = lax.rsqrt(var + 1e-6) * p["scale"].reshape(1, 1, -1)
    return (x - mean) * mul + p["bias"].reshape(1, 1, -1)


@case
def layer_norm_of_flax(r):
    p = {"scale": r.normal(size=5), "bias": r.normal(size=5)}
    return Case(fast_norm, (r.normal(size=(3, 2, 5)),), p, "b, s, 5", ops=("layer_norm",))


@case
def rms_norm(r):
    def norm(p, x):
        return x * lax.rsqrt((x**2).mean(-1, keepdims=True) + 1e-6) * p

    return Case(norm, (r.normal(size=(3, 5)),), r.normal(size=5), ops=("rms_norm",))


@case
def batch_norm(r):
    def norm(p, x):
        mul = lax.rsqrt(p["var"].reshape(1, 1, 1, -1) + 1e-5) * p["scale"].reshape(1, 1, 1, -1)
        return (x - p["mean"].reshape(1, 1, 1, -1)) * mul + p["bias"].reshape(1, 1, 1, -1)

    p = {name: abs(r.normal(size=3)) + 0.1 for name in ("mean", "var", "scale", "bias")}
    return Case(norm, (r.normal(size=(2, 4, 4, 3)),), p, "b, ...", ops=("batch_norm",))


@case
def dense_layer(r):
    p = {"kernel": r.normal(size=(5, 4)), "bias": r.normal(size=4)}
    return Case(lambda p, x: x @ p["kernel"] + p["bias"], (r.normal(size=(3, 5)),), p, "b, 5", ops=("dense",))


@case
def conv_layer(r):
    p = {"kernel": r.normal(size=(3, 3, 3, 4)), "bias": r.normal(size=4)}

    def layer(p, x):
        y = lax.conv_general_dilated(x, p["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return y + p["bias"]

    return Case(layer, (r.normal(size=(2, 6, 6, 3)),), p, "b, ...", ops=("conv",))
