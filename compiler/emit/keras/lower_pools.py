"""Pooling: Keras's layers and functions where they have the padding, a helper of the file for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import ArgMaxPoolOp, AveragePoolOp, MaxPoolOp
from neuralc.dialects.graph.shapes import CHANNEL, CHANNELS_LAST
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.keras.common import applied, dtype_name, is_functional
from neuralc.emit.keras.layers import square
from neuralc.emit.keras.lower_pads import padded
from neuralc.emit.keras.same_padding import around, padding_name
from neuralc.emit.python.expressions import Expression, Value, call
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values

Pool = MaxPoolOp | AveragePoolOp | ArgMaxPoolOp


def _max_pool(values: Values, op: MaxPoolOp) -> None:
    x, name = values.operand(op, 0), _padding(values, op)
    if not is_float(element_of(op.x.type)) or _is_odd(values, op):
        _written(values, op, "max")
        return
    if name is None:
        x, name = padded(values, x, around(op.literal("pads")), float("-inf")), "valid"
    _pool(values, op, x, "MaxPooling", "max_pool", name)


def _average_pool(values: Values, op: AveragePoolOp) -> None:
    x, name, counts = values.operand(op, 0), _padding(values, op), op.literal("count_include_pad")
    if _is_odd(values, op) or (name is None and not counts):
        _written(values, op, "mean")
        return
    if counts and any(op.literal("pads")):
        x, name = padded(values, x, around(op.literal("pads"))), "valid"
    _pool(values, op, x, "AveragePooling", "average_pool", name or "valid")


def _pool(values: Values, op: Pool, x: Node, layer: str, function: str, padding: str) -> None:
    window, strides, rank = op.literal("window"), op.literal("strides"), len(op.literal("window"))
    options: dict[str, Value] = {} if strides == window else {"strides": square(strides)}
    if padding != "valid":
        options["padding"] = padding

    def render(x: Sequence[Expression]) -> Expression:
        if is_functional(values):
            return applied(f"{layer}{rank}D", x[0], square(window), **options)
        return call(f"ops.{function}", x[0], square(window), **options)

    values.define(op, Kind.POOL, [x], render)


def _padding(values: Values, op: Pool) -> str | None:
    """The padding by its name, where Keras has one for it."""
    sizes = values.operand(op, 0).shape[1:-1]
    return padding_name(sizes, op.literal("window"), op.literal("strides"), op.literal("dilations"), op.literal("pads"))


def _is_odd(values: Values, op: Pool) -> bool:
    """True for what no pool of Keras does: dilations, a last window that reaches over the end."""
    if max(op.literal("dilations")) > 1:
        return True
    sizes, counts = values.operand(op, 0).shape[1:-1], _result(values, op)[1:-1]
    pads, rank = op.literal("pads"), len(sizes)
    reached = [
        size + pads[i] + pads[i + rank] - ((count - 1) * op.literal("strides")[i] + op.literal("window")[i])
        for i, (size, count) in enumerate(zip(sizes, counts, strict=True))
    ]
    return bool(op.literal("ceil_mode")) and not all(isinstance(rest, int) and rest >= 0 for rest in reached)


def _result(values: Values, op: Pool) -> tuple[Any, ...]:
    return values.shape(op.result, values.layouts.orders[op.result])


def _written(values: Values, op: Pool, kind: str) -> None:
    """Windows as an axis, which is then reduced."""
    values.helpers.add(f"{kind}_pool")
    window, strides, dilations, pads = (op.literal(key) for key in ("window", "strides", "dilations", "pads"))
    counts = _counts(values, op)
    if counts is None:
        values.refuse(op, "a pool that Keras has no layer for needs sizes that are known")
        return
    options: dict[str, Value] = {}
    if kind == "mean" and op.literal("count_include_pad"):
        options["count_padding"] = True
    values.define(
        op,
        Kind.POOL,
        [values.operand(op, 0)],
        lambda x: call(f"{kind}_pool", x[0], window, strides, dilations, around(pads), counts, **options),
    )


def _counts(values: Values, op: Pool) -> tuple[int, ...] | None:
    """How many windows there are along each dim."""
    counts = _result(values, op)[1:-1]
    sizes = values.operand(op, 0).shape[1:-1]
    return tuple(counts) if all(isinstance(size, int) for size in (*counts, *sizes)) else None


def _arg_max_pool(values: Values, op: ArgMaxPoolOp) -> None:
    """The place in x, flattened in the order of the model."""
    counts, shape = _counts(values, op), shape_of(op.x.type)
    if counts is None or not all(isinstance(size, int) for size in shape[1:]):
        values.refuse(op, "the places of the values need sizes that are known")
        return
    rank, channel = len(counts), CHANNEL[op.literal("data_format")]
    last = op.literal("data_format") == CHANNELS_LAST[rank]
    channels = shape[channel]
    sizes = [size for axis, size in enumerate(shape) if axis not in (0, channel % len(shape))]
    spatial = _strides(sizes, bool(op.literal("column_major")))
    if last:
        spatial = [stride * int(str(channels)) for stride in spatial]
    whole = 1
    for size in shape[1:]:
        whole *= int(str(size))
    steps = (whole, *spatial, 1 if last else whole // int(str(channels)))
    window, strides, dilations, pads = (op.literal(key) for key in ("window", "strides", "dilations", "pads"))
    values.helpers.add("arg_max_pool")
    values.define(
        op,
        Kind.OTHER,
        [values.operand(op, 0)],
        lambda x: call("arg_max_pool", x[0], window, strides, dilations, around(pads), counts, steps),
    )


def _strides(sizes: Sequence[Any], column_major: bool) -> list[int]:
    """How far the places along each spatial dim are apart."""
    strides, step = [0] * len(sizes), 1
    order = range(len(sizes)) if column_major else reversed(range(len(sizes)))
    for axis in order:
        strides[axis] = step
        step *= int(str(sizes[axis]))
    return strides


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ArgMaxPoolOp: _arg_max_pool,
    AveragePoolOp: _average_pool,
    MaxPoolOp: _max_pool,
}
__all__ = ["LOWERINGS", "dtype_name"]
