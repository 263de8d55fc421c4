"""Ops of each element, conversions, comparisons, choices."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case, case
from jax import lax


def _floats(r, *shape):
    return r.normal(size=shape)


FUNCTIONS = (
    jnp.abs,
    jnp.ceil,
    jnp.cos,
    jnp.exp,
    jnp.floor,
    jnp.sin,
    jnp.tan,
    jnp.tanh,
    jnp.sign,
    jnp.negative,
    jnp.round,
    jax.nn.sigmoid,
    lax.round,
    jnp.cbrt,
    jnp.expm1,
    jnp.arctan,
    jnp.arcsinh,
    jnp.sinh,
    jnp.cosh,
    lax.erf,
    lax.erfc,
    jnp.square,
    jnp.isfinite,
    jnp.isinf,
    jnp.isnan,
)


@case
def functions(r):
    x = np.concatenate([_floats(r, 20) * 3, [0.0, 0.5, -0.5, 1.5, 2.5, 1e-12, -1e-9]])
    return Case(lambda x: [f(x) for f in FUNCTIONS], (x,))


@case
def functions_of_positive_numbers(r):
    x = np.abs(_floats(r, 20)) + 0.1
    return Case(lambda x: [jnp.log(x), jnp.sqrt(x), lax.rsqrt(x), jnp.log1p(x), jnp.arccosh(x + 1)], (x,))


@case
def functions_within_one(r):
    x = r.uniform(-0.9, 0.9, 20)
    return Case(lambda x: [jnp.arcsin(x), jnp.arccos(x), jnp.arctanh(x), jnp.log1p(x * 1e-6), jnp.log1p(x)], (x,))


@case
def values_that_are_not_finite(r):
    x = np.array([np.inf, -np.inf, np.nan, 1.0, 0.0, 1e300])
    return Case(
        lambda x: [
            jnp.isfinite(x),
            jnp.isinf(x),
            jnp.isposinf(x),
            jnp.isneginf(x),
            jnp.expm1(x),
            jnp.maximum(x, 0),
            jnp.log1p(x),
        ],
        (x,),
    )


@case
def arithmetic(r):
    x, y = _floats(r, 4, 5), _floats(r, 4, 5)
    return Case(
        lambda x, y: [
            x + y,
            x - y,
            x * y,
            x / y,
            jnp.maximum(x, y),
            jnp.minimum(x, y),
            jnp.abs(x) ** y,
            lax.rem(x, y),
            x % y,
        ],
        (x, y),
    )


@case
def broadcasting(r):
    x, y = _floats(r, 4, 5), _floats(r, 5)
    return Case(lambda x, y: (x + y) * y[None, :2, None].sum() - 3.0, (x, y))


@case
def bias_needs_no_broadcast(r):
    return Case(lambda p, x: x + p["b"], (_floats(r, 4, 5),), {"b": _floats(r, 5)}, ops=("add",))


@case
def bias_along_the_first_dim(r):
    return Case(lambda p, x: x + p["b"][:, None], (_floats(r, 4, 5),), {"b": _floats(r, 4)}, ops=("add", "reshape"))


@case
def arctan2(r):
    y, x = _floats(r, 30), _floats(r, 30)
    x[:3], y[3:6], x[6] = 0, 0, 0
    return Case(jnp.arctan2, (y, x))


@case
def integers(r):
    x, y = r.integers(-50, 50, 40).astype(np.int32), r.integers(1, 9, 40).astype(np.int32)
    return Case(
        lambda x, y: [
            x + y,
            x * y,
            x // y,
            x % y,
            lax.div(x, y),
            lax.rem(x, y),
            x & y,
            x | y,
            x ^ y,
            ~x,
            -x,
            jnp.abs(x),
            jnp.sign(x),
        ],
        (x, y),
    )


@case
def shifts(r):
    x, y = r.integers(-(2**31), 2**31, 40).astype(np.int32), r.integers(0, 31, 40).astype(np.int32)
    return Case(
        lambda x, y: [x << y, x >> y, lax.shift_right_logical(x, y), x.view(jnp.uint32) >> 3, lax.population_count(x)],
        (x, y),
    )


@case
def truth_values(r):
    x, y = r.random(20) < 0.5, r.random(20) < 0.5
    return Case(
        lambda x, y: [
            x & y,
            x | y,
            x ^ y,
            ~x,
            x == y,
            x != y,
            x < y,
            x <= y,
            x > y,
            x >= y,
            x + y,
            jnp.maximum(x, y),
            x * y,
        ],
        (x, y),
    )


@case
def comparisons(r):
    x, y = r.integers(0, 3, (3, 4)).astype(float), r.integers(0, 3, (3, 4)).astype(float)
    return Case(lambda x, y: [x == y, x != y, x < y, x <= y, x > y, x >= y], (x, y))


@case
def choices(r):
    x, y = _floats(r, 3, 4), _floats(r, 3, 4)
    return Case(lambda x, y: [jnp.where(x > y, x, y), jnp.where(x[0, 0] > 0, x, y), jnp.where(x > 0, x, 7.0)], (x, y))


@case
def clamps(r):
    return Case(lambda x: [jnp.clip(x, -0.5, 0.5), lax.clamp(0.0, x, 1.0), jax.nn.relu6(x * 8)], (_floats(r, 20),))


@case
def conversions(r):
    x = _floats(r, 20) * 9
    return Case(
        lambda x: (
            [x.astype(t) for t in (jnp.int32, jnp.int8, jnp.bool_, jnp.int64)]
            + [(x > 0).astype(jnp.float64), (x > 0).astype(jnp.int32)]
        ),
        (x,),
    )


@case
def rounded_to_half(r):
    """Values that float16 holds exactly: the exact reference does not round."""
    x = np.array([0.5, 1.25, -3.0, 1024.0])
    return Case(lambda x: lax.reduce_precision(x, 5, 10), (x,))


@case
def bits(r):
    return Case(lambda x: lax.bitcast_convert_type(x, jnp.int64), (r.integers(-9, 9, 5).astype(np.uint64),))
