"""Which ops treat the samples of a batch alike, each by itself: the slices of a value along its first dim.

    %1 = tensor.contract "nhwc,co->nhwo" %x, %w        sample n of %1 is made from sample n of %x alone
    %2 = tensor.reduce add %x {dims = [0]}             mixes samples

What is known of an op holds whatever the number of samples is, so that the op may be done for one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from xdsl.dialects.builtin import TensorType
from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.tensor.subscripts import Subscripts
from neuralc.dialects.types import AnyTensor, element_of, shape_of, tensor_type

Sampled = Collection[SSAValue]
"""Values whose first dim counts samples."""

VIEWS = (tensor.ReshapeOp, tensor.TransposeOp, tensor.WindowOp, tensor.SliceOp)
"""The same values seen another way: they cost nothing, so that there may be one for all samples and one for each."""


def samples_in(block: Block, count: int | Dim) -> dict[SSAValue, None]:
    """The values of a block whose first dim counts `count` samples: arguments, and what is made from them.

    Behind an op that mixes samples, what it makes has samples of its own, if there are as many.
    """
    found: dict[SSAValue, None] = {value: None for value in block.args if _leads_with(value, count)}
    for op in block.ops:
        if isinstance(op, VIEWS) and not keeps_samples(op, found, count):
            continue
        if any(operand in found for operand in op.operands):
            found |= {result: None for result in op.results if _leads_with(result, count)}
    return found


def keeps_samples(op: Operation, sampled: Sampled, count: int | Dim) -> bool:
    """Whether each sample of all results is made from the same sample of the operands, of one of them at least."""
    if not any(operand in sampled for operand in op.operands):
        return False
    if not all(isinstance(result.type, TensorType) and _leads_with(result, count) for result in op.results):
        return False
    match op:
        case tensor.GroupOp():
            return _group_keeps(op, sampled, count)
        case tensor.MapOp():
            return _words_keep(op.subscripts, op.args, sampled) and not _asks_for_its_sample(op)
        case tensor.ContractOp():
            return _words_keep(op.subscripts, [op.lhs, op.rhs], sampled)
        case tensor.ReduceOp():
            return 0 not in op.reduced
        case tensor.WinogradOp():
            return op.x in sampled and op.u not in sampled
        case tensor.ReshapeOp():
            return True  # in row-major order, the first of `count` equal parts is the first sample
        case tensor.TransposeOp():
            return bool(op.literal("perm")[0] == 0)
        case tensor.WindowOp():
            return 0 not in op.literal("dims")
        case tensor.SliceOp():
            return bool(op.literal("strides")[0] == 1)  # of as many samples as there are
        case tensor.PadOp():
            return bool(op.literal("low")[0] == op.literal("high")[0] == 0)
        case tensor.ConcatOp():
            return op.literal("dim") != 0 and all(operand in sampled for operand in op.xs)
        case _:
            return False


def one_sample(value: SSAValue) -> AnyTensor:
    """The type of a value with samples where there is one of them."""
    return tensor_type((1, *shape_of(value.type)[1:]), element_of(value.type))


def sampled_inside(group: tensor.GroupOp, sampled: Sampled) -> dict[SSAValue, None]:
    """The values of a group's region that have samples: those made from operands that have."""
    pairs = zip(group.block.args, group.args, strict=True)
    found: dict[SSAValue, None] = {inner: None for inner, arg in pairs if arg in sampled}
    for op in group.block.ops:
        if any(operand in found for operand in op.operands):
            found |= dict.fromkeys(op.results)
    return found


def _group_keeps(group: tensor.GroupOp, sampled: Sampled, count: int | Dim) -> bool:
    inside = sampled_inside(group, sampled)
    ops = [op for op in list(group.block.ops)[:-1] if any(operand in inside for operand in op.operands)]
    return all(keeps_samples(op, inside, count) for op in ops) and all(value in inside for value in group.yielded)


def _words_keep(subscripts: Subscripts, operands: Collection[SSAValue], sampled: Sampled) -> bool:
    """Whether the loop over samples is that of the result's first dim, in every operand that has any."""
    letter = subscripts.result[0]
    return all(
        word.startswith(letter) if value in sampled else letter not in word
        for word, value in zip(subscripts.operands, operands, strict=True)
    )


def _asks_for_its_sample(op: tensor.MapOp) -> bool:
    """Whether the region of a map knows which sample it is at: whole operands have no samples, as `*` is no letter."""
    letter = op.subscripts.result[0]
    return any(isinstance(each, tensor.PositionOp) and each.letter == letter for each in op.block.ops)


def _leads_with(value: SSAValue, count: int | Dim) -> bool:
    return isinstance(value.type, TensorType) and shape_of(value.type)[:1] == (count,)


def readers(value: SSAValue) -> Iterator[Operation]:
    """The ops that read a value, each once."""
    yield from dict.fromkeys(use.operation for use in value.uses)
