"""Reductions under windows: pooling, running sums, and whatever else walks with a window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects.builtin import i1, i32

from neuralc.dialects import graph
from neuralc.dialects.types import is_float, numpy_dtype
from neuralc.frontends.padding import padded
from neuralc.frontends.sizes import total
from neuralc.frontends.stablehlo.interior import spaced
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.ops.convolution import FIRST, LAST
from neuralc.frontends.stablehlo.ops.reductions import NEUTRAL, beginning_with, reduction
from neuralc.frontends.stablehlo.regions import kind_of
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value

Axes = tuple[int, ...]


@dataclass(frozen=True)
class _Window:
    """One entry for each dim of the operand."""

    sizes: Axes
    strides: Axes
    holes: Axes
    pads: tuple[tuple[int, int], ...]

    @property
    def axes(self) -> Axes:
        """The dims in which the window does something."""
        plain = zip(self.sizes, self.strides, self.pads, strict=True)
        return tuple(axis for axis, each in enumerate(plain) if each != (1, 1, (0, 0)))

    @property
    def reaches_too_far(self) -> bool:
        """True where a window can lie in the padding alone: pools have no value for it."""
        reaches = [hole * (size - 1) + 1 for size, hole in zip(self.sizes, self.holes, strict=True)]
        return any(max(pair) >= reach for pair, reach in zip(self.pads, reaches, strict=True) if pair != (0, 0))

    def along(self, axes: Sequence[int]) -> dict[str, Any]:
        """Properties of a pool over some of the dims."""
        pads = [self.pads[axis] for axis in axes]
        return {
            "strides": [self.strides[axis] for axis in axes],
            "dilations": [self.holes[axis] for axis in axes],
            "pads": (*(low for low, _ in pads), *(high for _, high in pads)),
        }

    def unpadded(self) -> _Window:
        return _Window(self.sizes, self.strides, self.holes, ((0, 0),) * len(self.sizes))


@stablehlo_op(
    "stablehlo.reduce_window",
    makes=(
        "graph.max_pool",
        "graph.average_pool",
        "graph.cumulate",
        "graph.conv",
        "graph.mul",
        "graph.neg",
        "graph.pad",
    ),
)
def reduce_window(node: Node) -> Sequence[Value]:
    """The window walks over any dims; the operands are the values, then what each reduction begins with."""
    kind = kind_of(node.region(0)) if len(node.inputs) == 2 else None
    if kind is None:
        node.refuse("by a region of several ops")
    x, initial = node.inputs
    kind = reduction(node, kind, x)
    ones = (1,) * x.rank
    x = spaced(node, x, [n - 1 for n in node.integers("base_dilations", ones)], _neutral(node, kind, x))
    window = _Window(
        node.integers("window_dimensions"),
        node.integers("window_strides", ones),
        node.integers("window_dilations", ones),
        tuple(node.pairs("padding", x.rank)),
    )
    if not window.axes:
        return [beginning_with(node, kind, x, initial)]
    result = _cumulated(node, kind, x, window) or _pooled(node, kind, x, window)
    return [beginning_with(node, kind, result, initial)]


def _neutral(node: Node, kind: str, x: Value) -> Value:
    return node.constant(np.asarray(NEUTRAL[kind](numpy_dtype(x.element)), numpy_dtype(x.element)), x.element)


def _cumulated(node: Node, kind: str, x: Value, window: _Window) -> Value | None:
    """A window over the whole dim that begins at each place, or ends there."""
    if len(window.axes) != 1 or kind not in ("sum", "prod"):
        return None
    (axis,) = window.axes
    size = window.sizes[axis]
    if x.shape[axis] != size or window.strides[axis] != 1 or window.holes[axis] != 1 or size < 2:
        return None
    if window.pads[axis] not in ((size - 1, 0), (0, size - 1)):
        return None
    return node.emit(graph.CumulateOp, x, kind=kind, axis=axis, reverse=window.pads[axis][0] == 0)


def _pooled(node: Node, kind: str, x: Value, window: _Window) -> Value:
    if kind in ("any", "all"):
        found = _pooled(node, "maximum" if kind == "any" else "minimum", node.cast(x, i32), window)
        return node.cast(found, i1)
    if kind == "minimum":
        opposite = graph.NegOp if is_float(x.element) else graph.BitwiseNotOp
        return node.emit(opposite, _pooled(node, "maximum", node.emit(opposite, x), window))
    if kind == "prod":
        node.refuse("of products, other than over all that was before")
    if window.reaches_too_far or min(end for pair in window.pads for end in pair) < 0:
        low, high = ([pair[side] for pair in window.pads] for side in (0, 1))
        x, window = padded(node, x, low, high, "constant", _neutral(node, kind, x)), window.unpadded()
    return _arranged(node, kind, x, window)


def _arranged(node: Node, kind: str, x: Value, window: _Window) -> Value:
    """The pool over a tensor of batch, space and channels: this one as it is, or with the dims of the window last."""
    inner, count = set(window.axes), x.rank - 2
    summed_whole = kind == "sum" and not is_float(x.element)
    if count in LAST and not summed_whole:
        if inner <= set(range(1, x.rank - 1)):
            return _pool(node, kind, x, window, tuple(range(1, x.rank - 1)), LAST[count])
        if inner <= set(range(2, x.rank)):
            return _pool(node, kind, x, window, tuple(range(2, x.rank)), FIRST[count])
    if len(inner) not in LAST:
        node.refuse(f"over {len(inner)} dims")
    others = [axis for axis in range(x.rank) if axis not in inner]
    order = [*others, *window.axes]
    moved = node.transpose(x, order)
    flat = node.reshape(moved, (total([moved.shape[i] for i in range(len(others))]), *moved.shape[len(others) :], 1))
    found = _pool(node, kind, flat, window, window.axes, LAST[len(inner)])
    back = node.reshape(found, (*moved.shape[: len(others)], *found.shape[1:-1]))
    return node.transpose(back, [order.index(axis) for axis in range(x.rank)])


def _pool(node: Node, kind: str, x: Value, window: _Window, axes: Axes, layout: str) -> Value:
    """The pool itself. A sum is the mean times how many there are; of integers, a convolution with ones."""
    sizes, properties = [window.sizes[axis] for axis in axes], window.along(axes)
    if kind == "maximum":
        return node.emit(graph.MaxPoolOp, x, window=sizes, data_format=layout, **properties)
    if not is_float(x.element):
        ones = node.fill(1, (*sizes, 1, 1), x.element)
        return node.emit(graph.ConvOp, x, ones, data_format=layout, **properties)
    mean = node.emit(graph.AveragePoolOp, x, window=sizes, data_format=layout, count_include_pad=True, **properties)
    return node.elementwise(graph.MulOp, mean, node.scalar(math.prod(sizes), x))
