"""Convolutions: any order of dims, groups, strides, holes in the kernel, places between the elements of x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.dialects import graph
from neuralc.frontends.padding import padded
from neuralc.frontends.stablehlo.dimension_numbers import Axes, Convolution
from neuralc.frontends.stablehlo.interior import spaced
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.ops.contraction import PRECISION
from neuralc.frontends.stablehlo.ops.views import reversed_along
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value

LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}
FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


@dataclass(frozen=True)
class _Window:
    """How the kernel walks, one entry for each dim of space."""

    strides: Axes
    pads: tuple[tuple[int, int], ...]
    spaces: Axes
    """Distance of the elements of the operand (lhs_dilation)."""
    holes: Axes
    """Distance of the elements of the kernel (rhs_dilation)."""
    sizes: Axes
    """The window of the kernel."""


@stablehlo_op(
    "stablehlo.convolution",
    makes=("graph.conv", "graph.conv_transpose", "graph.transpose", "graph.slice", "graph.pad", "graph.reshape"),
    unread=PRECISION,
)
def convolution(node: Node) -> Value:
    """The operand keeps the order of its dims where it is one of graph.conv, and so does the result."""
    dims = Convolution.of(node.attribute("dimension_numbers"))
    rank = len(dims.x) - 2
    if rank not in LAST:
        node.refuse(f"over {rank} dims of space")
    if node.integer("batch_group_count", 1) != 1:
        node.refuse("in groups of the batch, as gradients have it")
    element = node.element()
    x, kernel = (node.cast(operand, element) for operand in node.inputs)
    kernel = node.transpose(kernel, (*dims.kernel[2:], dims.kernel[0], dims.kernel[1]))
    kernel = reversed_along(node, kernel, _reversed(node, rank))
    x, layout = _arranged(node, x, dims.x)
    window = _window(node, kernel, rank)
    result = _convolved(node, x, kernel, window, layout)
    return _ordered(node, result, dims.result, layout)


def _arranged(node: Node, x: Value, dims: Axes) -> tuple[Value, str]:
    """The operand in an order of dims that graph.conv has, and the name of the order."""
    batch, channel, *space = dims
    first, last = (batch, channel, *space), (batch, *space, channel)
    in_order = tuple(range(x.rank))
    if first == in_order and last != in_order:
        return x, FIRST[len(space)]
    return node.transpose(x, last), LAST[len(space)]


def _ordered(node: Node, result: Value, dims: Axes, layout: str) -> Value:
    """The result with its dims where the op wants them."""
    batch, channel, *space = dims
    have = (batch, *space, channel) if layout in LAST.values() else (batch, channel, *space)
    return node.transpose(result, [have.index(axis) for axis in range(result.rank)])


def _reversed(node: Node, rank: int) -> list[int]:
    return [axis for axis, flag in enumerate(node.flags("window_reversal", [False] * rank)) if flag]


def _window(node: Node, kernel: Value, rank: int) -> _Window:
    ones = (1,) * rank
    sizes = tuple(
        size if isinstance(size, int) else node.refuse("of an open size of the kernel") for size in kernel.shape[:rank]
    )
    return _Window(
        node.integers("window_strides", ones),
        tuple(node.pairs("padding", rank)),
        node.integers("lhs_dilation", ones),
        node.integers("rhs_dilation", ones),
        sizes,
    )


def _convolved(node: Node, x: Value, kernel: Value, window: _Window, layout: str) -> Value:
    groups = node.integer("feature_group_count", 1)
    if set(window.spaces) != {1}:
        if groups == 1 and set(window.strides) == {1} and (pads := _transposed_pads(window)) is not None:
            return _transposed(node, x, kernel, window, layout, pads)
        x = spaced(node, x, _around(layout, [distance - 1 for distance in window.spaces]), node.scalar(0, x))
    pads = window.pads
    if min((end for pair in pads for end in pair), default=0) < 0:
        low, high = ([pair[side] for pair in pads] for side in (0, 1))
        x = padded(node, x, _around(layout, low), _around(layout, high), "constant", node.scalar(0, x))
        pads = ((0, 0),) * len(pads)
    return node.emit(
        graph.ConvOp, x, kernel, strides=window.strides, dilations=window.holes, groups=groups, data_format=layout,
        pads=(*(low for low, _ in pads), *(high for _, high in pads)),
    )  # fmt: skip


def _transposed_pads(window: _Window) -> tuple[tuple[int, int], ...] | None:
    """What graph.conv_transpose cuts off where the op adds these pads; a negative high one is added instead."""
    reaches = [hole * (size - 1) for hole, size in zip(window.holes, window.sizes, strict=True)]
    cut = tuple((reach - low, reach - high) for reach, (low, high) in zip(reaches, window.pads, strict=True))
    fits = all(low >= 0 and high > -space for (low, high), space in zip(cut, window.spaces, strict=True))
    return cut if fits else None


def _transposed(
    node: Node, x: Value, kernel: Value, window: _Window, layout: str, pads: Sequence[tuple[int, int]]
) -> Value:
    """A kernel over spread out elements adds its mirror image where each of them is."""
    mirrored = reversed_along(node, kernel, [axis for axis, size in enumerate(window.sizes) if size > 1])
    return node.emit(
        graph.ConvTransposeOp, x, mirrored, strides=window.spaces, dilations=window.holes, data_format=layout,
        pads=(*(low for low, _ in pads), *(max(high, 0) for _, high in pads)),
        output_padding=[max(-high, 0) for _, high in pads],
    )  # fmt: skip


def _around(layout: str, space: Sequence[int]) -> list[int]:
    """Entries of the dims of space, with 0 for batch and channels."""
    return [0, *space, 0] if layout in LAST.values() else [0, 0, *space]
