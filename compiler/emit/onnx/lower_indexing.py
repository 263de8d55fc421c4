"""Reads and writes where other values say: Gather, Scatter and their relatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.onnx.element_types import f32, f64
from neuralc.emit.onnx.values import Values, is_float

REDUCTIONS: Mapping[str, str] = {"add": "add", "mul": "mul", "maximum": "max", "minimum": "min"}
"""Kinds of a scatter, as ONNX names them: add and mul since version 16, the extremes since 18."""


def _gather(values: Values, op: graph.GatherOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    values.define(op, "Gather", *values.operands(op), axis=axis or None)


def _gather_elements(values: Values, op: graph.GatherElementsOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    values.define(op, "GatherElements", *values.operands(op), axis=axis or None)


def _gather_nd(values: Values, op: graph.GatherNdOp) -> None:
    x, indices = values.operands(op)
    if shape_of(op.indices.type)[-1] == 0:
        values.refuse(op, "index vectors without a number")
        return
    values.define(op, "GatherND", x, values.cast(indices, i64), batch_dims=op.literal("batch_dims") or None)


def _scatter_elements(values: Values, op: graph.ScatterElementsOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    x, indices, updates = values.operands(op)
    _scatter(values, op, "ScatterElements", x, indices, updates, axis=axis or None)


def _scatter_nd(values: Values, op: graph.ScatterNdOp) -> None:
    x, indices, updates = values.operands(op)
    if shape_of(op.indices.type)[-1] == 0:
        values.refuse(op, "index vectors without a number")
        return
    _scatter(values, op, "ScatterND", x, values.cast(indices, i64), updates)


def _scatter(
    values: Values, op: Operation, operator: str, x: str, indices: str, updates: str, **attributes: Any
) -> None:
    """Combined numbers of 16 bits are so in 32: onnxruntime adds no fp16."""
    kind = op.properties["kind"].data if hasattr(op.properties["kind"], "data") else "set"
    if kind == "set":
        values.define(op, operator, x, indices, updates, **attributes)
        return
    values.writer.scope.opset.need(18 if kind in ("maximum", "minimum") else 16)
    own = element_of(op.results[0].type)
    narrow = is_float(own) and own not in (f32, f64)
    wide = f32 if narrow else own
    moved = [values.cast(name, wide) for name in (x, updates)]
    found = values(operator, moved[0], indices, moved[1], reduction=REDUCTIONS[kind], **attributes)
    values.result(op, values.cast(found, own))


def _reverse_sequence(values: Values, op: graph.ReverseSequenceOp) -> None:
    """Axes 0 and 1 alone, others change places; and at least one place a sequence, where 0 is the same as 1."""
    x, lengths = values.operands(op)
    rank = len(shape_of(op.x.type))
    batch, time = (normalize_axis(op.literal(name), rank) for name in ("batch_axis", "time_axis"))
    counts = values("Max", values.cast(lengths, i64), values.number(1, i64))
    if {batch, time} == {0, 1}:
        values.define(op, "ReverseSequence", x, counts, batch_axis=batch, time_axis=time)
        return
    order = [batch, time, *(axis for axis in range(rank) if axis not in (batch, time))]
    turned = values("ReverseSequence", values.transpose(x, order), counts, batch_axis=0, time_axis=1)
    values.define(op, "Transpose", turned, perm=[int(axis) for axis in np.argsort(order)])


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.GatherElementsOp: _gather_elements,
    graph.GatherNdOp: _gather_nd,
    graph.GatherOp: _gather,
    graph.ReverseSequenceOp: _reverse_sequence,
    graph.ScatterElementsOp: _scatter_elements,
    graph.ScatterNdOp: _scatter_nd,
}
