"""Equal values are computed once: the common subexpressions of one kernel.

A value is the same as an earlier one that is visible where it stands, when op, operands and attributes are the same and
the op has no effect. Two loads are the same only while nothing is stored in between: references may overlap.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from xdsl.ir import Block, Operation
from xdsl.rewriter import Rewriter
from xdsl.traits import is_side_effect_free

from neuralc.dialects import kernel
from neuralc.passes.base import PassContext


@dataclass
class _Scope:
    """The values of a block, and of the blocks around it."""

    outer: _Scope | None = None
    values: dict[Hashable, Operation] = field(default_factory=dict)
    loads: dict[Hashable, Operation] = field(default_factory=dict)

    def find(self, key: Hashable) -> Operation | None:
        scope: _Scope | None = self
        while scope is not None:
            if key in scope.values:
                return scope.values[key]
            scope = scope.outer
        return None


def merge_common_values(block: Block, context: PassContext) -> bool:
    """Replace every value of a block and of its loops that is known already; True when there was one."""
    merged = _block(block, _Scope())
    if merged:
        context.count("common values merged", merged)
    return merged > 0


def _block(block: Block, scope: _Scope) -> int:
    merged = 0
    for op in list(block.ops):
        for region in op.regions:
            for inner in region.blocks:
                merged += _block(inner, _Scope(scope))
        if _writes(op):
            scope.loads.clear()
        if isinstance(op, kernel.LoadOp | kernel.GatherOp):
            earlier = scope.loads.setdefault(_key(op), op)
        elif op.results and not op.regions and is_side_effect_free(op):
            earlier = scope.find(_key(op)) or scope.values.setdefault(_key(op), op)
        else:
            continue
        if earlier is not op:
            Rewriter.replace_op(op, [], earlier.results)
            merged += 1
    return merged


def _writes(op: Operation) -> bool:
    return any(kernel.written_memory(inner) is not None for inner in op.walk())


def _key(op: Operation) -> Hashable:
    return (
        op.name,
        tuple(op.operands),
        tuple(result.type for result in op.results),
        frozenset(op.properties.items()),
        frozenset(op.attributes.items()),
    )
