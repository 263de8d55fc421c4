"""Layers with parameters or windows: calls of `self.<layer>`, pools, and the padding torch's layers cannot do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    BatchNormOp,
    ConvOp,
    ConvTransposeOp,
    DenseOp,
    GroupNormOp,
    LayerNormOp,
    PreluOp,
    RmsNormOp,
)
from neuralc.dialects.types import element_of, is_float
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Value, binary, call, method, name
from neuralc.emit.python.nodes import Kind, Node, Render
from neuralc.emit.python.values import Values
from neuralc.emit.torch.layers import cropped_alike, function_options, square, symmetric_padding
from neuralc.emit.torch.lower_moves import pad_argument, subscripted
from neuralc.emit.torch.orders import is_per_channel

_KINDS: dict[type[Operation], Kind] = {
    **dict.fromkeys((BatchNormOp, GroupNormOp, LayerNormOp, RmsNormOp), Kind.NORM),
    PreluOp: Kind.ACTIVATION,
}


def apply_layer(values: Values, op: Operation, index: int = 0) -> None:
    """The layer of an op, applied to one of its operands."""
    _apply(values, op, values.operand(op, index))


def _apply(values: Values, op: Operation, x: Node) -> None:
    function = values.form.access(values.plan.layer_at[op].attribute)
    values.define(op, _KINDS.get(type(op), Kind.LAYER), [x], lambda x: call(function, x[0]))


def _dense(values: Values, op: DenseOp) -> None:
    """A kernel that is computed, or that is shared with another layer, is multiplied with as it is."""
    if op in values.plan.layer_at:
        apply_layer(values, op)
        return
    operands = [values.operand(op, index) for index in range(len(op.operands))]

    def render(x: Sequence[Expression]) -> Expression:
        product = binary("@", x[0], x[1])
        return binary("+", product, x[2]) if len(x) > 2 else product

    values.define(op, Kind.LAYER, operands, render)


def _batch_norm(values: Values, op: BatchNormOp) -> None:
    if op in values.plan.layer_at:
        apply_layer(values, op)
        return
    gamma, beta, mean, variance = (values.operand(op, index) for index in range(1, 5))
    operands = [values.operand(op, 0), mean, variance, gamma, beta]
    values.define(op, Kind.NORM, operands, lambda x: call("F.batch_norm", *x, eps=op.literal("epsilon")))


def _conv(values: Values, op: ConvOp) -> None:
    x, pads = values.operand(op, 0), op.literal("pads")
    padding = symmetric_padding(pads)
    inside = x if padding else padded(values, x, pads)
    if op in values.plan.layer_at:
        _apply(values, op, inside)
    elif is_float(element_of(op.x.type)):
        rank = len(pads) // 2
        kernel = values.at(op.kernel, (rank + 1, rank, *range(rank)))
        bias = [] if op.bias is None else [values.operand(op, 2)]
        options = function_options(op, padding)
        values.define(op, Kind.LAYER, [inside, kernel, *bias], lambda x: call(f"F.conv{rank}d", *x, **options))


def _conv_transpose(values: Values, op: ConvTransposeOp) -> None:
    """The layer crops both ends of a dim alike; what one end loses more is taken from its result."""
    pads, alike = op.literal("pads"), cropped_alike(op)
    rank = len(alike)
    if not is_float(element_of(op.x.type)):
        return
    if pads == (*alike, *alike) and op in values.plan.layer_at:
        apply_layer(values, op)
        return
    more = [(pads[i] - alike[i], pads[i + rank] - alike[i]) for i in range(rank)]
    subscripts = [":", ":", *(f"{low or ''}:{-high or ''}" for low, high in more)]
    shape = values.shape(op.result, values.layouts.orders[op.result])
    sizes = [size + low + high for size, (low, high) in zip(shape[2:], more, strict=True)]
    operands, applied = _transposed(values, op, rank)
    if pads == (*alike, *alike):
        values.define(op, Kind.LAYER, operands, applied)
        return
    whole = values.add(Kind.LAYER, operands, applied, (*shape[:2], *sizes))
    values.define(op, Kind.VIEW, [whole], lambda x: subscripted(x[0], subscripts))


def _transposed(values: Values, op: ConvTransposeOp, rank: int) -> tuple[list[Node], Render]:
    """The layer applied, or the function of a kernel that is no layer's."""
    x = values.operand(op, 0)
    if op in values.plan.layer_at:
        function = values.form.access(values.plan.layer_at[op].attribute)
        return [x], lambda x: call(function, x[0])
    options = function_options(op, cropped_alike(op))
    if any(op.literal("output_padding")):
        options["output_padding"] = square(op.literal("output_padding"))
    kernel = values.at(op.kernel, (rank, rank + 1, *range(rank)))
    bias = [] if op.bias is None else [values.operand(op, 2)]
    return [x, kernel, *bias], lambda x: call(f"F.conv_transpose{rank}d", *x, **options)


def _prelu(values: Values, op: PreluOp) -> None:
    """Slopes that are no layer's stand where the channels are: at axis 1, or as they broadcast."""
    if op in values.plan.layer_at:
        apply_layer(values, op)
        return
    x, alpha = values.operand(op, 0), values.at(op.alpha, natural(op.alpha))
    if is_per_channel(op.x, op.alpha) and len(x.shape) > 2:
        ones = (1,) * (len(x.shape) - 2)
        alpha = values.add(Kind.VIEW, [alpha], lambda x: method(x[0], "reshape", -1, *ones), (alpha.shape[-1], *ones))

    def render(x: Sequence[Expression]) -> Expression:
        return call("torch.where", name(f"{x[0]} >= 0"), x[0], binary("*", x[1], x[0]))

    values.define(op, Kind.OTHER, [x, alpha], render)


def padded(values: Values, x: Node, pads: Sequence[int], fill: float | None = None) -> Node:
    """`x`, channels at axis 1, with padding written out."""
    rank = len(pads) // 2
    options: dict[str, Value] = {} if fill is None else {"value": fill}
    sizes = [size + pads[i] + pads[i + rank] for i, size in enumerate(x.shape[2:])]
    around = pad_argument(pads[:rank], pads[rank:])
    return values.add(Kind.PAD, [x], lambda x: call("F.pad", x[0], around, **options), (*x.shape[:2], *sizes))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    BatchNormOp: _batch_norm,
    ConvOp: _conv,
    ConvTransposeOp: _conv_transpose,
    DenseOp: _dense,
    PreluOp: _prelu,
}
