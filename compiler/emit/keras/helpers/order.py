"""The places of the largest and smallest values, where a NaN stands."""

from keras import ops


def in_order(x, largest):
    """The places of values along the last axis in order, equal ones as they come."""
    if not largest:
        return ops.argsort(x, axis=-1)
    behind = ops.argsort(ops.flip(x, axis=-1), axis=-1)
    return x.shape[-1] - 1 - ops.flip(behind, axis=-1)


def top_k(x, k, axis, largest=True):
    """The first k values in order and their places; NaN is larger than any number."""
    x = ops.moveaxis(x, axis, -1)
    missing = ops.cast(ops.isnan(x), "int32")
    x_or_0 = ops.where(ops.equal(missing, 1), ops.zeros_like(x), x)
    order = in_order(x_or_0, largest)
    order = ops.take_along_axis(
        order, in_order(ops.take_along_axis(missing, order, axis=-1), largest), axis=-1
    )[..., :k]
    values = ops.moveaxis(ops.take_along_axis(x, order, axis=-1), -1, axis)
    return values, ops.cast(ops.moveaxis(order, -1, axis), "int64")


def argmax(x, axis, keepdims=False):
    """The place of the largest value, a NaN first."""
    missing = ops.isnan(x)
    found = ops.where(
        ops.any(missing, axis=axis, keepdims=keepdims),
        ops.argmax(ops.cast(missing, "int32"), axis=axis, keepdims=keepdims),
        ops.argmax(x, axis=axis, keepdims=keepdims),
    )
    return ops.cast(found, "int64")


def argmin(x, axis, keepdims=False):
    """The place of the smallest value, a NaN first."""
    missing = ops.isnan(x)
    found = ops.where(
        ops.any(missing, axis=axis, keepdims=keepdims),
        ops.argmax(ops.cast(missing, "int32"), axis=axis, keepdims=keepdims),
        ops.argmin(x, axis=axis, keepdims=keepdims),
    )
    return ops.cast(found, "int64")
