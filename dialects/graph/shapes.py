"""Shape rules that several graph ops share: broadcasting and the extent of a sliding window."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import Shape, ShapeError, format_shape

SPATIAL = {"NHWC": (1, 2), "NCHW": (2, 3)}
CHANNEL = {"NHWC": 3, "NCHW": 1}


def broadcast(lhs: Shape, rhs: Shape) -> Shape:
    """numpy's broadcasting rule; equal symbols are equal sizes. Raises ShapeError."""
    rank = max(len(lhs), len(rhs))
    out: list[int | Dim] = []
    for a, b in zip((1,) * (rank - len(lhs)) + lhs, (1,) * (rank - len(rhs)) + rhs, strict=True):
        if a != b and 1 not in (a, b):
            raise ShapeError(f"shapes {format_shape(lhs)} and {format_shape(rhs)} do not broadcast")
        out.append(b if a == 1 else a)
    return tuple(out)


def window_extent(size: int | Dim, window: int, stride: int, dilation: int, low: int, high: int) -> int | Dim:
    """How often a dilated window fits: floor((size + low + high - reach) / stride) + 1. Raises ShapeError."""
    reach = dilation * (window - 1) + 1
    room = as_dim(size) + low + high - reach
    if room.is_static and room.value < 0:
        raise ShapeError(f"a window of {reach} does not fit into {as_dim(size) + low + high}")
    return simplest(room // stride + 1)


def same_padding(size: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """The (low, high) padding with which the output is ceil(size / stride), the odd one high (Keras, TensorFlow)."""
    reach = dilation * (window - 1) + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def spatial_extents(
    shape: Shape,
    data_format: str,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> list[int | Dim]:
    """Output heights and widths of a 2-D window op; `pads` is [top, left, bottom, right]. Raises ShapeError."""
    if data_format not in SPATIAL:
        raise ShapeError(f"data_format is NHWC or NCHW, not {data_format}")
    if len(shape) != 4:
        raise ShapeError(f"expected 4 dims {data_format}, got shape {format_shape(shape)}")
    if len(window) != 2 or len(strides) != 2 or len(dilations) != 2 or len(pads) != 4:
        raise ShapeError("window, strides and dilations have 2 entries, pads have 4")
    if min(*window, *strides, *dilations) < 1 or min(pads) < 0:
        raise ShapeError("window, strides and dilations are at least 1, pads at least 0")
    return [
        window_extent(shape[axis], window[i], strides[i], dilations[i], pads[i], pads[i + 2])
        for i, axis in enumerate(SPATIAL[data_format])
    ]


def with_spatial(shape: Shape, data_format: str, extents: Sequence[int | Dim], channels: int | Dim) -> Shape:
    """`shape` with new heights, widths and channels."""
    out = list(shape)
    for axis, extent in zip(SPATIAL[data_format], extents, strict=True):
        out[axis] = extent
    out[CHANNEL[data_format]] = channels
    return tuple(out)


def normalize_axis(axis: int, rank: int) -> int:
    """A non-negative axis. Raises ShapeError when it is outside the rank."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is outside a rank of {rank}")
    return axis % rank
