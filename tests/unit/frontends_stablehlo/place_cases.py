"""Reads and writes at places that are values; sorts."""

import jax.numpy as jnp
import numpy as np
from cases import Case, case
from jax import lax


@case
def take(r):
    x, i = r.normal(size=(5, 4)), r.integers(-5, 5, (2, 3))
    return Case(
        lambda x, i: [jnp.take(x, i, 0), x[i], x[:, i % 4], jnp.take(x, i, 0, mode="clip"), x[i[0], :2]], (x, i)
    )


@case
def take_outside(r):
    x, i = r.normal(size=(5, 4)), np.array([-9, 7, 2])
    return Case(
        lambda x, i: [jnp.take(x, i, 0), jnp.take(x, i, 0, mode="clip"), jnp.take(x, i, 0, mode="wrap"), x[i]], (x, i)
    )


@case
def embedding(r):
    return Case(
        lambda p, i: p["table"][i],
        (r.integers(0, 7, (2, 5)).astype(np.int32),),
        {"table": r.normal(size=(7, 3))},
        "b, s",
    )


@case
def take_at_argmax_is_one_gather(r):
    x = r.normal(size=(5, 4))
    return Case(lambda p, x: p[jnp.argmax(x, 1)], (x,), r.normal(size=(4, 3)), ops=("arg_reduce", "cast", "gather"))


@case
def take_along_axis(r):
    x = r.normal(size=(3, 5, 2))
    i = r.integers(0, 5, (3, 2, 2))
    return Case(lambda x, i: [jnp.take_along_axis(x, i, 1), jnp.take_along_axis(x, i[:, :1, :1], 1)], (x, i))


@case
def several_indices(r):
    x, i, j = r.normal(size=(5, 4, 3)), r.integers(0, 4, (2, 3)), r.integers(0, 3, (2, 3))
    return Case(lambda x, i, j: [x[i, i], x[i, :, j], x[:, i, j], x[i[0], j[0], 1], x[i, 1:3]], (x, i, j))


@case
def windows_at_places(r):
    x, i = r.normal(size=(6, 5)), r.integers(-1, 6, (3, 2))

    def windows(x, i):
        dims = lax.GatherDimensionNumbers(offset_dims=(1, 2), collapsed_slice_dims=(), start_index_map=(0, 1))
        return lax.gather(x, i, dims, slice_sizes=(2, 3), mode="clip")

    return Case(windows, (x, i))


@case
def gathers_of_batches(r):
    import jax

    x, i = r.normal(size=(3, 6, 5)), r.integers(0, 6, (3, 4))
    return Case(jax.vmap(lambda x, i: x[i]), (x, i))


@case
def slices_at_places(r):
    x, i = r.normal(size=(6, 5)), np.int32(2)
    return Case(
        lambda x, i: [
            lax.dynamic_slice(x, (i, i * 0), (2, 5)),
            lax.dynamic_slice(x, (i, i), (2, 3)),
            lax.dynamic_slice(x, (i + 9, -i), (1, 3)),
            lax.dynamic_index_in_dim(x, i, 1),
            x[i],
            x[-i],
            lax.dynamic_slice(x, (1, 2), (2, 2)),
        ],
        (x, i),
    )


@case
def updates_of_slices(r):
    x, u, i = r.normal(size=(6, 5)), r.normal(size=(2, 3)), np.int32(2)
    return Case(
        lambda x, u, i: [
            lax.dynamic_update_slice(x, u, (i, i)),
            lax.dynamic_update_slice(x, u, (i + 9, -i)),
            lax.dynamic_update_slice(x, u, (1, 2)),
            lax.dynamic_update_index_in_dim(x, x[0], i, 0),
            x.at[i].set(0.0),
            x.at[1:3].set(1.0),
            x.at[:, 2].set(x[:, 0]),
        ],
        (x, u, i),
    )


@case
def scatters(r):
    x, i, u = r.normal(size=(6, 4)), np.array([0, 3, 3, -1]), r.normal(size=(4, 4))
    return Case(
        lambda x, i, u: [
            x.at[i].add(u),
            x.at[i].max(u),
            x.at[i].min(u),
            x.at[i].mul(u),
            x.at[i[:2]].set(u[:2]),
            x.at[i, i].add(1.0),
            x.at[:, i].add(u[:1, :].repeat(6, 0)),
            x.at[i + 9].add(u),
            x.at[jnp.array([1, 2])].add(u[:2]),
        ],
        (x, i, u),
    )


@case
def scatter_of_windows(r):
    x, i, u = r.normal(size=(6, 5)), np.array([[0, 1], [2, 2], [5, 0]]), r.normal(size=(3, 2, 3))

    def windows(x, i, u):
        dims = lax.ScatterDimensionNumbers(
            update_window_dims=(1, 2), inserted_window_dims=(), scatter_dims_to_operand_dims=(0, 1)
        )
        return lax.scatter_add(x, i, u, dims, mode="drop")

    return Case(windows, (x, i, u))


@case
def scatters_of_batches(r):
    import jax

    x, i, u = r.normal(size=(3, 6, 5)), r.integers(0, 6, (3, 4)), r.normal(size=(3, 4, 5))
    return Case(jax.vmap(lambda x, i, u: x.at[i].add(u)), (x, i, u))


@case
def one_hot(r):
    import jax

    return Case(lambda i: jax.nn.one_hot(i, 5), (r.integers(0, 5, (2, 3)),))


@case
def sorts(r):
    x = r.integers(0, 5, (3, 6)).astype(float)
    x[0, 1] = np.nan
    return Case(
        lambda x: [
            jnp.sort(x),
            jnp.sort(x, 0),
            jnp.argsort(x),
            jnp.argsort(x, descending=True),
            jnp.sort(x, descending=True),
            jnp.sort((x[1:] * 2).astype(jnp.int32), 1),
            lax.sort((x, x * 2), num_keys=1)[1],
            jnp.median(x[1:], 1),
        ],
        (x,),
    )


@case
def sort_is_one_op(r):
    return Case(jnp.sort, (r.normal(size=(3, 6)),), ops=("top_k",))


@case
def largest_values(r):
    return Case(lambda x: [*lax.top_k(x, 3), *lax.top_k(-x, 1)], (r.normal(size=(3, 6)),))
