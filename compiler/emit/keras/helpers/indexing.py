"""Reads and writes at places that other values say."""

from keras import ops


def pad_around(x, around, mode):
    """Padding with values of x: edge, reflect or wrap, as far as is asked for."""
    for axis, (low, high) in enumerate(around):
        if (low, high) == (0, 0):
            continue
        n = ops.shape(x)[axis]
        places = ops.arange(-low, n + high)
        if mode == "edge":
            places = ops.clip(places, 0, n - 1)
        elif mode == "wrap":
            places = ops.mod(places, n)
        else:
            period = ops.maximum(2 * n - 2, 1)
            places = ops.abs(ops.mod(places + n - 1, period) - (n - 1))
        x = ops.take(x, places, axis=axis)
    return x


def gather_nd(x, indices, batch_dims=0):
    """x at vectors of indices, below the leading dims that both have."""
    sizes, depth = ops.shape(x), indices.shape[-1]
    places = (
        ops.zeros_like(indices[..., 0])
        if depth
        else ops.zeros(ops.shape(indices)[:-1], "int64")
    )
    for i in range(depth):
        size = ops.cast(sizes[batch_dims + i], indices.dtype)
        index = indices[..., i]
        places = places * size + ops.where(index < 0, index + size, index)
    rest = sizes[batch_dims + depth :]
    flat = ops.reshape(x, (-1, *rest))
    if batch_dims:
        count = 1
        for size in sizes[batch_dims : batch_dims + depth]:
            count = count * size
        batch = 1
        for size in sizes[:batch_dims]:
            batch = batch * size
        first = ops.cast(ops.arange(batch) * count, places.dtype)
        first = ops.reshape(
            first, (*sizes[:batch_dims], *[1] * (len(places.shape) - batch_dims))
        )
        places = places + first
    return ops.take(flat, places, axis=0)


def scatter_nd(x, indices, updates, reduction=None):
    """x with updates at vectors of indices."""
    depth = indices.shape[-1]
    sizes = ops.cast(
        ops.stack([ops.convert_to_tensor(n) for n in ops.shape(x)[:depth]]),
        indices.dtype,
    )
    indices = ops.where(indices < 0, indices + sizes, indices)
    indices = ops.reshape(indices, (-1, depth))
    updates = ops.reshape(updates, (-1, *ops.shape(x)[depth:]))
    return ops.scatter_update(x, indices, updates, reduction=reduction)


def scatter_elements(x, indices, updates, axis, reduction=None):
    """x with updates at indices along an axis, the other places their own."""
    shape = ops.shape(indices)
    places = [
        ops.broadcast_to(
            ops.reshape(
                ops.arange(n, dtype=indices.dtype),
                [-1 if j == i else 1 for j in range(len(shape))],
            ),
            shape,
        )
        for i, n in enumerate(shape)
    ]
    places[axis] = indices
    vectors = ops.stack(places, axis=-1)
    return scatter_nd(x, vectors, updates, reduction)


def reverse_sequence(x, lengths, batch_axis, time_axis):
    """The first places of each sequence in reverse order, the others as they are."""
    rank = len(x.shape)
    time = ops.arange(ops.shape(x)[time_axis], dtype=lengths.dtype)
    time = ops.reshape(time, [-1 if i == time_axis else 1 for i in range(rank)])
    lengths = ops.reshape(lengths, [-1 if i == batch_axis else 1 for i in range(rank)])
    places = ops.where(time < lengths, lengths - 1 - time, time)
    return ops.take_along_axis(
        x, ops.broadcast_to(places, ops.shape(x)), axis=time_axis
    )
