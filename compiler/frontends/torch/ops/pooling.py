"""Pooling, of windows and to a size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNELS_FIRST
from neuralc.dialects.types import ShapeError
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.ops.convolution import Image, Ints, spread
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


def _rank(node: Node) -> int:
    """The number of spatial dims: the digit in the op's name."""
    return int(next(letter for letter in node.op if letter.isdigit()))


MAXIMA = (
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices", "max_pool2d_with_indices",
    "max_pool3d_with_indices",
)  # fmt: skip


@aten(*MAXIMA, makes=("graph.max_pool", "graph.arg_max_pool"))
def max_pool(
    node: Node,
    x: Value,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
) -> list[Value | None]:
    """Places are counted within a channel."""
    rank = _rank(node)
    image = Image(node, x, rank)
    properties: dict[str, Any] = {
        "window": spread(kernel_size, rank),
        "strides": spread(stride or kernel_size, rank),
        "pads": spread(padding, rank) * 2,
        "dilations": spread(dilation, rank),
        "ceil_mode": ceil_mode,
        "data_format": CHANNELS_FIRST[rank],
    }
    y = image.back(node, node.emit(graph.MaxPoolOp, image.x, **properties))
    if not node.wants(1):
        return [y, None]
    places = node.emit(graph.ArgMaxPoolOp, image.x, **properties)
    count = 1
    for size in x.shape[-rank:]:
        if not isinstance(size, int):
            node.refuse(f"with the places of a symbolic size {size}")
        count *= size
    return [y, image.back(node, node.emit(graph.RemainderOp, places, node.scalar(count, places)))]


@aten("avg_pool1d", "avg_pool2d", "avg_pool3d", makes=("graph.average_pool", "graph.mul"))
def avg_pool(
    node: Node,
    x: Value,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Value:
    rank = _rank(node)
    image, window = Image(node, x, rank), spread(kernel_size, rank)
    if divisor_override is not None and ((not count_include_pad and any(spread(padding, rank))) or ceil_mode):
        node.refuse("with a divisor of its own and windows that are not whole")
    y = node.emit(
        graph.AveragePoolOp, image.x, window=window, strides=spread(stride or kernel_size, rank),
        pads=spread(padding, rank) * 2, dilations=(1,) * rank, ceil_mode=ceil_mode,
        count_include_pad=count_include_pad, data_format=CHANNELS_FIRST[rank],
    )  # fmt: skip
    if divisor_override is not None:
        y = node.mul(y, node.scalar(float(np.prod(window)) / divisor_override, y))
    return image.back(node, y)


# --- to a size -------------------------------------------------------------------------------------------------------
AVERAGES = (
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d",
)  # fmt: skip


@aten(*AVERAGES, makes=("graph.reduce", "graph.average_pool", "graph.matmul", "graph.transpose"))
def adaptive_average(node: Node, x: Value, output_size: Ints) -> Value:
    """The mean of everything, of equal windows, or of windows that overlap: dim by dim a product with their weights."""
    rank = _rank(node)
    sizes, wanted = x.shape[-rank:], node.whole(node.shape[-rank:], "sizes")
    axes = tuple(range(x.rank - rank, x.rank))
    if set(wanted) == {1}:
        return node.reduce(x, "mean", axes, keepdims=True)
    window = _even(sizes, wanted)
    if window is not None:
        image = Image(node, x, rank)
        y = node.emit(
            graph.AveragePoolOp, image.x, window=window, strides=window, pads=(0,) * (2 * rank), dilations=(1,) * rank,
            data_format=CHANNELS_FIRST[rank],
        )  # fmt: skip
        return image.back(node, y)
    for axis, size, count in zip(axes, node.whole(sizes, "sizes"), wanted, strict=True):
        weights = np.zeros((size, count))
        for i, (start, end) in enumerate(_windows(size, count)):
            weights[start:end, i] = 1 / (end - start)
        last = node.transpose(x, _swapped(x.rank, axis))
        pooled = node.emit(graph.MatmulOp, last, node.constant(weights, x.element))
        x = node.transpose(pooled, _swapped(x.rank, axis))
    return x


@aten(
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    makes=("graph.reduce", "graph.max_pool", "graph.slice", "graph.concat"),
)  # fmt: skip
def adaptive_maximum(node: Node, x: Value, output_size: Ints) -> list[Value | None]:
    if node.wants(1):
        node.refuse("with the places of the largest values")
    rank = _rank(node)
    sizes, wanted = x.shape[-rank:], node.whole(node.shape[-rank:], "sizes")
    axes = tuple(range(x.rank - rank, x.rank))
    if set(wanted) == {1}:
        return [node.reduce(x, "maximum", axes, keepdims=True), None]
    for axis, size, count in zip(axes, node.whole(sizes, "sizes"), wanted, strict=True):
        parts = [
            node.reduce(node.pick(x, axis, start, end - start), "maximum", (axis,), keepdims=True)
            for start, end in _windows(size, count)
        ]
        x = node.concat(parts, axis)
    return [x, None]


def _even(sizes: Sequence[Size], wanted: Sequence[int]) -> tuple[int, ...] | None:
    """The window with which equal ones cover everything."""
    out: list[int] = []
    for size, count in zip(sizes, wanted, strict=True):
        if not isinstance(size, int) or count < 1 or size % count:
            return None
        out.append(size // count)
    return tuple(out)


def _windows(size: int, count: int) -> list[tuple[int, int]]:
    """Start and end of each window: floor(i * size / count) and ceil((i + 1) * size / count)."""
    if count < 1 or size < 1:
        raise ShapeError(f"{count} windows over {size} places")
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _swapped(rank: int, axis: int) -> list[int]:
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    return order
