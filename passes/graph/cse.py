"""graph-cse: equal ops on equal operands are one op, equal derivations are one weight.

    %k  = graph.get_weight @w -> ..
    %k2 = graph.get_weight @w -> ..                  %k = graph.get_weight @w -> ..
    %0  = graph.dense %x, %k -> ..          ->       %0 = graph.dense %x, %k -> ..
    %1  = graph.dense %x, %k2 -> ..                  %2 = graph.add %0, %0 -> ..
    %2  = graph.add %0, %1 -> ..

Ops of a block (also of one in control flow, by itself) are compared by kind, operands (in any order where the op
commutes), properties and result types. Only pure ops without regions take part. The op that stays is located at both
places. Derived weights with equal sources and equal regions arise where a shared layer was folded at each of its
uses.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, ModuleOp, SymbolRefAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import Rewriter
from xdsl.traits import Pure

from neuralc.dialects.control import blocks_in
from neuralc.dialects.graph import AddOp, GetWeightOp, MaximumOp, MinimumOp, MulOp, WeightOp, declared_states
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import fuse_locations

COMMUTATIVE = (AddOp, MulOp, MaximumOp, MinimumOp)


def _key(op: Operation, numbers: dict[SSAValue, int]) -> Hashable:
    """Equal for ops that compute the same. Values are numbered in the order of the text, so that keys are stable."""
    operands = [numbers[operand] for operand in op.operands]
    if isinstance(op, COMMUTATIVE):
        operands.sort()
    types = tuple(result.type for result in op.results)
    named = (*sorted(op.properties.items()), *sorted(op.attributes.items()))
    return type(op), tuple(operands), types, named


def _merge_ops(block: Block, context: PassContext) -> None:
    numbers: dict[SSAValue, int] = {argument: index for index, argument in enumerate(block.args)}
    first: dict[Hashable, Operation] = {}
    for op in list(block.ops):
        if op.has_trait(Pure) and not op.regions and op.results:
            kept = first.setdefault(_key(op, numbers), op)
            if kept is not op:
                _merge(kept, op)
                context.count("ops merged")
                continue
        for result in op.results:
            numbers[result] = len(numbers)


def _merge(kept: Operation, op: Operation) -> None:
    kept.location = fuse_locations((kept.location, op.location))
    for old, new in zip(op.results, kept.results, strict=True):
        old.replace_all_uses_with(new)
    Rewriter.erase_op(op)


def merge_weights(module: ModuleOp, context: PassContext) -> None:
    """Let equal derived weights be one; weights that are derived from merged ones may then be equal too."""
    kept: dict[Hashable, list[tuple[str, Region]]] = {}
    renamed: dict[str, str] = {}
    for weight in [op for op in module.body.block.ops if isinstance(op, WeightOp)]:
        if weight.body is None:
            continue
        name, sources = weight.sym_name.data, [renamed.get(source, source) for source in weight.source_names]
        weight.properties["sources"] = ArrayAttr([SymbolRefAttr(source) for source in sources])
        alike = kept.setdefault((weight.type, tuple(sources), tuple(sorted(weight.attributes.items()))), [])
        twin = next((other for other, body in alike if body.is_structurally_equivalent(weight.body)), None)
        if twin is None:
            alike.append((name, weight.body))
            continue
        context.remark("passed", weight, f"@{name} is computed as @{twin} is: one weight now")
        renamed[name] = twin
        Rewriter.erase_op(weight)
    for read in [op for op in module.walk() if isinstance(op, GetWeightOp) and op.weight_name in renamed]:
        read.properties["weight"] = SymbolRefAttr(renamed[read.weight_name])
    for state in declared_states(module).values():
        if state.initial_weight in renamed:
            state.properties["initial"] = SymbolRefAttr(renamed[state.initial_weight])


@dataclass(frozen=True)
class CsePass(ModulePass):
    name = "graph-cse"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        merge_weights(module, context)
        for symbol in module.body.block.ops:
            for region in symbol.regions:
                for outer in region.blocks:
                    for block in blocks_in(outer):
                        _merge_ops(block, context)
