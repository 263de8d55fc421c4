"""Joining, repeating, reading by number, counting: `torch.cat`, `expand`, subscripts and `torch.arange`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import ConcatOp, ExpandOp, GatherOp, IotaOp, SizeOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.python.expressions import Expression, Precedence, call, method, name
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.sizes import Sizes, sized
from neuralc.emit.python.values import Values
from neuralc.emit.torch.lower_layers import apply_layer
from neuralc.emit.torch.lower_recurrent import made_by_layer


def _concat(values: Values, op: ConcatOp) -> None:
    if made_by_layer(values, op):
        return
    order = values.layouts.orders[op.result]
    axis = order.index(normalize_axis(op.literal("axis"), len(order)))
    shown = -1 if axis == len(order) - 1 else axis
    operands = [values.operand(op, index) for index in range(len(op.operands))]
    values.define(op, Kind.OTHER, operands, lambda x: call("torch.cat", tuple(x), dim=shown))


def _expand(values: Values, op: ExpandOp) -> None:
    """-1 keeps a size; a new one is a number or a size of an argument."""
    before, after = shape_of(op.x.type), shape_of(op.result.type)
    kept = (1,) * (len(after) - len(before)) + before
    fresh = len(after) - len(before)
    entries = [
        -1 if old == new and axis >= fresh else new for axis, (old, new) in enumerate(zip(kept, after, strict=True))
    ]
    sizes = Sizes(entries, values.inputs)
    if sizes.absent is not None:
        values.refuse(op, f"no argument has the size {sizes.absent}")
        return
    operands = [values.operand(op, 0), *sizes.nodes]
    values.define(op, Kind.VIEW, operands, lambda x: method(x[0], "expand", *sizes.written(x[1:])))


def _gather(values: Values, op: GatherOp) -> None:
    """A subscript, in which a negative number counts from the end too; rows of a weight are an embedding."""
    if op in values.plan.layer_at:
        apply_layer(values, op, index=1)
        return
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    before = ":, " * axis

    def render(x: Sequence[Expression]) -> Expression:
        return name(f"{x[0].within(Precedence.ATOM)}[{before}{x[1]}]")

    values.define(op, Kind.OTHER, [values.operand(op, 0), values.operand(op, 1)], render)


def _iota(values: Values, op: IotaOp) -> None:
    _counted(values, op, shape_of(op.result.type)[0], "torch.arange")


def _size(values: Values, op: SizeOp) -> None:
    _counted(values, op, op.dim.data, "torch.tensor")


def _counted(values: Values, op: IotaOp | SizeOp, size: int | Dim, function: str) -> None:
    """A tensor made of a size, where the first argument is."""
    found = sized(size, tuple(values.inputs))
    if found is None or not values.inputs:
        values.refuse(op, f"no argument has the size {size}")
        return
    place = found.nodes or (values.inputs[0],)

    def render(x: Sequence[Expression]) -> Expression:
        return call(function, found.expression(tuple(x[: len(found.nodes)])), device=name(f"{x[0]}.device"))

    values.define(op, Kind.OTHER, place, render)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ConcatOp: _concat,
    ExpandOp: _expand,
    GatherOp: _gather,
    IotaOp: _iota,
    SizeOp: _size,
}
