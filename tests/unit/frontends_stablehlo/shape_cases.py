"""Views, paddings, joins; products and convolutions of all forms; reductions and windows."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import Case, case
from jax import lax


@case
def views(r):
    x = r.normal(size=(2, 3, 4))
    return Case(
        lambda x: [
            x.reshape(6, 4),
            x.transpose(2, 0, 1),
            x[:, 1:, ::2],
            x[::-1, :, ::-1],
            x[None],
            jnp.squeeze(x[:1]),
            jnp.moveaxis(x, 0, -1),
        ],
        (x,),
    )


@case
def joins(r):
    x, y = r.normal(size=(2, 3)), r.normal(size=(2, 3))
    return Case(
        lambda x, y: [
            jnp.concatenate([x, y], 1),
            jnp.stack([x, y]),
            jnp.tile(x, (2, 1)),
            jnp.repeat(x, 2, 1),
            jnp.split(x, 3, 1),
            jnp.roll(x, 1, 1),
        ],
        (x, y),
    )


@case
def pads(r):
    x = r.normal(size=(3, 4))
    return Case(
        lambda x: [
            jnp.pad(x, ((1, 2), (0, 1))),
            lax.pad(x, 2.0, ((-1, 1, 0), (2, -1, 0))),
            lax.pad(x, 0.0, ((1, 0, 2), (0, 2, 1))),
            lax.pad(x, x[0, 0], ((1, 0, 0), (0, 0, 0))),
            jnp.pad(x, 1, mode="edge"),
            jnp.pad(x, 1, mode="reflect"),
        ],
        (x,),
    )


@case
def counts_and_masks(r):
    x = r.normal(size=(4, 4))
    return Case(
        lambda x: [jnp.tril(x), jnp.triu(x, 1), x + jnp.arange(4), jnp.eye(4) @ x, jnp.linspace(0, 1, 4) * x], (x,)
    )


@case
def broadcast_to(r):
    x = r.normal(size=(3, 1))
    return Case(
        lambda x: [jnp.broadcast_to(x, (2, 3, 4)), jnp.ones((2, 2)) * 3, lax.broadcast_in_dim(x[:, 0], (3, 5), (0,))],
        (x,),
    )


@case
def matrix_products(r):
    x, y = r.normal(size=(2, 3, 4)), r.normal(size=(2, 4, 5))
    return Case(lambda x, y: [x @ y, x[0] @ y[0], x[0] @ y[0, :, 0], x[0, 0] @ y[0, :, 0], x @ y[0]], (x, y))


@case
def einsums(r):
    q, k = r.normal(size=(2, 5, 3, 4)), r.normal(size=(2, 6, 3, 4))
    return Case(
        lambda q, k: [
            jnp.einsum("bqhd,bkhd->bhqk", q, k),
            jnp.einsum("bqhd,bkhd->bqk", q, k),
            jnp.einsum("bqhd->hq", q),
            jnp.tensordot(q, k, axes=([0, 2, 3], [0, 2, 3])),
            jnp.einsum("bqhd,bkhd->hkqb", q, k),
        ],
        (q, k),
    )


@case
def scores_are_one_einsum(r):
    q, k = r.normal(size=(2, 5, 3, 4)), r.normal(size=(2, 6, 3, 4))
    return Case(lambda q, k: jnp.einsum("bqhd,bkhd->bhqk", q, k), (q, k), ops=("einsum",))


@case
def dense_with_many_dims(r):
    p = {"kernel": r.normal(size=(4, 2, 3)), "bias": r.normal(size=(2, 3))}
    return Case(lambda p, x: jnp.einsum("bsd,dhk->bshk", x, p["kernel"]) + p["bias"], (r.normal(size=(2, 5, 4)),), p)


@case
def transposed_kernel_of_dense(r):
    return Case(lambda p, x: x @ p.T, (r.normal(size=(2, 5)),), r.normal(size=(3, 5)), ops=("dense", "transpose"))


@case
def product_of_integers(r):
    x, y = r.integers(-100, 100, (3, 4)).astype(np.int8), r.integers(-100, 100, (4, 5)).astype(np.int8)
    return Case(lambda x, y: lax.dot(x, y, preferred_element_type=jnp.int32), (x, y))


def _conv(r, x, k, *args, **options):
    return Case(
        lambda p, x: lax.conv_general_dilated(x, p["kernel"], *args, **options),
        (r.normal(size=x),),
        {"kernel": r.normal(size=k)},
    )


@case
def conv_channels_last(r):
    return _conv(r, (2, 7, 8, 3), (3, 3, 3, 4), (2, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


@case
def conv_channels_first(r):
    return _conv(r, (2, 3, 7, 8), (4, 3, 3, 3), (1, 2), "VALID")


@case
def conv_mixed_layouts(r):
    return _conv(r, (7, 3, 2, 8), (3, 4, 3, 3), (1, 1), [(1, 0), (2, 1)], dimension_numbers=("HCNW", "IOHW", "NWHC"))


@case
def conv_one_dim(r):
    return _conv(r, (2, 9, 3), (3, 3, 4), (2,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"))


@case
def conv_three_dims(r):
    return _conv(r, (1, 5, 4, 6, 2), (3, 2, 3, 2, 3), (1, 1, 2), "SAME", dimension_numbers=("NDHWC", "DHWIO", "NDHWC"))


@case
def conv_with_groups(r):
    return _conv(
        r, (2, 7, 8, 4), (3, 3, 2, 6), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=2
    )


@case
def conv_depthwise(r):
    return _conv(
        r, (2, 7, 8, 4), (3, 3, 1, 8), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=4
    )


@case
def conv_with_holes(r):
    return _conv(
        r, (2, 9, 9, 3), (3, 3, 3, 4), (1, 1), "SAME", rhs_dilation=(2, 3), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@case
def conv_of_a_spread_operand(r):
    return _conv(
        r,
        (2, 5, 4, 3),
        (3, 3, 3, 4),
        (1, 1),
        [(2, 2), (1, 3)],
        lhs_dilation=(2, 3),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@case
def conv_of_a_spread_operand_in_groups(r):
    return _conv(
        r,
        (2, 5, 4, 4),
        (3, 3, 2, 4),
        (1, 2),
        [(2, 2), (1, 3)],
        lhs_dilation=(2, 1),
        feature_group_count=2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


@case
def conv_with_negative_pads(r):
    return _conv(r, (2, 7, 8, 3), (3, 3, 3, 4), (1, 1), [(-1, 1), (0, -2)], dimension_numbers=("NHWC", "HWIO", "NHWC"))


@case
def conv_transpose(r):
    x, k = r.normal(size=(2, 5, 4, 3)), r.normal(size=(3, 3, 3, 4))
    return Case(
        lambda p, x: (
            [lax.conv_transpose(x, p, (2, 2), pad) for pad in ("SAME", "VALID")]
            + [lax.conv_transpose(x, jnp.swapaxes(p, 2, 3), (3, 2), "SAME", transpose_kernel=True)]
        ),
        (x,),
        k,
    )


@case
def reductions(r):
    x = r.normal(size=(3, 4, 5))
    return Case(
        lambda x: [
            x.sum(),
            x.sum(1),
            x.mean((0, 2)),
            x.max(-1),
            x.min(0),
            x.prod(2),
            jnp.any(x > 1, 0),
            jnp.all(x > -1, (1, 2)),
            x.var(-1),
            x.std(0),
            jnp.argmax(x, 1),
            jnp.argmin(x, -1),
            jnp.argmax(x),
            (x > 0).sum(1),
            jnp.nanmax(x, 1),
        ],
        (x,),
    )


@case
def argmax_of_equal_values_and_nan(r):
    x = np.array([[1.0, 3.0, 3.0, 2.0], [np.nan, 1.0, np.nan, 0.0], [0.0, -0.0, 0.0, 0.0], [-np.inf] * 4])
    return Case(
        lambda x: [jnp.argmax(x, 1), jnp.argmin(x, 1), jnp.argmax(jnp.nan_to_num(x[:3]).astype(jnp.int32), 0)], (x,)
    )


@case
def reduction_from_a_value(r):
    return Case(lambda x: lax.reduce(x, 2.0, lax.add, (0,)), (r.normal(size=(3, 4)),))


@case
def means_are_one_op(r):
    return Case(lambda x: x.mean((1, 2)), (r.normal(size=(3, 4, 5)),), dynamic="b, 4, 5", ops=("reduce",))


@case
def mean_over_an_open_dim(r):
    return Case(lambda x: x.mean(1, keepdims=True), (r.normal(size=(3, 4, 5)),), dynamic="b, s, 5")


@case
def max_pools(r):
    x = r.normal(size=(2, 7, 8, 3))

    def pool(x, window, strides, padding, init=-jnp.inf, op=lax.max):
        return lax.reduce_window(x, jnp.asarray(init, x.dtype), op, window, strides, padding)

    return Case(
        lambda x: [
            pool(x, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
            pool(x, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"),
            pool(x.transpose(0, 3, 1, 2), (1, 1, 3, 2), (1, 1, 2, 2), "SAME"),
            pool(x, (1, 3, 3, 1), (1, 1, 1, 1), "SAME", jnp.inf, lax.min),
            pool((x * 9).astype(jnp.int32), (1, 2, 2, 1), (1, 1, 1, 1), "VALID", np.iinfo(np.int32).min),
            pool(x, (2, 1, 1, 2), (1, 1, 1, 1), "VALID"),
            pool(x[0, 0], (3, 1), (1, 1), [(4, 0), (0, 0)]),
        ],
        (x,),
    )


@case
def average_pool(r):
    x = r.normal(size=(2, 8, 8, 3))
    return Case(
        lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4,
        (x,),
        dynamic="b, ...",
        ops=("average_pool",),
    )


@case
def average_pool_that_leaves_out_the_padding(r):
    x = r.normal(size=(2, 7, 8, 3))

    def pool(x):
        return lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")

    return Case(lambda x: pool(x) / pool(jnp.ones_like(x)), (x,))


@case
def sums_under_windows(r):
    x = r.normal(size=(4, 6))
    return Case(
        lambda x: [
            lax.reduce_window(x, 0.0, lax.add, (2, 3), (1, 2), "VALID"),
            lax.reduce_window(x, 1.0, lax.add, (2, 2), (1, 1), "SAME"),
            lax.reduce_window((x * 9).astype(jnp.int32), np.int32(0), lax.add, (2, 2), (1, 1), "SAME"),
            lax.reduce_window(x, 0.0, lax.add, (2, 2), (1, 1), "VALID", base_dilation=(2, 1), window_dilation=(1, 2)),
        ],
        (x,),
    )


@case
def running_values(r):
    x = r.normal(size=(4, 6))
    return Case(
        lambda x: [
            jnp.cumsum(x, 1),
            jnp.cumsum(x, 0),
            jnp.cumprod(x, 1),
            lax.cumsum(x, 1, reverse=True),
            lax.cummax(x, 1),
            lax.cummin(x, 0),
            jnp.cumsum((x * 9).astype(jnp.int32), 0),
        ],
        (x,),
    )


@case
def sizes_that_a_run_decides(r):
    x, y = r.normal(size=(3, 4, 5)), r.normal(size=(3, 5))
    return Case(
        lambda x, y: [
            x.reshape(-1, 5),
            x.reshape(x.shape[0], -1),
            jnp.concatenate([x, x], 1),
            x[:, 1:],
            x[:, -1],
            jnp.pad(x, ((0, 0), (1, 0), (0, 0))),
            x + y[:, None],
            jnp.arange(x.shape[1]) * 2,
            jnp.ones((x.shape[1], 2)),
            x * x.shape[0],
            jnp.tril(jnp.ones((x.shape[1], x.shape[1]))),
        ],
        (x, y),
        dynamic=("b, s, 5", "b, 5"),
    )


@case
def sizes_that_are_expressions(r):
    x, y = r.normal(size=(3, 6)), r.normal(size=(3, 3))
    return Case(lambda x, y: [x.reshape(-1, 2, 3) + y[:, None, :1], x[:, ::2]], (x, y), dynamic=("b, 6", "b, 3"))


@case
def batch_norm_op(r):
    """What jax itself never writes."""
    return Case(lambda x: jax.nn.standardize(x), (r.normal(size=(4, 6)),))
