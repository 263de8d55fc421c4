"""Kernels that a file holds in another layout are declared in that of the graph level, derived from the file's own.

    %w = graph.get_weight @conv1.weight -> ..               graph.weight @conv1.kernel : .. from (@conv1.weight) {
    %k = graph.transpose %w {perm = [2, 3, 1, 0]}             ^bb0(%0: ..): graph.transpose ..
    %0 = graph.conv %x, %k -> ..                     ->     }
                                                            %k = graph.get_weight @conv1.kernel -> ..
                                                            %0 = graph.conv %x, %k -> ..

Only what moves values is declared so (transpose, reshape, slice, concat), so that code which is written for the model
can load the weights of the file: emit/weight_sources.py tells how the one is made of the other. What is computed from
weights stays an op, for a training changes the weights that it is computed from; so does a view of a weight that
something else reads as well, and one of open sizes, as a mask that is cut to the length of a sequence. Only the two
biases of a recurrent layer may be declared as one, which says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from neuralc.dialects import graph
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import as_tensor, shape_of
from neuralc.passes.base import PassContext
from neuralc.passes.locations import fuse_locations

VIEWS = (graph.TransposeOp, graph.ReshapeOp, graph.SliceOp, graph.ConcatOp)
KERNELS = (graph.ConvOp, graph.ConvTransposeOp, graph.DenseOp)


@dataclass(frozen=True)
class Declared:
    """What is declared, as the options of the pass have it."""

    sums: bool
    transposed_kernels: bool

    def takes(self, op: Operation) -> bool:
        """Whether an op makes a weight of weights."""
        if self.sums and isinstance(op, graph.AddOp):
            return all(isinstance(use.operation, RecurrentOp) and use.index == 3 for use in op.result.uses)
        if isinstance(op, graph.SliceOp) and min(op.literal("steps"), default=1) < 0:
            return self.transposed_kernels  # a kernel that is read backwards has the name and the shape that it has
        return isinstance(op, VIEWS)

    def leaves(self, op: Operation) -> bool:
        """Whether it stays an op all the same."""
        return (
            not self.transposed_kernels
            and isinstance(op, graph.TransposeOp)
            and isinstance(op.x.owner, graph.GetWeightOp)
            and all(isinstance(use.operation, KERNELS) and use.index == 1 for use in op.result.uses)
        )


def declare_views(module: ModuleOp, context: PassContext, declared: Declared) -> None:
    """Declare every view of weights that a layer reads. Weights of functions are arguments, whose views stay ops."""
    names = set(graph.symbols(module))
    for model in [op for op in module.body.block.ops if isinstance(op, graph.ModelOp)]:
        readers = _readers(model)
        for view in [op for op in model.block.ops if declared.takes(op) and not declared.leaves(op)]:
            (result,) = view.results
            ops = _view_of_weights(result, declared)
            if ops is None or all(_view_of_weights_by(use.operation, declared) for use in result.uses):
                continue
            if all(readers[read.weight_name] <= set(ops) for read in ops if isinstance(read, graph.GetWeightOp)):
                _declare(model, result, ops, names, context)
        for left in reversed(list(model.block.ops)):
            if isinstance(left, (*VIEWS, graph.AddOp, graph.GetWeightOp)) and not left.results[0].uses:
                Rewriter.erase_op(left)


def _readers(model: graph.ModelOp) -> dict[str, set[Operation]]:
    """The ops that read each weight: a table that is an embedding and a kernel has two, and stays one weight."""
    found: dict[str, set[Operation]] = {}
    for read in model.walk():
        if isinstance(read, graph.GetWeightOp):
            found.setdefault(read.weight_name, set()).update(use.operation for use in read.result.uses)
    return found


def _view_of_weights_by(op: Operation, declared: Declared) -> bool:
    return declared.takes(op) and _view_of_weights(op.results[0], declared) is not None


def _view_of_weights(value: SSAValue, declared: Declared) -> list[Operation] | None:
    """The ops that make a value by moving values of weights, reads included; None for other values."""
    found: dict[Operation, None] = {}

    def visit(op: Operation | Block) -> bool:
        takes = isinstance(op, graph.GetWeightOp) or (isinstance(op, Operation) and declared.takes(op))
        if isinstance(op, Block) or not takes or not _is_static(op):
            return False
        if op not in found and not all(visit(operand.owner) for operand in op.operands):
            return False
        found[op] = None
        return True

    return list(found) if visit(value.owner) else None


def _is_static(op: Operation) -> bool:
    return all(isinstance(size, int) for size in shape_of(op.results[0].type))


def _declare(
    model: graph.ModelOp, value: SSAValue, ops: Sequence[Operation], names: set[str], context: PassContext
) -> None:
    reads = {op.weight_name: op for op in ops if isinstance(op, graph.GetWeightOp)}
    block = Block(arg_types=[read.result.type for read in reads.values()])
    arguments = dict(zip(reads, block.args, strict=True))
    values: dict[SSAValue, SSAValue] = {
        op.result: arguments[op.weight_name] for op in ops if isinstance(op, graph.GetWeightOp)
    }
    moves = [op for op in ops if not isinstance(op, graph.GetWeightOp)]
    block.add_ops([op.clone(values) for op in moves])
    block.add_op(graph.ReturnOp([values[value]]))
    name = _name(value, list(reads), names)
    weight = graph.WeightOp(name, as_tensor(value.type), sources=list(reads), body=Region(block))
    weight.location = fuse_locations(op.location for op in moves)
    Rewriter.insert_op(weight, InsertPoint.before(model))
    read = graph.GetWeightOp(name, as_tensor(value.type))
    read.location = moves[-1].location
    read.result.name_hint = f"w{name}" if name[0].isdigit() else name
    Rewriter.insert_op(read, InsertPoint.after(moves[-1]))
    value.replace_all_uses_with(read.result)
    context.remark("passed", read, f"@{name} is a view of {', '.join(f'@{source}' for source in reads)}")


def _name(value: SSAValue, sources: Sequence[str], names: set[str]) -> str:
    """`conv1.kernel` of `conv1.weight`: the layer of the sources, and what the op that reads the value takes it for."""
    use = next(iter(value.uses))
    operands = [name for name, _ in use.operation.get_irdl_definition().operands] if _has_names(use.operation) else []
    role = operands[use.index] if use.index < len(operands) else "view"
    path = sources[0].rpartition(".")[0]
    base = f"{path}.{role}" if path else f"{sources[0]}.{role}"
    name, number = base, 0
    while name in names:
        number += 1
        name = f"{base}_{number}"
    names.add(name)
    return name


def _has_names(op: Operation) -> bool:
    return isinstance(op, PlainOp) and not isinstance(op, graph.ConcatOp)
