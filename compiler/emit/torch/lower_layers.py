"""Layers with parameters or windows: calls of `self.<layer>`, pools, and the padding torch's layers cannot do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    AveragePoolOp,
    BatchNormOp,
    ConvOp,
    DenseOp,
    DropoutOp,
    MaxPoolOp,
    PreluOp,
)
from neuralc.emit.python.expressions import Value, call, name
from neuralc.emit.torch.layers import square, symmetric_padding
from neuralc.emit.torch.layouts import is_per_channel
from neuralc.emit.torch.nodes import Kind, Node
from neuralc.emit.torch.values import Values

_KINDS: dict[type[Operation], Kind] = {BatchNormOp: Kind.NORM, DropoutOp: Kind.OTHER, PreluOp: Kind.ACTIVATION}


def _layer(values: Values, op: Operation) -> None:
    _apply(values, op, values.operand(op, 0))


def _apply(values: Values, op: Operation, x: Node) -> None:
    # A layer that was refused has no attribute; nothing is written then.
    layer = values.plan.layer_at.get(op)
    function = f"self.{layer.attribute}" if layer else "..."
    values.define(op, _KINDS.get(type(op), Kind.LAYER), [x], lambda x: call(function, x[0]))


def _conv(values: Values, op: ConvOp) -> None:
    x = values.operand(op, 0)
    pads = op.literal("pads")
    _apply(values, op, x if symmetric_padding(pads) else _padded(values, x, pads))


def _prelu(values: Values, op: PreluOp) -> None:
    if is_per_channel(op.x, op.alpha):
        _layer(values, op)
        return
    operands = [values.operand(op, 0), values.operand(op, 1)]
    values.define(
        op, Kind.OTHER, operands, lambda x: call("torch.where", name(f"{x[0]} >= 0"), x[0], name(f"{x[1]} * {x[0]}"))
    )


def _max_pool(values: Values, op: MaxPoolOp) -> None:
    window = square(op.literal("window"))
    x, options = _pool_operand(values, op, fill=float("-inf"))
    values.define(op, Kind.POOL, [x], lambda x: call("F.max_pool2d", x[0], window, **options))


def _average_pool(values: Values, op: AveragePoolOp) -> None:
    window, strides, pads = square(op.literal("window")), square(op.literal("strides")), op.literal("pads")
    counts_pads = op.literal("count_include_pad") or not any(pads)
    if not counts_pads and not _fits_pool(pads, op.literal("window")):
        values.needs_average_pool = True
        x, around = values.operand(op, 0), _pad_argument(pads)
        values.define(op, Kind.POOL, [x], lambda x: call("average_pool", x[0], window, strides, around))
        return
    x, options = _pool_operand(values, op, fill=None)
    if not counts_pads:
        options["count_include_pad"] = False
    values.define(op, Kind.POOL, [x], lambda x: call("F.avg_pool2d", x[0], window, **options))


def _pool_operand(
    values: Values, op: MaxPoolOp | AveragePoolOp, *, fill: float | None
) -> tuple[Node, dict[str, Value]]:
    """What is pooled, and the options beside the window: torch's stride is the window unless it is given."""
    window, strides, pads = (op.literal(key) for key in ("window", "strides", "pads"))
    x = values.operand(op, 0)
    options: dict[str, Value] = {} if strides == window else {"stride": square(strides)}
    if not any(pads):
        return x, options
    if _fits_pool(pads, window):
        options["padding"] = square(pads[:2])
        return x, options
    return _padded(values, x, pads, fill), options


def _fits_pool(pads: tuple[int, ...], window: Sequence[int]) -> bool:
    """True for padding that torch's pools take: the same on both sides, at most half a window."""
    padding = symmetric_padding(pads)
    return padding is not None and all(2 * pad <= size for pad, size in zip(padding, window, strict=True))


def _padded(values: Values, x: Node, pads: Sequence[int], fill: float | None = None) -> Node:
    """`x`, channels at axis 1, with padding written out."""
    top, left, bottom, right = pads
    options: dict[str, Value] = {} if fill is None else {"value": fill}
    *outer, height, width = x.shape
    shape = (*outer, height + top + bottom, width + left + right)
    around = _pad_argument(pads)
    return values.add(Kind.PAD, [x], lambda x: call("F.pad", x[0], around, **options), shape)


def _pad_argument(pads: Sequence[int]) -> tuple[Value, ...]:
    """torch's order: from the last axis to the first, low before high."""
    top, left, bottom, right = pads
    return (left, right, top, bottom)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    AveragePoolOp: _average_pool,
    BatchNormOp: _layer,
    ConvOp: _conv,
    DenseOp: _layer,
    DropoutOp: _layer,
    MaxPoolOp: _max_pool,
    PreluOp: _prelu,
}
