"""Reads and writes at places that other values say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    GatherElementsOp,
    GatherNdOp,
    GatherOp,
    ReverseSequenceOp,
    ScatterElementsOp,
    ScatterNdOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.keras.common import operands, shown_axis
from neuralc.emit.keras.lower_layers import layer_at, layer_call
from neuralc.emit.python.expressions import Precedence, Value, call, name
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.values import Values


def _gather(values: Values, op: GatherOp) -> None:
    layer = layer_at(values, op)
    if layer is not None:
        values.define(op, Kind.LAYER, [values.operand(op, 1)], lambda x: layer_call(values, layer, x[:1]))
        return
    rank = len(shape_of(op.x.type))
    axis = shown_axis(normalize_axis(op.literal("axis"), rank), rank)
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("ops.take", x[0], x[1], axis=axis))


def _gather_elements(values: Values, op: GatherElementsOp) -> None:
    """The indices may be fewer along the other axes than x has places: then a part of x is read."""
    shape, indices = shape_of(op.x.type), shape_of(op.indices.type)
    axis = normalize_axis(op.literal("axis"), len(shape))
    cut = [":"] * len(shape)
    for i, (size, count) in enumerate(zip(shape, indices, strict=True)):
        if i == axis or size == count:
            continue
        if not isinstance(count, int):
            values.refuse(op, f"along axis {i} there are {count} indices for {size} places")
            return
        cut[i] = f":{count}"
    subscripts = "" if all(text == ":" for text in cut) else f"[{', '.join(cut)}]"
    values.define(
        op,
        Kind.OTHER,
        operands(values, op),
        lambda x: call("ops.take_along_axis", name(f"{x[0].within(Precedence.ATOM)}{subscripts}"), x[1], axis=axis),
    )


def _gather_nd(values: Values, op: GatherNdOp) -> None:
    values.helpers.add("gather_nd")
    options: dict[str, Value] = {"batch_dims": op.literal("batch_dims")} if op.literal("batch_dims") else {}
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("gather_nd", *x, **options))


REDUCTIONS = {"set": None, "add": "add", "mul": "mul", "maximum": "max", "minimum": "min"}
"""What Keras calls the ways to combine a value with an update."""


def _kind(values: Values, op: ScatterElementsOp | ScatterNdOp) -> dict[str, Value] | None:
    kind = op.literal("kind")
    if kind not in REDUCTIONS:
        values.refuse(op, f"Keras does not combine values by {kind}")
        return None
    return {} if kind == "set" else {"reduction": REDUCTIONS[kind]}


def _scatter_elements(values: Values, op: ScatterElementsOp) -> None:
    options = _kind(values, op)
    if options is not None:
        axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
        values.helpers.add("scatter_elements")
        values.define(
            op, Kind.OTHER, operands(values, op), lambda x: call("scatter_elements", *x, axis=axis, **options)
        )


def _scatter_nd(values: Values, op: ScatterNdOp) -> None:
    options = _kind(values, op)
    if options is None:
        return
    if shape_of(op.indices.type)[-1] == 0:
        values.refuse(op, "indices without entries choose the whole tensor")
        return
    values.helpers.add("scatter_nd")
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("scatter_nd", *x, **options))


def _reverse_sequence(values: Values, op: ReverseSequenceOp) -> None:
    rank = len(shape_of(op.x.type))
    options: dict[str, Value] = {name: normalize_axis(op.literal(name), rank) for name in ("batch_axis", "time_axis")}
    values.helpers.add("reverse_sequence")
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("reverse_sequence", *x, **options))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GatherElementsOp: _gather_elements,
    GatherNdOp: _gather_nd,
    GatherOp: _gather,
    ReverseSequenceOp: _reverse_sequence,
    ScatterElementsOp: _scatter_elements,
    ScatterNdOp: _scatter_nd,
}
