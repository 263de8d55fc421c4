"""What the region of a reduction, a window or a scatter does with two values, where it is one op."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir

KINDS: Mapping[str, str] = {
    "stablehlo.add": "sum",
    "stablehlo.multiply": "prod",
    "stablehlo.maximum": "maximum",
    "stablehlo.minimum": "minimum",
    "stablehlo.and": "all",
    "stablehlo.or": "any",
}
"""The op in the region -> a kind of graph.reduce."""


def kind_of(block: ir.Block) -> str | None:
    """The kind of a region that combines its two arguments by one op; "second" for one that gives back the second."""
    ops = [op.operation for op in block.operations]
    first, second = (block.arguments[0], block.arguments[len(block.arguments) // 2])
    end = list(ops[-1].operands)
    if len(ops) == 1 and end == [second]:
        return "second"
    if len(ops) != 2 or end != list(ops[0].results):
        return None
    operands = list(ops[0].operands)
    return KINDS.get(ops[0].name) if operands in ([first, second], [second, first]) else None
