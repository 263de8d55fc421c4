"""Loops, recurrences, choices, functions."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case, case
from jax import lax


@case
def scan_is_a_scan(r):
    def run(w, x, h):
        return lax.scan(lambda h, x: ((n := jnp.tanh(x + h @ w)), n), h, x)

    return Case(
        run, (r.normal(size=(5, 2, 3)), np.zeros((2, 3))), r.normal(size=(3, 3)), ops=("add", "dense", "scan", "tanh")
    )


@case
def scan_backwards(r):
    return Case(lambda x: lax.scan(lambda h, x: (h * 0.5 + x, h), x[0], x, reverse=True), (r.normal(size=(5, 3)),))


@case
def scan_over_several(r):
    x, y = r.normal(size=(5, 3)), r.normal(size=(5, 2))
    return Case(lambda x, y: lax.scan(lambda h, z: (h + z[0].sum(), {"a": z[1] * h, "b": h}), 1.0, (x, y)), (x, y))


@case
def scan_without_values(r):
    return Case(lambda x: lax.scan(lambda h, _: (h * 1.1, h), x, None, length=4), (r.normal(size=(3,)),))


@case
def scan_over_an_open_batch(r):
    return Case(
        lambda x: lax.scan(lambda h, x: (h + x, h), x[:, 0], x.transpose(1, 0, 2)),
        (r.normal(size=(2, 5, 3)),),
        dynamic="b, 5, 3",
    )


@case
def scan_of_scans(r):
    x = r.normal(size=(3, 4, 2))
    return Case(lambda x: lax.scan(lambda h, x: lax.scan(lambda h, x: (h + x, h * x), h, x), x[0, 0], x), (x,))


@case
def scan_unrolled(r):
    return Case(lambda x: lax.scan(lambda h, x: (h + x, h), x[0], x, unroll=2), (r.normal(size=(6, 3)),))


@case
def scan_that_reads_all_in_each_round(r):
    x = r.normal(size=(4, 3))
    return Case(lambda x: lax.scan(lambda h, y: (h + y + x.sum(0), h), x[0], x), (x,))


@case
def map_over_rows(r):
    return Case(lambda x: lax.map(lambda row: row.max() - row, x), (r.normal(size=(4, 3)),))


@case
def fori_loop(r):
    return Case(
        lambda x: [
            lax.fori_loop(0, 5, lambda i, x: x * 0.9 + i, x),
            lax.fori_loop(2, 5, lambda i, x: x + i, x),
            lax.fori_loop(0, 3, lambda i, x: x.at[i].add(1.0), x),
        ],
        (r.normal(size=(4,)),),
    )


@case
def fori_loop_as_often_as_a_value_says(r):
    return Case(lambda x, n: lax.fori_loop(0, n, lambda i, x: x * 0.9 + i, x), (r.normal(size=(4,)), np.int32(3)))


@case
def while_loop(r):
    return Case(
        lambda x: lax.while_loop(lambda v: v[0] < 10, lambda v: (v[0] * 2 + 1, v[1] + v[0]), (x.sum() * 0 + 1, x)),
        (r.normal(size=(3,)),),
    )


@case
def cond(r):
    x = r.normal(size=(3,))
    return Case(lambda x: [lax.cond(x[0] > s, lambda x: x * 2, lambda x: x - 1, x) for s in (-9.0, 9.0)], (x,))


@case
def cond_with_an_outer_value(r):
    return Case(
        lambda x: lax.cond(x.sum() > 0, lambda: x.max(), lambda: x.min()),
        (r.normal(size=(3,)),),
        ops=("constant", "greater", "if", "reduce"),
    )


@case
def switch(r):
    fs = [lambda x: x, lambda x: x * 2, lambda x: -x]
    return Case(lambda x, i: [lax.switch(i + k, fs, x) for k in (-2, 0, 1, 5)], (r.normal(size=(3,)), np.int32(1)))


@case
def functions_of_functions(r):
    inner = jax.jit(lambda x, w: jnp.tanh(x @ w))
    outer = jax.jit(lambda x, w: inner(inner(x, w), w))
    return Case(lambda w, x: outer(outer(x, w), w), (r.normal(size=(2, 3)),), r.normal(size=(3, 3)))


@case
def custom_derivative(r):
    @jax.custom_jvp
    def f(x):
        return jnp.sin(x) * 2

    f.defjvp(lambda primals, tangents: (f(*primals), tangents[0]))
    return Case(lambda x: jax.checkpoint(f)(x), (r.normal(size=(3,)),))


@case
def vmapped_loop(r):
    return Case(jax.vmap(lambda x: lax.fori_loop(0, 3, lambda i, x: x * 0.5 + i, x)), (r.normal(size=(4, 2)),))


@case
def gradient_of_a_loss(r):
    """A gradient is a function as any other one, as far as its ops are."""
    p = {"w": r.normal(size=(3, 2))}
    return Case(lambda p, x: jax.grad(lambda p: jnp.sum(jnp.tanh(x @ p["w"]) ** 2))(p), (r.normal(size=(4, 3)),), p)
