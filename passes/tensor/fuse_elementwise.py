"""tensor-fuse-elementwise: chains of maps become one map.

    %1 = tensor.map "ab,b->ab" %0, %bias { add }
    %2 = tensor.map "ab->ab" %1 { maximum 0 }        ->   %2 = tensor.map "ab,b->ab" %0, %bias { maximum(add, 0) }

One map is one pass over memory, and a region that fits as it is into the epilogue of a contraction.
Fires when the first map has the second as its only user and every loop of it: with more users, or where the second
broadcasts it, its work would be done more than once (remark `missed`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Block, Region, SSAValue

from neuralc.dialects.tensor import MapOp, PositionOp, Subscripts, YieldOp
from neuralc.dialects.tensor.compute import region_types
from neuralc.dialects.tensor.subscripts import ONE, WHOLE
from neuralc.dialects.types import as_tensor
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.driver import RewritePattern, Rewriter, rewrite


class FuseProducer(RewritePattern[MapOp]):
    """Takes the region of a producing map into the consuming one."""

    op_types: ClassVar = (MapOp,)

    def rewrite(self, op: MapOp, rewriter: Rewriter) -> None:
        for position, arg in enumerate(op.args):
            producer = arg.owner
            if not isinstance(producer, MapOp) or producer.parent is not op.parent:
                continue
            word = op.subscripts.operands[position]
            if any(w == WHOLE for w, a in zip(op.subscripts.operands, op.args, strict=True) if a is arg):
                rewriter.remark("missed", op, "it reads the other map's value at computed places")
                continue
            if ONE in word or len(word) < len(op.subscripts.result):
                rewriter.remark("missed", op, "it broadcasts what the other map computes")
                continue
            if any(use.operation is not op for use in arg.uses):
                rewriter.remark("missed", producer, "its value has several users")
                continue
            rewriter.remark("passed", op, f"took in a map of {len(producer.block.ops) - 1} ops")
            rewriter.replace(op, fuse(producer, op), fused=[producer])
            return


def fuse(producer: MapOp, consumer: MapOp) -> MapOp:
    """The consumer with the producer's region in place of each operand that reads it."""
    args: list[tuple[SSAValue, str]] = []
    inner = producer.subscripts
    sources: list[tuple[list[int], dict[str, str]] | int] = []
    for word, arg in zip(consumer.subscripts.operands, consumer.args, strict=True):
        if arg is producer.result:
            renamed = dict(zip(inner.result, word, strict=True))
            words = ["".join(renamed.get(letter, letter) for letter in each) for each in inner.operands]
            slots = [_slot(args, a, w) for a, w in zip(producer.args, words, strict=True)]
            sources.append((slots, renamed))
        else:
            sources.append(_slot(args, arg, word))
    spec = Subscripts(tuple(word for _, word in args), consumer.subscripts.result)
    block = Block(arg_types=region_types(spec, [arg for arg, _ in args]))
    values: list[SSAValue] = []
    for source in sources:
        if isinstance(source, int):
            values.append(block.args[source])
        else:
            slots, renamed = source
            values.append(inline_region(producer.block, [block.args[i] for i in slots], block, renamed))
    result = inline_region(consumer.block, values, block)
    block.add_op(YieldOp([result]))
    return MapOp(spec, [arg for arg, _ in args], as_tensor(consumer.result.type), Region(block))


def _slot(args: list[tuple[SSAValue, str]], arg: SSAValue, word: str) -> int:
    """The position of an operand in the fused map; equal operands are read once."""
    if (arg, word) not in args:
        args.append((arg, word))
    return args.index((arg, word))


def inline_region(
    source: Block, arguments: Sequence[SSAValue], into: Block, renamed: Mapping[str, str] | None = None
) -> SSAValue:
    """Append the ops of a map's region to a block, with other names of its loops; the value that it yields."""
    values: dict[SSAValue, SSAValue] = dict(zip(source.args, arguments, strict=True))
    for op in source.ops:
        if isinstance(op, YieldOp):
            return values[op.values[0]]
        clone = op.clone(values)
        if isinstance(clone, PositionOp):
            clone.loop = StringAttr((renamed or {}).get(clone.letter, clone.letter))
        into.add_op(clone)
    raise ValueError("the region of a map ends in tensor.yield")


@dataclass(frozen=True)
class FuseElementwisePass(ModulePass):
    """Fuses until no map feeds only one other map."""

    name = "tensor-fuse-elementwise"

    def run(self, module: ModuleOp, context: PassContext) -> None:
        rewrite(module, [FuseProducer()], context)
