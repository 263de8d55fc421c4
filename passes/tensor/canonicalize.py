"""tensor-canonicalize: one form for each thing, so that later passes have fewer to know.

    tensor.reshape(tensor.reshape(x))              ->  tensor.reshape(x), or x
    tensor.transpose(tensor.transpose(x))          ->  tensor.transpose(x), or x
    tensor.window of size 1 and stride 1           ->  tensor.reshape
    tensor.pad by nothing                          ->  x
    tensor.map reading tensor.fill                 ->  the number inside the region
    tensor.map whose region yields its argument    ->  its operand
    tensor.contract that adds nothing up           ->  tensor.map
    tensor.map or contract of tensor.transpose     ->  other subscripts
    tensor.map of tensor.reshape of a contraction  ->  tensor.reshape of the map, which then joins the contraction

What control flow reads and computes in vain goes as well: the patterns of passes/regions.py.
Values stay bit by bit what they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation

from neuralc.dialects.tensor import (
    ContractOp,
    FillOp,
    MapOp,
    NumberOp,
    PadOp,
    ReshapeOp,
    Subscripts,
    TransposeOp,
    WindowOp,
)
from neuralc.dialects.tensor.subscripts import WHOLE
from neuralc.dialects.types import as_tensor, element_of
from neuralc.passes import regions
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite
from neuralc.passes.lower.scalar_functions import ScalarBuilder
from neuralc.passes.reshapes import MapBeforeReshape


class MergeReshapes(RewritePattern[ReshapeOp]):
    """Only the last of two reshapes matters; one to its own type is nothing."""

    op_types: ClassVar = (ReshapeOp,)

    def rewrite(self, op: ReshapeOp, rewriter: Rewriter) -> None:
        if op.x.type == op.result.type:
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner := op.x.owner, ReshapeOp):
            rewriter.replace(op, ReshapeOp.of(inner.x, result=op.result.type), fused=[inner])


class MergeTransposes(RewritePattern[TransposeOp]):
    """Two orders compose; the identity order is nothing."""

    op_types: ClassVar = (TransposeOp,)

    def rewrite(self, op: TransposeOp, rewriter: Rewriter) -> None:
        perm = op.literal("perm")
        if list(perm) == sorted(perm):
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner := op.x.owner, TransposeOp):
            before = inner.literal("perm")
            rewriter.replace(op, TransposeOp.of(inner.x, perm=tuple(before[axis] for axis in perm)), fused=[inner])


class DropUnitWindows(RewritePattern[WindowOp]):
    """A window of one place that moves by one only adds dims of size one."""

    op_types: ClassVar = (WindowOp,)

    def rewrite(self, op: WindowOp, rewriter: Rewriter) -> None:
        if set(op.literal("sizes")) == {1} and set(op.literal("strides")) == {1}:
            rewriter.replace(op, ReshapeOp.of(op.x, result=op.result.type))


class DropEmptyPads(RewritePattern[PadOp]):
    """Padding by nothing is nothing."""

    op_types: ClassVar = (PadOp,)

    def rewrite(self, op: PadOp, rewriter: Rewriter) -> None:
        if not any(op.literal("low")) and not any(op.literal("high")):
            rewriter.replace(op, results=[op.x])


class InlineFill(RewritePattern[MapOp]):
    """A constant operand becomes a number in the region: no memory is read for it."""

    op_types: ClassVar = (MapOp,)

    def rewrite(self, op: MapOp, rewriter: Rewriter) -> None:
        for position, arg in enumerate(op.args):
            if not isinstance(fill := arg.owner, FillOp) or op.subscripts.operands[position] == WHOLE:
                continue
            body = op.detach_region(op.body)
            argument = body.block.args[position]
            number = NumberOp.of(result=argument.type, value=fill.value)
            rewriter.insert_at_start(body.block, number)
            argument.replace_all_uses_with(number.result)
            body.block.erase_arg(argument)
            words = [word for i, word in enumerate(op.subscripts.operands) if i != position]
            args = [value for i, value in enumerate(op.args) if i != position]
            spec = Subscripts(tuple(words), op.subscripts.result)
            rewriter.replace(op, MapOp(spec, args, as_tensor(op.result.type), body))
            return


class DropCopies(RewritePattern[MapOp]):
    """A map that yields its argument where it read it copies for nothing."""

    op_types: ClassVar = (MapOp,)

    def rewrite(self, op: MapOp, rewriter: Rewriter) -> None:
        value = op.yielded
        if isinstance(value, BlockArgument) and value.owner is op.block:
            source = op.args[value.index]
            if op.subscripts.operands[value.index] == op.subscripts.result and source.type == op.result.type:
                rewriter.replace(op, results=[source])


class MultiplyOuterProducts(RewritePattern[ContractOp]):
    """A contraction that adds nothing up is a map."""

    op_types: ClassVar = (ContractOp,)

    def rewrite(self, op: ContractOp, rewriter: Rewriter) -> None:
        if not op.subscripts.reduced:
            rewriter.replace(op, product_map(op))


def product_map(op: ContractOp) -> MapOp:
    """The products of a contraction without reduced loops."""
    builder = ScalarBuilder([element_of(op.lhs.type), element_of(op.rhs.type)])
    product = builder.call("mul", *builder.args)
    new = MapOp(op.subscripts, [op.lhs, op.rhs], as_tensor(op.result.type), builder.finish(product))
    new.location = op.location
    return new


class ReadThroughTransposes(RewritePattern[MapOp | ContractOp]):
    """An op that names its loops reads a transposed operand as it lies."""

    op_types: ClassVar = (MapOp, ContractOp)

    def rewrite(self, op: MapOp | ContractOp, rewriter: Rewriter) -> None:
        words, values = list(op.subscripts.operands), list(op.operands)
        read: list[Operation] = []
        for position, value in enumerate(values):
            if isinstance(inner := value.owner, TransposeOp) and words[position] != WHOLE:
                perm = inner.literal("perm")
                words[position] = "".join(words[position][perm.index(axis)] for axis in range(len(perm)))
                values[position] = inner.x
                read.append(inner)
        if not read:
            return
        spec = Subscripts(tuple(words), op.subscripts.result)
        if isinstance(op, MapOp):
            new: Operation = MapOp(spec, values, as_tensor(op.result.type), op.detach_region(op.body))
        else:
            new = ContractOp.of(*values, spec=str(spec), precision=op.literal("precision"))
        rewriter.replace(op, new, fused=read)


PATTERNS: tuple[type[RewritePattern[Any]], ...] = (
    MergeReshapes,
    MergeTransposes,
    DropUnitWindows,
    DropEmptyPads,
    InlineFill,
    DropCopies,
    MultiplyOuterProducts,
    ReadThroughTransposes,
    MapBeforeReshape,
)


@dataclass(frozen=True)
class TensorCanonicalizePass(ModulePass):
    """Applies the patterns above until none fires."""

    name = "tensor-canonicalize"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [*(pattern() for pattern in PATTERNS), *regions.PATTERNS], context)
