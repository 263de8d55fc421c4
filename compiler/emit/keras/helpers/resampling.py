"""Reads between places: those around a coordinate, weighted by their distance."""

import itertools
import math

from keras import ops


def coordinates_of(kind, n, out, scale=None, region=(0, 1)):
    """Where `out` places are read along a dim of n."""
    i = ops.arange(out, dtype="float32")
    last, n, out = [ops.cast(size, i.dtype) for size in (n - 1, n, out)]
    length = out if scale is None else n * scale
    steps = ops.maximum(length - 1, 1)
    if kind == "align_corners":
        return i * last / steps
    if kind == "tf_crop_and_resize":
        start, end = region
        middle = (start + end) / 2 * last
        at = start * last + i * (end - start) * last / steps
        return ops.where(length == 1, middle, at)
    at = i if kind == "asymmetric" else i + 0.5
    at = at * n / out if scale is None else at / scale
    if kind in ("asymmetric", "tf_half_pixel_for_nn"):
        return at
    if kind == "half_pixel_symmetric":
        at = at + n / 2 * (1 - out / length)
    if kind == "pytorch_half_pixel":
        return ops.where(out == 1, i * 0, at - 0.5)
    return at - 0.5


def read_nearest(x, axis, at, rounded):
    """x at the places that coordinates along an axis are rounded to."""
    places = ops.cast(rounded(at), "int32")
    return ops.take(x, ops.clip(places, 0, ops.shape(x)[axis] - 1), axis=axis)


def read_between(
    x,
    axis,
    at,
    weigh,
    reach,
    number=None,
    narrow=1,
    normalized=False,
    exclude_outside=False,
):
    """x at coordinates along an axis: places around each, weighted by distance."""
    n, reach = ops.shape(x)[axis], math.ceil(reach / narrow)
    at = ops.convert_to_tensor(at)
    around = ops.cast(ops.arange(1 - reach, reach + 1, dtype="int32"), at.dtype)
    places = ops.floor(at)[:, None] + around
    weights = weigh((places - at[:, None]) * narrow, number)
    places = ops.cast(places, "int32")
    if exclude_outside:
        inside = (places >= 0) & (places < n)
        weights = ops.where(inside, weights, ops.zeros_like(weights))
    if exclude_outside or normalized:
        total = ops.sum(weights, axis=1, keepdims=True)
        weights = weights / ops.where(total == 0, ops.ones_like(total), total)
    taken = ops.take(x, ops.clip(places, 0, n - 1), axis=axis)
    behind = [1] * (len(x.shape) - axis - 1)
    weights = ops.reshape(weights, (-1, 2 * reach, *behind))
    return ops.sum(taken * ops.cast(weights, x.dtype), axis=axis + 1)


def linear_weight(distance, number):
    """The weight of a place at a distance, falling to 0 at 1."""
    return ops.maximum(1 - ops.abs(distance), 0)


def cubic_weight(distance, number):
    """The weight of a place at a distance (Keys 1981)."""
    d = ops.abs(distance)
    near = ((number + 2) * d - (number + 3)) * d * d + 1
    far = ((number * d - 5 * number) * d + 8 * number) * d - 4 * number
    return ops.where(d <= 1, near, ops.where(d < 2, far, ops.zeros_like(d)))


def lanczos_weight(distance, number):
    """The weight of a place at a distance (Duchon 1979)."""
    weights = sinc(distance) * sinc(distance / number)
    return ops.where(ops.abs(distance) < number, weights, ops.zeros_like(weights))


def sinc(x):
    """sin(pi x) / (pi x)."""
    angle = math.pi * ops.where(x == 0, ops.ones_like(x), x)
    return ops.where(x == 0, ops.ones_like(x), ops.sin(angle) / angle)


def bordered(x, axis, at, n, value):
    """x, with a value where coordinates along an axis lie outside of n places."""
    at = ops.convert_to_tensor(at)
    inside = (at >= 0) & (at <= ops.cast(n - 1, at.dtype))
    inside = ops.reshape(inside, (-1, *[1] * (len(x.shape) - axis - 1)))
    return ops.where(inside, x, ops.full_like(x, value))


def grid_sample(x, grid, mode, padding_mode, align_corners):
    """x [batch, channels, *sizes] at grid [batch, *places, rank], last axis first."""
    sizes, farthest = ops.shape(x)[2:], 2.0**30
    around = []
    for axis, n in enumerate(sizes):
        at = grid[..., len(sizes) - 1 - axis] + 1
        count = ops.cast(n, at.dtype)
        at = at / 2 * (count - 1) if align_corners else (at * count - 1) / 2
        at = ops.clip(at, -farthest, farthest)
        if mode == "nearest":
            around.append([(ops.cast(ops.round(at), "int32"), ops.ones_like(at))])
            continue
        low = ops.floor(at)
        steps = range(-1, 3) if mode == "cubic" else range(2)
        weigh = cubic_weight if mode == "cubic" else linear_weight
        around.append(
            [
                (ops.cast(low + step, "int32"), weigh(low + step - at, -0.75))
                for step in steps
            ]
        )
    last = ops.reshape(ops.moveaxis(x, 1, -1), (-1, ops.shape(x)[1]))
    batch = ops.reshape(
        ops.arange(ops.shape(x)[0], dtype="int32"), (-1, *[1] * len(sizes))
    )
    total = 0
    for tap in itertools.product(*around):
        index, weight, counts = batch, 1, None
        for (place, part), n in zip(tap, sizes, strict=True):
            if padding_mode == "reflection":
                place = reflected(place, n, align_corners)
            if padding_mode == "zeros":
                inside = (place >= 0) & (place < n)
                counts = inside if counts is None else counts & inside
            index = index * n + ops.clip(place, 0, n - 1)
            weight = weight * part
        values = ops.take(last, index, axis=0)
        if counts is not None:
            values = ops.where(counts[..., None], values, ops.zeros_like(values))
        total = total + values * weight[..., None]
    return ops.moveaxis(total, -1, 1)


def reflected(place, n, align_corners):
    """A place outside brought back, at the centers or the edges of the border."""
    period = ops.maximum(2 * (n - 1), 1) if align_corners else 2 * n
    period = ops.cast(period, place.dtype)
    place = ops.mod(place, period)
    last = 2 * (n - 1) if align_corners else 2 * n - 1
    return ops.where(place >= n, last - place, place)
