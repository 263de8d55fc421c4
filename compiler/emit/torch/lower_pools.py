"""Pools: those of torch, and functions of the file for windows that these do not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph import ArgMaxPoolOp, AveragePoolOp, MaxPoolOp
from neuralc.dialects.graph.shapes import SPATIAL
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.layouts import Order
from neuralc.emit.python.expressions import Value, call
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values
from neuralc.emit.torch.layers import square, symmetric_padding
from neuralc.emit.torch.lower_layers import padded
from neuralc.emit.torch.lower_moves import pad_argument

Pool = MaxPoolOp | AveragePoolOp | ArgMaxPoolOp


def entries_of_axes(op: Pool, key: str, axes: Order, other: Any = 1) -> tuple[Any, ...]:
    """Entries of the spatial dims with those of the other axes, in an order of axes."""
    spatial, entries = SPATIAL[op.literal("data_format")], op.literal(key)
    return tuple(entries[spatial.index(axis)] if axis in spatial else other for axis in axes)


def padding_of_axes(values: Values, op: Pool, axes: Order) -> tuple[tuple[int, int], ...] | None:
    """The padding of each axis, with what the last windows of ceil_mode reach past it.

    None, and the op refused, where that depends on a symbolic size.
    """
    spatial, pads, window = SPATIAL[op.literal("data_format")], op.literal("pads"), op.literal("window")
    shape, counts, rank = shape_of(op.x.type), shape_of(op.results[0].type), len(window)
    found = {axis: (pads[i], pads[i + rank]) for i, axis in enumerate(spatial)}
    for index, axis in enumerate(spatial if op.literal("ceil_mode") else ()):
        reach = op.literal("dilations")[index] * (window[index] - 1) + 1
        last = (as_dim(counts[axis]) - 1) * op.literal("strides")[index] + reach
        more = last - (as_dim(shape[axis]) + sum(found[axis]))
        if not more.is_static:
            values.refuse(op, "how far a last window reaches depends on a symbolic size")
            return None
        found[axis] = (found[axis][0], found[axis][1] + max(more.value, 0))
    return tuple(found.get(axis, (0, 0)) for axis in axes)


def _written(values: Values, op: MaxPoolOp | AveragePoolOp, function: str) -> None:
    """By a function of the file, over all axes in the order that they have."""
    axes = values.layouts.needs[op][0]
    padding = padding_of_axes(values, op, axes)
    if padding is None:
        return
    x = values.operand(op, 0)
    if isinstance(op, AveragePoolOp) and op.literal("count_include_pad") and any(op.literal("pads")):
        pads, rank = op.literal("pads"), len(op.literal("window"))
        own = {axis: (pads[i], pads[i + rank]) for i, axis in enumerate(SPATIAL[op.literal("data_format")])}
        counted = [own.get(axis, (0, 0)) for axis in axes]
        around = pad_argument([low for low, _ in counted], [high for _, high in counted])
        sizes = tuple(size + low + high for size, (low, high) in zip(x.shape, counted, strict=True))
        x = values.add(Kind.PAD, [x], lambda x: call("F.pad", x[0], around), sizes)
        padding = tuple((low - a, high - b) for (low, high), (a, b) in zip(padding, counted, strict=True))
    window, strides, dilations = (entries_of_axes(op, key, axes) for key in ("window", "strides", "dilations"))
    values.helpers.add(function)
    values.define(op, Kind.POOL, [x], lambda x: call(function, x[0], window, strides, padding, dilations))


def _max_pool(values: Values, op: MaxPoolOp) -> None:
    window, rank = op.literal("window"), len(op.literal("window"))
    late = op.literal("ceil_mode") and not _fits_pool(op.literal("pads"), window)
    if late or not is_float(element_of(op.x.type)) or rank > 3:
        _written(values, op, "max_pool")
        return
    x, options = _pool_operand(values, op, fill=float("-inf"))
    if op.literal("dilations") != (1,) * rank:
        options["dilation"] = square(op.literal("dilations"))
    values.define(op, Kind.POOL, [x], lambda x: call(f"F.max_pool{rank}d", x[0], square(window), **options))


def _average_pool(values: Values, op: AveragePoolOp) -> None:
    window, strides, pads = square(op.literal("window")), square(op.literal("strides")), op.literal("pads")
    rank = len(op.literal("window"))
    counts_pads = op.literal("count_include_pad") or not any(pads)
    fits = _fits_pool(pads, op.literal("window"))
    late = not fits and (op.literal("ceil_mode") or (rank != 2 and not counts_pads))
    if late or op.literal("dilations") != (1,) * rank or rank > 3:
        _written(values, op, "mean_pool")
        return
    if not counts_pads and not fits:
        values.helpers.add("average_pool")
        x, around = values.operand(op, 0), pad_argument(pads[:rank], pads[rank:])
        values.define(op, Kind.POOL, [x], lambda x: call("average_pool", x[0], window, strides, around))
        return
    x, options = _pool_operand(values, op, fill=None)
    if not counts_pads:
        options["count_include_pad"] = False
    values.define(op, Kind.POOL, [x], lambda x: call(f"F.avg_pool{rank}d", x[0], window, **options))


def _pool_operand(
    values: Values, op: MaxPoolOp | AveragePoolOp, *, fill: float | None
) -> tuple[Node, dict[str, Value]]:
    """What is pooled, and the options beside the window: torch's stride is the window unless it is given."""
    window, strides, pads = (op.literal(key) for key in ("window", "strides", "pads"))
    x = values.operand(op, 0)
    options: dict[str, Value] = {} if strides == window else {"stride": square(strides)}
    if any(pads) and not _fits_pool(pads, window):
        return padded(values, x, pads, fill), options
    if any(pads):
        options["padding"] = square(pads[: len(window)])
    if op.literal("ceil_mode"):
        options["ceil_mode"] = True
    return x, options


def _fits_pool(pads: tuple[int, ...], window: Sequence[int]) -> bool:
    """True for padding that torch's pools take: the same on both sides, at most half a window."""
    padding = symmetric_padding(pads)
    return padding is not None and all(2 * pad <= size for pad, size in zip(padding, window, strict=True))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    AveragePoolOp: _average_pool,
    MaxPoolOp: _max_pool,
}
