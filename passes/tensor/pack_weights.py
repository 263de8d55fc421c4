"""tensor-pack-weights: lay the weights of contractions out in panels, as the kernel will read them.

    %w = graph.get_weight @dense.kernel                    graph.weight @dense.kernel.folded : tensor<8x784x16xf32>
    %y = tensor.group "dense"(%a = %x, %b = %w) { .. }        from (@dense.kernel) { tensor.pack {panel = 16} }
                                                    ->     %p = graph.get_weight @dense.kernel.folded
                                                           %w = tensor.unpack %p
                                                           %y = tensor.group "dense"(%a = %x, %b = %w) { .. }

A panel is as wide as the register tile: the innermost loop then reads memory front to back, aligned, without masks,
and no cache-set conflicts. Unpacking is a view that costs nothing; the packing runs at compile time.
Fires on contractions whose vector operand is a weight. Must not fire on a GPU, where blocks are loaded through shared
memory, nor on an activation: packing it would be work at run time (remark `missed`).
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph, tensor
from neuralc.dialects.kernel import RefType
from neuralc.dialects.types import as_tensor, shape_of
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.graph.fold_constants import FoldConstantsPass
from neuralc.passes.graph.weight_values import is_known
from neuralc.passes.lower.cpu.contract import find_roles
from neuralc.passes.lower.cpu.schedules import register_tile
from neuralc.passes.lower.nest import make_nest, merge_loops
from neuralc.passes.target import Target


@dataclass(frozen=True)
class PackWeightsPass(ModulePass):
    """Packs, then turns the packing into derived weights."""

    name = "tensor-pack-weights"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        if context.target is None:
            raise error("E0824", "tensor-pack-weights needs a target", help="add `--target cpu`")
        if context.target.name != "cpu":
            return
        for op in list(graph.the_model(module).block.ops):
            if isinstance(op, tensor.GroupOp) and isinstance(contract := op.block.first_op, tensor.ContractOp):
                _pack(op, contract, context.target, context)
        FoldConstantsPass().run_in(module, context)


def _pack(group: tensor.GroupOp, contract: tensor.ContractOp, target: Target, context: PassContext) -> None:
    refs = [(RefType.of(shape_of(arg.type), as_tensor(arg.type).element_type), False) for arg in group.args]
    result = as_tensor(group.res[0].type)
    nest, _ = make_nest(group, refs, RefType.of(shape_of(result), result.element_type))
    roles = find_roles(nest)
    if roles.elementwise:
        return  # its vectors are read once a row of the output: nothing to gain
    first = nest.stages[0].sources[0].input
    operand = contract.lhs if first is not None and nest.inputs[first] is roles.vectors else contract.rhs
    if not isinstance(operand, BlockArgument):
        return
    value = group.args[operand.index]
    if not is_known(value):
        context.remark("missed", group, "its vector operand is made at run time")
        return
    if not roles.vectors.word.endswith(roles.vector):
        context.remark("missed", group, "its vectors do not run along the last dim of the weight")
        return
    tile = register_tile(merge_loops(nest, roles.vector), target)
    packed = tensor.PackOp.of(value, panel=tile.columns)
    unpacked = tensor.UnpackOp.of(packed.result, result=value.type)
    for new in (packed, unpacked):
        new.location = group.location
    Rewriter.insert_op([packed, unpacked], InsertPoint.before(group))
    group.operands[operand.index] = unpacked.result
    context.remark("passed", group, f"packed in panels of {tile.columns} for a {tile} register tile")
