"""Convolutions, and windows of images as columns. torch holds kernels as [out, in / groups, *window]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.shapes import CHANNELS_FIRST
from neuralc.dialects.types import DimsAttr, ShapeError
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

Ints = int | Sequence[int]


def spread(given: Ints, rank: int) -> tuple[int, ...]:
    """One number for each spatial dim: torch writes one for all of them as well."""
    numbers = (given,) if isinstance(given, int) else tuple(given)
    if len(numbers) == 1:
        numbers *= rank
    if len(numbers) != rank:
        raise ShapeError(f"{list(numbers)} for {rank} spatial dims")
    return numbers


class Image:
    """An operand [N, C, *spatial]; one without N gets it while the node is built."""

    def __init__(self, node: Node, x: Value, rank: int) -> None:
        self.alone = x.rank == rank + 1
        self.x = node.reshape(x, (1, *x.shape)) if self.alone else x

    def back(self, node: Node, y: Value) -> Value:
        return node.reshape(y, y.shape[1:]) if self.alone else y


@aten("conv1d", "conv2d", "conv3d", makes=("graph.conv", "graph.transpose", "graph.reshape"))
def conv(
    node: Node,
    x: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Value:
    rank = weight.rank - 2
    dilations = spread(dilation, rank)
    pads = _pads(padding, weight, dilations)
    image = Image(node, x, rank)
    return image.back(node, _conv(node, image.x, weight, bias, spread(stride, rank), pads, dilations, groups))


def _pads(padding: Ints | str, weight: Value, dilations: Sequence[int]) -> tuple[int, ...]:
    """All lows, then all highs. "same" keeps the size: an odd place goes to the end."""
    rank = weight.rank - 2
    if padding == "valid":
        return (0,) * (2 * rank)
    if padding == "same":
        totals = [d * (int(str(k)) - 1) for d, k in zip(dilations, weight.shape[2:], strict=True)]
        return (*(each // 2 for each in totals), *(each - each // 2 for each in totals))
    if isinstance(padding, str):
        raise ShapeError(f"padding `{padding}`")
    return spread(padding, rank) * 2


def _conv(
    node: Node,
    x: Value,
    weight: Value,
    bias: Value | None,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Value:
    kernel = node.transpose(weight, (*range(2, weight.rank), 1, 0))
    return node.emit(
        graph.ConvOp, x, kernel, *([] if bias is None else [bias]),
        strides=tuple(strides), pads=tuple(pads), dilations=tuple(dilations), groups=groups,
        data_format=CHANNELS_FIRST[len(strides)],
    )  # fmt: skip


@aten("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", makes=("graph.conv_transpose", "graph.transpose"))
def conv_transpose(
    node: Node,
    x: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Value:
    """The kernel is [in, out / groups, *window]."""
    rank = weight.rank - 2
    image = Image(node, x, rank)
    kernel = node.transpose(weight, (*range(2, weight.rank), 0, 1))
    y = node.emit(
        graph.ConvTransposeOp, image.x, kernel, *([] if bias is None else [bias]),
        strides=spread(stride, rank), pads=spread(padding, rank) * 2, dilations=spread(dilation, rank),
        output_padding=spread(output_padding, rank), groups=groups, data_format=CHANNELS_FIRST[rank],
    )  # fmt: skip
    return image.back(node, y)


@aten("convolution", "_convolution", makes=("graph.conv", "graph.conv_transpose", "graph.transpose"))
def convolution(
    node: Node,
    x: Value,
    weight: Value,
    bias: Value | None,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    transposed: bool,
    output_padding: Ints,
    groups: int,
    *flags: bool,
) -> Value:
    """Both kinds; `flags` choose an algorithm."""
    if transposed:
        return conv_transpose(node, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return conv(node, x, weight, bias, stride, padding, dilation, groups)


@aten("im2col", makes=("graph.conv", "graph.reshape"))
def im2col(node: Node, x: Value, kernel_size: Sequence[int], dilation: Ints, padding: Ints, stride: Ints) -> Value:
    """Each window as a column [C * kh * kw]: a convolution whose kernels pick one place each."""
    image = Image(node, x, 2)
    batch, channels, *space = image.x.shape
    kh, kw = spread(kernel_size, 2)
    alone = node.reshape(image.x, (_times(batch, channels), 1, *space))
    one = np.eye(kh * kw).reshape(kh, kw, 1, kh * kw)
    y = node.emit(
        graph.ConvOp, alone, node.constant(one, x.element), strides=spread(stride, 2), pads=spread(padding, 2) * 2,
        dilations=spread(dilation, 2), data_format="NCHW",
    )  # fmt: skip
    return node.reshape(y, node.shape)


def _times(a: Size, b: Size) -> Size:
    found = as_dim(a) * b
    return found.value if found.is_static else found


@aten("col2im", makes=("graph.fold",))
def col2im(
    node: Node, x: Value, output_size: Sequence[Size], kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> Value:
    alone = x.rank == 2
    columns = node.reshape(x, (1, *x.shape)) if alone else x
    y = node.emit(
        graph.FoldOp, columns, sizes=DimsAttr(tuple(map(as_dim, output_size))), window=spread(kernel_size, 2),
        strides=spread(stride, 2), dilations=spread(dilation, 2), pads=spread(padding, 2) * 2,
    )  # fmt: skip
    return node.reshape(y, node.shape)
