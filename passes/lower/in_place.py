"""Which operands of a kernel may be the memory that it writes.

    kernel.func @add(.., %x, %residual, %out) attributes {in_place = [1 : index]}

A map reads its operand at the place that it writes next, so the result may take the operand's memory, if nobody reads
it any more: kernel-plan-memory then gives both one buffer. Legal where an operand lies as the result does and is read
along the loops of the result, in their order, by nothing that adds up over other places; and where the kernel writes
each place once (a tile that is moved back to the end of its loop would read what it wrote before). A kernel says which
references these are, since the emitter promises LLVM that all others are apart.
"""

from __future__ import annotations

from neuralc.dialects import tensor
from neuralc.dialects.kernel import FuncOp
from neuralc.passes.lower.nest import Nest


def mark_in_place(func: FuncOp, nest: Nest) -> None:
    """Say on a kernel that writes each place once which of its references may be the one it writes."""
    found = (number for number in range(len(nest.inputs)) if _may_be_written(nest, number))
    func.in_place = () if nest.others else tuple(found)


def _may_be_written(nest: Nest, number: int) -> bool:
    operand, output = nest.inputs[number], nest.output
    if operand.packed or operand.whole or operand.word != output.word or operand.ref != output.ref:
        return False
    readers = [(stage, source.word) for stage in nest.stages for source in stage.sources if source.input == number]
    return all(word == output.word and isinstance(stage.op, tensor.MapOp | tensor.ReduceOp) for stage, word in readers)
