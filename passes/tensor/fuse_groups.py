"""tensor-fuse-groups: decides what becomes one kernel.

    %0 = tensor.contract "mk,kn->mn" %x, %w           %1 = tensor.group "dense"(%a = %x, %b = %w, %c = %bias) {
    %1 = tensor.map "mn,n->mn" %0, %bias { .. }   ->     %0 = tensor.contract "mk,kn->mn" %a, %b
                                                         %1 = tensor.map "mn,n->mn" %0, %c { .. }
                                                         tensor.yield %1 }

Two rules, by the loops and not by the name of a layer:

* epilogue: a map joins the contraction, Winograd convolution or reduction it reads when it is the only user and reads
  each value at the place it was written: the tile is still in registers.
* rows: reductions over the last dim and maps over the same rows form one kernel that has a row in registers or in
  first-level cache (softmax, norms).

The body of a loop and the sides of a choice are grouped like the model, each by itself.
With `fuse=false` (-O0) every op is a kernel of its own. Views stay outside: they are strides of a reference.
Remarks: `passed` names what joined, `missed` says why a map stayed alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph
from neuralc.dialects.control import blocks_in
from neuralc.dialects.tensor import (
    ContractOp,
    FillOp,
    GroupOp,
    MapOp,
    ReduceOp,
    ReshapeOp,
    UnpackOp,
    WinogradOp,
    YieldOp,
)
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import as_tensor, shape_of
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.locations import fuse_locations
from neuralc.passes.lower.scalar_functions import ScalarBuilder
from neuralc.passes.tensor.canonicalize import product_map

Products = ContractOp | WinogradOp
Compute = Products | MapOp | ReduceOp


@dataclass(frozen=True)
class FuseGroupsPass(ModulePass):
    """Puts every contraction, reduction and map of the model, and of its control flow, into a group."""

    name = "tensor-fuse-groups"
    fuse: bool = True
    """Whether ops may share a kernel."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        labels: dict[str, int] = {}
        for block in list(blocks_in(graph.the_model(module).block)):
            self._fuse(block, labels, context)

    def _fuse(self, block: Block, labels: dict[str, int], context: PassContext) -> None:
        for op in list(block.ops):
            if isinstance(op, FillOp):
                _fill_to_map(op)
            elif isinstance(op, ContractOp) and not op.subscripts.reduced:
                Rewriter.replace_op(op, product_map(op))
        # Blocks of a GPU hold a whole row, of a size that is known.
        general = context.target is None or context.target.name == "cpu"
        taken: set[Operation] = set()
        groups: list[list[Compute]] = []
        ops = [op for op in block.ops if isinstance(op, Compute)]
        if self.fuse:
            for op in ops:
                if op not in taken and isinstance(op, ReduceOp) and (rows := _row_group(op, taken, general=general)):
                    groups.append(rows)
                    taken.update(rows)
        for op in ops:
            if op not in taken:
                members = _with_epilogue(op, taken, context) if self.fuse else [op]
                groups.append(members)
                taken.update(members)
        order = {op: i for i, op in enumerate(block.ops)}
        for members in sorted(groups, key=lambda group: max(order[op] for op in group)):
            members.sort(key=lambda op: order[op])
            if len(members) > 1:
                context.remark("passed", members[-1], "one kernel: " + " + ".join(op.name for op in members))
            _outline(members, _unique(_label(members), labels))


def _fill_to_map(op: FillOp) -> None:
    builder = ScalarBuilder([])
    type_ = as_tensor(op.result.type)
    number = builder.constant(op.value, type_.element_type)
    letters = identity(len(shape_of(type_)))
    new = MapOp(f"->{letters}", [], type_, builder.finish(number))
    new.location = op.location
    Rewriter.replace_op(op, new)


def _users(value: SSAValue) -> list[Operation]:
    return list(dict.fromkeys(use.operation for use in value.uses))


# -- epilogues -------------------------------------------------------------------------------------------------------


def _with_epilogue(root: Compute, taken: set[Operation], context: PassContext) -> list[Compute]:
    """The op and the maps that finish its tile."""
    members: list[Compute] = [root]
    while True:
        last = members[-1]
        users = _users(last.result)
        user = next((user for user in users if isinstance(user, MapOp) and user not in taken), None)
        if user is None or isinstance(root, MapOp):
            return members
        if len(users) > 1:
            context.remark("missed", last, f"its value has {len(users)} users")
            return members
        words = {word for word, arg in zip(user.subscripts.operands, user.args, strict=True) if arg is last.result}
        if words != {user.subscripts.result}:
            context.remark("missed", user, "it reads the value at other places than it was written")
            return members
        members.append(user)


# -- rows ------------------------------------------------------------------------------------------------------------


def _row_group(start: ReduceOp, taken: set[Operation], *, general: bool) -> list[Compute]:
    """All maps and last-dim reductions around `start` over the same rows; empty where there is no such group of two."""
    shape = shape_of(start.x.type)
    rank = len(shape)
    if start.reduced != (rank - 1,) or not (general or isinstance(shape[-1], int)):
        return []

    def fits(op: Operation | Block) -> bool:
        if isinstance(op, ReduceOp):
            return op not in taken and shape_of(op.x.type) == shape and op.reduced == (rank - 1,)
        if not isinstance(op, MapOp) or op in taken or _finishes_a_tile(op):
            return False
        own = op.subscripts
        # Full rows, or one value a row; operands too, in the order of the rows. What is made elsewhere may be any.
        return shape_of(op.result.type) in (shape, shape[:-1]) and all(
            _follows(word, own.result) or (general and not isinstance(arg.owner, Compute))
            for word, arg in zip(own.operands, op.args, strict=True)
        )

    members: dict[Operation, None] = {start: None}
    frontier: list[Operation] = [start]
    while frontier:
        op = frontier.pop()
        neighbours = [value.owner for value in op.operands] + _users(op.results[0])
        for other in neighbours:
            if isinstance(other, Operation) and other not in members and other.parent is op.parent and fits(other):
                members[other] = None
                frontier.append(other)
    chosen = _single_output(members, start)
    return chosen if len(chosen) > 1 else []


def _finishes_a_tile(op: MapOp) -> bool:
    """An epilogue of a contraction: its value is still in registers there, a row kernel would load it again."""
    for word, arg in zip(op.subscripts.operands, op.args, strict=True):
        if isinstance(arg.owner, Products) and word == op.subscripts.result and len(_users(arg)) == 1:
            return True
    return False


def _follows(word: str, result: str) -> bool:
    """Whether an operand's letters are all of the result's in its order, all but the last, or just the last."""
    return word in (result, result[:-1], result[-1:])


def _single_output(members: Iterable[Operation], start: ReduceOp) -> list[Compute]:
    """Drop ops at the rim until one value leaves the group and nothing outside stands between two members."""
    chosen = [op for op in members if isinstance(op, Compute)]
    while len(chosen) > 1:
        inside = set(chosen)
        leaving = [op for op in chosen if any(user not in inside for user in _users(op.result))]
        if len(leaving) == 1 and not _reenters(inside):
            return chosen
        # A producer at the rim costs least to lose; then consumers from the far end.
        producers = [op for op in leaving if not any(value.owner in inside for value in op.operands)]
        dropped = producers[0] if producers and producers[0] is not start else chosen[-1]
        if dropped is start:
            return [start]
        chosen.remove(dropped)
    return chosen


def _reenters(inside: set[Compute]) -> bool:
    """Whether a value leaves the group and comes back through an op outside it."""
    seen: set[Operation] = set()
    frontier = [user for op in inside for user in _users(op.result) if user not in inside]
    while frontier:
        op = frontier.pop()
        if op in inside:
            return True
        if op not in seen:
            seen.add(op)
            frontier += [user for result in op.results for user in _users(result)]
    return False


# -- outlining -------------------------------------------------------------------------------------------------------


def _outline(members: Sequence[Compute], label: str) -> None:
    """Move the ops into a group at the place of the last one."""
    last = members[-1]
    inside = set(members)
    leaving = [op for op in members if any(user not in inside for user in _users(op.result))]
    outputs = [op.result for op in (leaving or [last])]
    operands = list(dict.fromkeys(value for op in members for value in op.operands if value.owner not in inside))
    block = Block(arg_types=[value.type for value in operands])
    values: dict[SSAValue, SSAValue] = dict(zip(operands, block.args, strict=True))
    for value, argument in zip(operands, block.args, strict=True):
        argument.name_hint = value.name_hint
    for op in members:
        clone = op.clone(values)
        clone.location = op.location
        block.add_op(clone)
    block.add_op(YieldOp([values[output] for output in outputs]))
    group = GroupOp(label, operands, [output.type for output in outputs], Region(block))
    group.location = fuse_locations(op.location for op in members)
    Rewriter.insert_op(group, InsertPoint.after(last))
    for output, result in zip(outputs, group.res, strict=True):
        result.name_hint = output.name_hint
        output.replace_all_uses_with(result)
    for op in reversed(members):
        Rewriter.erase_op(op, safe_erase=False)


def _label(members: Sequence[Compute]) -> str:
    """A name for the kernel: the layer of its weight, else the name of its value, else what it does."""
    for op in members:
        if isinstance(op, Products):
            for value in reversed(op.operands):
                source = value.owner
                while isinstance(source, ReshapeOp | UnpackOp):
                    source = source.x.owner
                if isinstance(source, graph.GetWeightOp):
                    return source.weight_name.rpartition(".")[0].replace(".", "_") or source.weight_name
    if len(members) > 2 and any(isinstance(op, ReduceOp) for op in members):
        return members[-1].result.name_hint or "rows"
    hint = members[-1].result.name_hint
    return hint or members[0].name.partition(".")[2]


def _unique(label: str, labels: dict[str, int]) -> str:
    count = labels[label] = labels.get(label, 0) + 1
    return label if count == 1 else f"{label}_{count - 1}"
