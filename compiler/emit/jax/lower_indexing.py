"""Reads and writes at places that other values say: subscripts, `take_along_axis` and `.at[]`.

What lies outside is read from the nearest place, or not written, where neuralc itself ends the run: XLA has no errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from neuralc.emit.jax.lower_functions import operands
from neuralc.emit.jax.lower_moves import subscripted
from neuralc.emit.python.expressions import Expression, Precedence, call, method, name
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.values import Values

_UPDATES = {"set": "set", "add": "add", "mul": "multiply", "maximum": "max", "minimum": "min"}
"""The methods of `x.at[places]` by the kind of a scatter."""

_WHOLE = {"add": "sum", "mul": "prod", "maximum": "max", "minimum": "min"}
"""The methods of an array that combine several by the kind of a scatter."""


def _gather(values: Values, op: GatherOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    nodes = operands(values, op)
    # Rows of a table of weights are what an embedding gives.
    kind = Kind.LAYER if nodes[0].kind is Kind.INLINE else Kind.SUBSCRIPT
    values.define(op, kind, nodes, lambda x: _at(x[0], f"{':, ' * axis}{x[1]}"))


def _at(x: Expression, places: str) -> Expression:
    return name(f"{x.within(Precedence.ATOM)}[{places}]")


def _gather_elements(values: Values, op: GatherElementsOp) -> None:
    """`take_along_axis` wants all other sizes equal: x is cut to those of the indices."""
    before, after = shape_of(op.x.type), shape_of(op.indices.type)
    axis = normalize_axis(op.literal("axis"), len(before))
    wanted = [
        ":" if own == other or index == axis or not isinstance(other, int) else f":{other}"
        for index, (own, other) in enumerate(zip(before, after, strict=True))
    ]
    fits = all(isinstance(size, int) or size == before[i] or i == axis for i, size in enumerate(after))
    if not fits:
        values.refuse(op, "the indices have a symbolic size that x does not have")
        return
    values.define(
        op,
        Kind.OTHER,
        operands(values, op),
        lambda x: call("jnp.take_along_axis", subscripted(x[0], wanted), x[1], axis=axis),
    )


def _gather_nd(values: Values, op: GatherNdOp) -> None:
    length, batch = shape_of(op.indices.type)[-1], op.literal("batch_dims")
    if length:
        values.helpers.add("places_at")

    def whole(x: Expression, vectors: Expression) -> Expression:
        """Vectors of no places read everything."""
        return call("jnp.broadcast_to", x, name(f"(*{vectors}.shape[:-1], *{x}.shape)"))

    def parts(x: Expression, vectors: Expression) -> Expression:
        return _at(x, f"places_at({vectors})")

    def render(x: Sequence[Expression]) -> Expression:
        function = parts if length else whole
        if not batch:
            return function(x[0], x[1])
        read = f"lambda x, vectors: {function(name('x'), name('vectors'))}"
        for _ in range(batch):
            read = f"jax.vmap({read})"
        return call(read, x[0], x[1])

    values.define(op, Kind.OTHER, operands(values, op), render)


def _scatter_elements(values: Values, op: ScatterElementsOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    values.helpers.add("places_along")
    _scatter(values, op, lambda indices: call("places_along", indices, axis))


def _scatter_nd(values: Values, op: ScatterNdOp) -> None:
    if shape_of(op.indices.type)[-1] == 0:
        values.define(op, Kind.OTHER, operands(values, op), lambda x: _replaced(op.literal("kind"), x[0], x[2]))
        return
    values.helpers.add("places_at")
    _scatter(values, op, lambda indices: call("places_at", indices))


def _replaced(kind: str, x: Expression, updates: Expression) -> Expression:
    """Vectors of no places: one update after the other of everything."""
    all_of_it = call("jnp.concatenate", name(f"[{x}[None], {updates}.reshape(-1, *{x}.shape)]"))
    return _at(all_of_it, "-1") if kind == "set" else method(all_of_it, _WHOLE[kind], axis=0)


def _scatter(values: Values, op: ScatterElementsOp | ScatterNdOp, places: Callable[[Expression], Expression]) -> None:
    function = _UPDATES[op.literal("kind")]
    values.define(
        op,
        Kind.OTHER,
        operands(values, op),
        lambda x: call(f"{x[0].within(Precedence.ATOM)}.at[{places(x[1])}].{function}", x[2]),
    )


def _reverse_sequence(values: Values, op: ReverseSequenceOp) -> None:
    rank = len(shape_of(op.x.type))
    axes = [normalize_axis(op.literal(key), rank) for key in ("batch_axis", "time_axis")]
    values.helpers.add("reverse_sequence")
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("reverse_sequence", *x, *axes))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    GatherElementsOp: _gather_elements,
    GatherNdOp: _gather_nd,
    GatherOp: _gather,
    ReverseSequenceOp: _reverse_sequence,
    ScatterElementsOp: _scatter_elements,
    ScatterNdOp: _scatter_nd,
}
