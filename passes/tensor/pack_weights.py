"""tensor-pack-weights: lay the weights of contractions out in panels, as the kernel will read them.

    %w = graph.get_weight @dense.kernel                    graph.weight @dense.kernel.folded : tensor<8x784x16xf32>
    %y = tensor.group "dense"(%a = %x, %b = %w) { .. }        from (@dense.kernel) { tensor.pack {panel = 16} }
                                                    ->     %p = graph.get_weight @dense.kernel.folded
                                                           %w = tensor.unpack %p
                                                           %y = tensor.group "dense"(%a = %x, %b = %w) { .. }

A panel is as wide as the register tile: the innermost loop then reads memory front to back, aligned, without masks,
and no cache-set conflicts. Unpacking is a view that costs nothing; the packing runs at compile time, once for all
layers that read the weight in one width.
Fires on contractions and Winograd convolutions whose vector operand is a weight. Must not fire on a GPU, where blocks
are loaded through shared memory, nor on an activation: packing it would be work at run time (remark `missed`).

Where no operand has neighbours along a loop of the output ("mk,nk->mn"), one is transposed first: a weight when the
model is compiled, any other value by a copy, if many rows read it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph, tensor
from neuralc.dialects.control import blocks_in
from neuralc.dialects.dims import typical
from neuralc.dialects.kernel import RefType
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import as_tensor, shape_of
from neuralc.grammar.diagnostics import error
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.graph.cse import merge_weights
from neuralc.passes.graph.fold_constants import FoldConstantsPass
from neuralc.passes.graph.weight_values import is_known, is_worth_storing, static_bytes
from neuralc.passes.lower.cpu.gates import cut_gates, gates_tile
from neuralc.passes.lower.cpu.roles import STRIDED_LOAD, find_roles, operands_of, vector_cost
from neuralc.passes.lower.cpu.schedules import is_row_of_products, register_tile
from neuralc.passes.lower.cpu.tile_choice import RegisterTile
from neuralc.passes.lower.cpu.winograd_plan import plan_of
from neuralc.passes.lower.nest import Nest, has_one_kernel, make_nest, merge_loops
from neuralc.passes.lower.scalar_functions import ScalarBuilder
from neuralc.passes.lower.views import in_memory
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
        for op in [op for block in blocks_in(graph.the_model(module).block) for op in block.ops]:
            if not isinstance(op, tensor.GroupOp):
                continue
            match op.block.first_op:
                case tensor.ContractOp() if _is_step(op):
                    _pack_gates(op, context.target, context)
                case tensor.ContractOp() as contract:
                    _pack(op, contract, context.target, context)
                case tensor.WinogradOp() as winograd:
                    _lay_out_channels(op, winograd.x, context)
                    _pack_panels(op, winograd.u, plan_of(winograd, context.target).tile, context)
        FoldConstantsPass().run_in(module, context)
        merge_weights(module, context)


def _pack(group: tensor.GroupOp, contract: tensor.ContractOp, target: Target, context: PassContext) -> None:
    nest = nest_of(group)
    if not nest.output.word:
        return  # its vectors run along the reduced loop
    if _is_collected(nest) and not _lay_out(group, contract, nest, context):
        return
    nest = nest_of(group)
    roles = find_roles(nest)
    if roles.elementwise or is_row_of_products(nest):
        return  # its vectors are read once a row of the output: nothing to gain
    operand = contract.operands[0 if operands_of(nest)[0] is roles.vectors else 1]
    if not isinstance(operand, BlockArgument):
        return
    if is_known(group.args[operand.index]) and not roles.vectors.word.endswith(roles.vector):
        context.remark("missed", group, "its vectors do not run along the last dim of the weight")
        return
    merged = merge_loops(nest, roles.vector)
    tile = register_tile(merged, find_roles(merged, roles.vector), target)
    _pack_panels(group, operand, tile, context)


def _is_step(group: tensor.GroupOp) -> bool:
    """Whether a group is one that tensor-fuse-gates made."""
    return has_one_kernel(group) and not any(isinstance(op, tensor.ReduceOp) for op in group.block.ops)


def _pack_gates(group: tensor.GroupOp, target: Target, context: PassContext) -> None:
    """The weights of all gates, in panels of one width."""
    tile = gates_tile(cut_gates(nest_of(group)), target)
    for op in list(group.block.ops):
        if isinstance(op, tensor.ContractOp):
            column = op.subscripts.result[-1]
            (weight,) = (
                value for value, word in zip(op.operands, op.subscripts.operands, strict=True) if column in word
            )
            _pack_panels(group, weight, tile, context)


def _pack_panels(group: tensor.GroupOp, operand: SSAValue, tile: RegisterTile, context: PassContext) -> None:
    """Panels as wide as a register tile, for an operand of the group that is a weight."""
    if not isinstance(operand, BlockArgument):
        return
    value = group.args[operand.index]
    if not is_known(value):
        context.remark("missed", group, "its vector operand is made at run time")
        return
    packed = tensor.PackOp.of(value, panel=tile.columns)
    size, source_size = (static_bytes(as_tensor(each.type)) for each in (packed.result, value))
    if not is_worth_storing(size, source_size, FoldConstantsPass.max_bytes):
        context.remark("missed", group, f"{source_size} bytes in panels of {tile.columns} would be {size}")
        return
    unpacked = tensor.UnpackOp.of(packed.result, result=value.type)
    for new in (packed, unpacked):
        new.location = group.location
    Rewriter.insert_op([packed, unpacked], InsertPoint.before(group))
    group.operands[operand.index] = unpacked.result
    context.remark("passed", group, f"packed in panels of {tile.columns} for a {tile} register tile")


def nest_of(group: tensor.GroupOp) -> Nest:
    """The loops of a group whose operands lie in memory as views say."""
    # What is known is computed when the model is compiled: a weight, which lies without gaps.
    types = [as_tensor(arg.type) for arg in group.args]
    refs = [
        (RefType.of(shape_of(type_), type_.element_type) if is_known(arg) else in_memory(arg), False)
        for arg, type_ in zip(group.args, types, strict=True)
    ]
    results = [RefType.of(shape_of(value.type), as_tensor(value.type).element_type) for value in group.res]
    return make_nest(group, refs, results[0], results[1:] if has_one_kernel(group) else ())[0]


# -- other orders of the dims ----------------------------------------------------------------------------------------


def _is_collected(nest: Nest) -> bool:
    """Whether the vectors of every loop of the output would be collected from all over memory."""
    letters = [letter for letter in nest.output.word if nest.sizes[letter] != 1] or nest.output.word
    return min(vector_cost(nest, letter) for letter in letters) >= STRIDED_LOAD


def _lay_out(group: tensor.GroupOp, contract: tensor.ContractOp, nest: Nest, context: PassContext) -> bool:
    """Give the contraction an operand whose last dim is a loop of the output: a weight at once, a value by a copy.

    A copy is made where its elements are read by many rows. False where nothing is to be gained.
    """
    both = operands_of(nest)
    for letter in reversed(nest.output.word):
        having = [i for i in (0, 1) if letter in both[i].word]
        extent = nest.static(letter)
        if len(having) != 1 or (extent is not None and extent < FEW):
            continue
        position = having[0]
        operand = contract.operands[position]
        if not isinstance(operand, BlockArgument) or operand.uses.get_length() != 1:
            continue
        value = group.args[operand.index]
        rows = [nest.static(other) for other in nest.output.word if other not in both[position].word]
        reused = None in rows or math.prod(n for n in rows if n is not None) >= FEW
        known = is_known(value)
        size = static_bytes(as_tensor(value.type)) if known else 0
        if known and not value.has_one_use() and not is_worth_storing(2 * size, size, FoldConstantsPass.max_bytes):
            continue  # others read it as it is: it would be stored twice
        if known or (reused and not isinstance(value.owner, tensor.WindowOp)):
            _move_last(group, contract, position, letter, nest)
            what = "weight" if known else "value: a copy"
            context.remark("passed", group, f"its vectors run along the last dim of a transposed {what}")
            return True
    return False


def _lay_out_channels(group: tensor.GroupOp, operand: SSAValue, context: PassContext) -> None:
    """Vectors are loaded from a picture along its last dim: where neighbours there are far apart, a copy is made."""
    if not isinstance(operand, BlockArgument) or in_memory(value := group.args[operand.index]).strides[-1] == 1:
        return
    copy = _copy(value)
    copy.location = group.location
    Rewriter.insert_op(copy, InsertPoint.before(group))
    group.operands[operand.index] = copy.results[0]
    context.remark("passed", group, "its vectors run along the last dim of a transposed value: a copy")


FEW = 8
"""Rows or columns up to which an operand stays as it lies."""


def _move_last(group: tensor.GroupOp, contract: tensor.ContractOp, position: int, letter: str, nest: Nest) -> None:
    """The operand with the dim of a loop behind the others."""
    words = list(contract.subscripts.operands)
    own = next(mine for mine, theirs in nest.stages[0].loops.items() if theirs == letter)
    at = words[position].index(own)
    perm = [*_as_read(position, at, nest), at]
    words[position] = "".join(words[position][axis] for axis in perm)
    argument = contract.operands[position]
    if not isinstance(argument, BlockArgument):
        raise TypeError("the operand of a group's contraction is an argument of the group")
    value = group.args[argument.index]
    moved: Operation = tensor.TransposeOp.of(value, perm=tuple(perm))
    new = [moved]
    if not is_known(value):
        new.append(_copy(moved.results[0]))
    for op in new:
        op.location = group.location
    Rewriter.insert_op(new, InsertPoint.before(group))
    group.operands[argument.index] = new[-1].results[0]
    Rewriter.replace_value_with_new_type(argument, moved.results[0].type)
    contract.spec = StringAttr(str(tensor.Subscripts(tuple(words), contract.subscripts.result)))


def _as_read(position: int, last: int, nest: Nest) -> list[int]:
    """The other dims of an operand, those that are added up behind the rest, in the order of the other operand."""
    both = operands_of(nest)
    word, other = both[position].word, both[1 - position]

    def key(axis: int) -> tuple[bool, int]:
        letter = word[axis]
        reduced = letter in nest.reduced
        return reduced, -typical(other.stride(letter)) if reduced else 0

    return sorted((axis for axis in range(len(word)) if axis != last), key=key)


def _copy(value: SSAValue) -> tensor.GroupOp:
    """A kernel that writes a view to memory of its own."""
    type_, letters = as_tensor(value.type), identity(len(shape_of(value.type)))
    block = Block(arg_types=[type_])
    builder = ScalarBuilder([type_.element_type])
    copy = tensor.MapOp(f"{letters}->{letters}", [block.args[0]], type_, builder.finish(builder.args[0]))
    block.add_ops([copy, tensor.YieldOp([copy.result])])
    return tensor.GroupOp("transposed", [value], [type_], Region(block))
