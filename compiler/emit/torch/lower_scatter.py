"""Reads and writes at places that other values say: `torch.gather`, `scatter`, functions of the file for vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    GatherElementsOp,
    GatherNdOp,
    ReverseSequenceOp,
    ScatterElementsOp,
    ScatterNdOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Value, call, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values

KINDS = {"set": "set", "add": "sum", "mul": "prod", "maximum": "amax", "minimum": "amin"}
"""torch's names of reductions by the kind of a scatter."""


def naturals(values: Values, op: Operation) -> list[Node]:
    """The operands with their axes in the model's order."""
    return [values.at(value, natural(value)) for value in op.operands]


def _axis(op: GatherElementsOp | ScatterElementsOp) -> int:
    return normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))


def _from_start(values: Values, x: Expression, indices: Expression, axis: int) -> Expression:
    """torch counts no places from the end here."""
    return call("from_start", indices, name(f"{x}.shape[{axis}]"))


def _gather_elements(values: Values, op: GatherElementsOp) -> None:
    axis = _axis(op)
    values.helpers.add("from_start")
    values.define(
        op,
        Kind.OTHER,
        naturals(values, op),
        lambda x: call("torch.gather", x[0], axis, _from_start(values, x[0], _long(x[1]), axis)),
    )


def _long(indices: Expression) -> Expression:
    return call(f"{indices}.long")


def _gather_nd(values: Values, op: GatherNdOp) -> None:
    values.helpers.add("gather_nd")
    batch: list[Value] = [op.literal("batch_dims")] if op.literal("batch_dims") else []
    values.define(op, Kind.OTHER, naturals(values, op), lambda x: call("gather_nd", x[0], _long(x[1]), *batch))


def _scatter_elements(values: Values, op: ScatterElementsOp) -> None:
    axis, kind = _axis(op), KINDS[op.literal("kind")]
    values.helpers |= {"scatter", "from_start"}

    def render(x: Sequence[Expression]) -> Expression:
        return call("scatter", x[0], axis, _from_start(values, x[0], _long(x[1]), axis), x[2], kind)

    values.define(op, Kind.OTHER, naturals(values, op), render)


def _scatter_nd(values: Values, op: ScatterNdOp) -> None:
    values.helpers.add("scatter_nd")
    kind: list[Value] = [] if op.literal("kind") == "set" else [KINDS[op.literal("kind")]]
    values.define(op, Kind.OTHER, naturals(values, op), lambda x: call("scatter_nd", x[0], _long(x[1]), x[2], *kind))


def _reverse_sequence(values: Values, op: ReverseSequenceOp) -> None:
    rank = len(shape_of(op.x.type))
    axes = [normalize_axis(op.literal(key), rank) for key in ("batch_axis", "time_axis")]
    values.helpers.add("reverse_sequence")
    values.define(op, Kind.OTHER, naturals(values, op), lambda x: call("reverse_sequence", *x, *axes))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GatherElementsOp: _gather_elements,
    GatherNdOp: _gather_nd,
    ReverseSequenceOp: _reverse_sequence,
    ScatterElementsOp: _scatter_elements,
    ScatterNdOp: _scatter_nd,
}
