"""Convolutions and pools of integers, tap by tap: those of ONNX take floats, or 8 bits alone.

conv:  sum over the taps of x[.., i * dilation + stride * place, ..] . kernel[tap], a product of matrices each
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import i64

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.graph.sampling import fold_extents
from neuralc.dialects.types import Shape, element_of, shape_of
from neuralc.emit.onnx.element_types import integer_limits
from neuralc.emit.onnx.values import Values


@dataclass(frozen=True)
class Taps:
    """Where the taps of a window read along the spatial dims: `extents` places each."""

    window: Sequence[int]
    strides: Sequence[int]
    dilations: Sequence[int]
    extents: Sequence[int | Dim]

    def slices(self, values: Values, x: str, first: int) -> Iterator[tuple[tuple[int, ...], str]]:
        """Each tap, and x at its places; the spatial dims of x begin at `first`."""
        axes = values.integers(range(first, first + len(self.window)))
        steps = values.integers(self.strides)
        for tap in np.ndindex(*self.window):
            starts = [i * dilation for i, dilation in zip(tap, self.dilations, strict=True)]
            ends = [
                simplest((as_dim(extent) - 1) * stride + start + 1)
                for start, stride, extent in zip(starts, self.strides, self.extents, strict=True)
            ]
            yield tap, values("Slice", x, values.integers(starts), values.sizes.vector(ends), axes, steps)


def integer_conv(values: Values, op: graph.ConvOp) -> None:
    rank = len(op.literal("strides"))
    pads = op.literal("pads")
    x = values.operand(op, 0)
    wide = values.carrier("MatMul", x)
    padded = _pad(values, values.cast(x, wide), (0, 0, *pads[:rank]), (0, 0, *pads[rank:]), 0)
    last = values.transpose(padded, (0, *range(2, rank + 2), 1))
    out, depth, *window = values.operand_shape(op, 1)
    kernel = values.transpose(values.cast(values.operand(op, 1), wide), (*range(2, rank + 2), 1, 0))
    groups, extents = op.literal("groups"), values.shape(op)[2:]
    taps = Taps([int(str(n)) for n in window], op.literal("strides"), op.literal("dilations"), extents)
    places = (values.shape(op)[0], *extents)
    total = _products(values, taps, last, kernel, places, groups, int(str(depth)), int(str(out)))
    _finish(values, op, total, rank, len(op.operands) > 2)


def integer_conv_transpose(values: Values, op: graph.ConvTransposeOp) -> None:
    """The convolution of x with zeros between its places, by the kernel in reverse."""
    rank = len(op.literal("strides"))
    pads, strides, dilations = op.literal("pads"), op.literal("strides"), op.literal("dilations")
    shape = values.operand_shape(op)
    depth, per_group, *window = (int(str(size)) for size in values.operand_shape(op, 1))
    reaches = [dilation * (size - 1) for dilation, size in zip(dilations, window, strict=True)]
    extra = op.literal("output_padding")
    low = [reach - pads[i] for i, reach in enumerate(reaches)]
    high = [reach - pads[rank + i] + extra[i] for i, reach in enumerate(reaches)]
    if min(*low, *high) < 0:
        values.refuse(op, "integers, with more cut off than a window reaches")
        return
    x = values.operand(op, 0)
    wide, groups = values.carrier("MatMul", x), op.literal("groups")
    spread = _spread(values, values.cast(x, wide), shape, strides)
    last = values.transpose(_pad(values, spread, (0, 0, *low), (0, 0, *high), 0), (0, *range(2, rank + 2), 1))
    turned = values.transpose(values.cast(values.operand(op, 1), wide), (*range(2, rank + 2), 0, 1))
    ends = values.integers([np.iinfo(np.int64).min] * rank)
    ones = values.integers([-1] * rank)
    turned = values("Slice", turned, ones, ends, values.integers(range(rank)), ones)
    # [*window, in, out / groups] as a convolution has it: [*window, in / groups, out].
    grouped = values.reshape(turned, (*window, depth, per_group), (*window, groups, depth // groups, per_group))
    grouped = values.transpose(grouped, (*range(rank), rank + 1, rank, rank + 2))
    wanted = (*window, depth // groups, groups * per_group)
    kernel = values.reshape(grouped, (*window, depth // groups, groups, per_group), wanted)
    extents = values.shape(op)[2:]
    taps = Taps(window, (1,) * rank, dilations, extents)
    places = (values.shape(op)[0], *extents)
    total = _products(values, taps, last, kernel, places, groups, depth // groups, groups * per_group)
    _finish(values, op, total, rank, len(op.operands) > 2)


def integer_max_pool(values: Values, op: graph.MaxPoolOp) -> None:
    """The largest of all taps; what is padded is the least number of the type."""
    x, rank, pads = values.operand(op, 0), len(op.literal("window")), op.literal("pads")
    before, extents = values.operand_shape(op)[2:], values.shape(op)[2:]
    reach = [d * (w - 1) + 1 for d, w in zip(op.literal("dilations"), op.literal("window"), strict=True)]
    missing: list[int] = []
    for i in range(rank):
        spare = (as_dim(extents[i]) - 1) * op.literal("strides")[i] + reach[i] - before[i] - pads[i] - pads[rank + i]
        if op.literal("ceil_mode") and not spare.is_static:
            values.refuse(op, "integers, rounded up over a symbolic size")
            return
        missing.append(max(spare.value, 0) if spare.is_static else 0)
    high = [pads[rank + i] + missing[i] for i in range(rank)]
    own = values.element(x)
    wide = values.carrier("Max", x)
    least = int(integer_limits(own)[0])
    padded = _pad(values, values.cast(x, wide), (0, 0, *pads[:rank]), (0, 0, *high), least)
    taps = Taps(op.literal("window"), op.literal("strides"), op.literal("dilations"), extents)
    parts = [part for _, part in taps.slices(values, padded, 2)]
    values.result(op, values.cast(values("Max", *parts), own))


def integer_fold(values: Values, op: graph.FoldOp) -> None:
    """Each tap of the windows, `strides` apart, where it lies in the image with its padding."""
    window, strides, dilations, pads = (op.literal(name) for name in ("window", "strides", "dilations", "pads"))
    rank, extents = len(window), [simplest(extent) for extent in fold_extents(**op.literals())]
    batch, channels, *sizes = shape_of(op.result.type)
    if any(isinstance(size, Dim) for size in (*sizes, *extents)):
        values.refuse(op, "of integers, to symbolic sizes")
        return
    padded = [int(str(size)) + pads[i] + pads[rank + i] for i, size in enumerate(sizes)]
    taps = int(np.prod(window))
    apart: Shape = (batch, channels, taps, *extents)
    patches = values.reshape(values.operand(op, 0), values.operand_shape(op), apart)
    total = ""
    for index, tap in enumerate(np.ndindex(*window)):
        patch = values("Gather", patches, values.number(index, i64), axis=2)
        spread = _spread(values, patch, (batch, channels, *extents), strides)
        low = [i * dilation for i, dilation in zip(tap, dilations, strict=True)]
        reached = [(int(str(extent)) - 1) * stride + 1 for extent, stride in zip(extents, strides, strict=True)]
        high = [whole - start - reach for whole, start, reach in zip(padded, low, reached, strict=True)]
        placed = _pad(values, spread, (0, 0, *low), (0, 0, *high), 0)
        total = values("Add", total, placed) if total else placed
    ends = [pad + int(str(size)) for pad, size in zip(pads, sizes, strict=False)]
    starts = values.integers(pads[:rank])
    values.define(op, "Slice", total, starts, values.integers(ends), values.integers(range(2, rank + 2)))


def _products(values: Values, taps: Taps, x: str, kernel: str, places: Shape, groups: int, depth: int, out: int) -> str:
    """The sum over all taps, channels last; x is padded, the kernel [*window, depth, out]."""
    window, total = tuple(taps.window), None
    flat = values.reshape(kernel, (*window, depth, out), (int(np.prod(window)), depth, out))
    for index, (_, under) in enumerate(taps.slices(values, x, 1)):
        tap = values("Gather", flat, values.number(index, i64), axis=0)
        if groups == 1:
            product = values("MatMul", under, tap)
        else:
            rows = values.reshape(under, (*places, groups * depth), (*places, groups, 1, depth))
            columns = values.transpose(values.reshape(tap, (depth, out), (depth, groups, out // groups)), (1, 0, 2))
            product = values("MatMul", rows, columns)
            product = values.reshape(product, (*places, groups, 1, out // groups), (*places, out))
        total = product if total is None else values("Add", total, product)
    assert total is not None, "a window has at least one tap"
    return total


def _finish(values: Values, op: graph.ConvOp | graph.ConvTransposeOp, total: str, rank: int, has_bias: bool) -> None:
    if has_bias:
        total = values("Add", total, values.cast(values.operand(op, 2), values.element(total)))
    narrow = values.cast(total, element_of(op.result.type))
    values.define(op, "Transpose", narrow, perm=[0, rank + 1, *range(1, rank + 1)])


def _spread(values: Values, x: str, shape: Shape, strides: Sequence[int]) -> str:
    """x with `stride - 1` zeros behind each place but the last."""
    for axis, stride in enumerate(strides, 2):
        if stride == 1:
            continue
        apart: Shape = (*shape[: axis + 1], 1, *shape[axis + 1 :])
        wide: Shape = (*shape[: axis + 1], stride, *shape[axis + 1 :])
        high = [stride - 1 if i == axis + 1 else 0 for i in range(len(wide))]
        padded = _pad(values, values.reshape(x, shape, apart), [0] * len(wide), high, 0)
        size = simplest(as_dim(shape[axis]) * stride)
        joined = values.reshape(padded, wide, (*shape[:axis], size, *shape[axis + 1 :]))
        x = values.slice(joined, axis, 0, 1 - stride)
        shape = (*shape[:axis], simplest(as_dim(size) - (stride - 1)), *shape[axis + 1 :])
    return x


def _pad(values: Values, x: str, low: Sequence[int], high: Sequence[int], value: int) -> str:
    if not any((*low, *high)):
        return x
    return values.carried("Pad", x, values.integers([*low, *high]), values.like(value, x))


__all__ = ["integer_conv", "integer_conv_transpose", "integer_fold", "integer_max_pool"]
