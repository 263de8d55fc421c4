"""kernel-dedup: kernels that do the same thing become one, whatever their values and dims are called.

    kernel.func @conv(%batch: index, ..) dims [batch] ..         kernel.func @conv(%batch: index, ..) dims [batch] ..
    kernel.func @conv_1(%rows: index, ..) dims [rows] ..    ->
    kernel.launch @conv[batch](%a, %w, %b)                       kernel.launch @conv[batch](%a, %w, %b)
    kernel.launch @conv_1[batch](%b, %v, %c)                     kernel.launch @conv[batch](%b, %v, %c)

The first of equal kernels stays. Equal means: the same ops on the same values in the same order, the same types up to
the names of dims, the same grid and attributes. Why: repeated blocks of a model give one kernel each; compiling it once
saves most of the compile time of a deep model, and its code stays in the instruction cache.
Must not fire where a constant, a stride or an attribute differs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, SymbolRefAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.types import RefType
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import fuse_locations


def structure_of(func: kernel.FuncOp) -> Hashable:
    """What is equal for two kernels exactly when they do the same thing: names and locations left out."""
    renamed = {name: Dim.symbol(f"d{number}") for number, name in enumerate(func.dims)}
    numbers: dict[SSAValue, int] = {}
    attributes = tuple(sorted(func.attributes.items()))
    return func.grid.data.substitute(renamed), attributes, _block(func.block, numbers, renamed)


def _block(block: Block, numbers: dict[SSAValue, int], renamed: Mapping[str, Dim]) -> Hashable:
    for argument in block.args:
        numbers[argument] = len(numbers)
    arguments = tuple(_type(argument.type, renamed) for argument in block.args)
    return arguments, tuple(_op(op, numbers, renamed) for op in block.ops)


def _op(op: Operation, numbers: dict[SSAValue, int], renamed: Mapping[str, Dim]) -> Hashable:
    operands = tuple(numbers[operand] for operand in op.operands)
    for result in op.results:
        numbers[result] = len(numbers)
    return (
        op.name,
        operands,
        tuple(_type(result.type, renamed) for result in op.results),
        tuple(sorted(op.properties.items(), key=lambda item: item[0])),
        tuple(sorted(op.attributes.items(), key=lambda item: item[0])),
        tuple(_block(block, numbers, renamed) for region in op.regions for block in region.blocks),
    )


def _type(type_: Attribute, renamed: Mapping[str, Dim]) -> Attribute:
    if not isinstance(type_, RefType):
        return type_
    shape = [size.substitute(renamed) for size in type_.dims.data]
    return RefType.of(shape, type_.element_type, [stride.substitute(renamed) for stride in type_.stride_dims.data])


@dataclass(frozen=True)
class DedupPass(ModulePass):
    name = "kernel-dedup"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        kept: dict[Hashable, kernel.FuncOp] = {}
        standing_for: dict[str, kernel.FuncOp] = {}
        for func in [op for op in module.body.block.ops if isinstance(op, kernel.FuncOp)]:
            first = kept.setdefault(structure_of(func), func)
            if first is not func:
                standing_for[func.sym_name.data] = first
                first.location = fuse_locations((first.location, func.location))
                context.count("kernels removed")
                context.remark("passed", func, f"@{func.sym_name.data} is the same as @{first.sym_name.data}")
                Rewriter.erase_op(func)
        for op in module.walk():
            if isinstance(op, kernel.LaunchOp) and op.callee_name in standing_for:
                op.properties["callee"] = SymbolRefAttr(standing_for[op.callee_name].sym_name.data)
