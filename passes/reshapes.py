"""A pattern for reshapes behind contractions: what finishes the result stands in front of them and joins its kernel.

    %0 = tensor.contract "nhwc,cijo->nhiwjo" %x, %w           %0 = tensor.contract "nhwc,cijo->nhiwjo" %x, %w
    %1 = tensor.reshape %0 -> [N, 2H, 2W, O]            ->    %1 = tensor.map "abcdef,f->abcdef" %0, %bias { .. }
    %2 = tensor.map "abcd,d->abcd" %1, %bias { .. }           %2 = tensor.reshape %1 -> [N, 2H, 2W, O]

Fires where every dim of the reshaped value is one or more whole dims of the contraction's, and what else the map reads
is a weight or has none of those dims. Must not fire where somebody else reads the contraction, nor on a map that knows
its loops. Effect: transposed and grouped convolutions add their bias in registers (U-Net: 1.7 of 43.5 ms, with
"nhwc,cijo->nhiwjo" in the place of a product that is laid out again).
"""

from __future__ import annotations

from typing import ClassVar

from xdsl.ir import SSAValue

from neuralc.dialects.dims import product, simplest
from neuralc.dialects.tensor import AtOp, ContractOp, MapOp, PositionOp, ReshapeOp, SizeOp, Subscripts
from neuralc.dialects.tensor.subscripts import ONE, identity
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.weight_values import is_known


class MapBeforeReshape(RewritePattern[MapOp]):
    """A map of a contraction whose dims a reshape made fewer is a map of the contraction itself."""

    op_types: ClassVar = (MapOp,)

    def rewrite(self, op: MapOp, rewriter: Rewriter) -> None:
        words, result = op.subscripts.operands, op.subscripts.result
        position = next((i for i, arg in enumerate(op.args) if _is_reshaped_contraction(arg)), None)
        if position is None or words[position] != result or any(isinstance(each, PLACED) for each in op.block.ops):
            return
        reshape = op.args[position].owner
        if not isinstance(reshape, ReshapeOp) or (runs := _merged_dims(reshape)) is None:
            return
        source = shape_of(reshape.x.type)
        letters = dict(zip(result, (identity(len(source))[run.start : run.stop] for run in runs), strict=True))
        new_words: list[str] = []
        new_args: list[SSAValue] = []
        views: list[ReshapeOp] = []
        for i, (word, arg) in enumerate(zip(words, op.args, strict=True)):
            new_words.append("".join(letters.get(letter, letter) for letter in word))
            if i == position:
                new_args.append(reshape.x)
            elif all(len(letters.get(letter, letter)) == 1 for letter in word):
                new_args.append(arg)
            elif is_known(arg):
                sizes = dict(zip(identity(len(source)), source, strict=True)) | {ONE: 1}
                view = ReshapeOp.of(arg, result=tensor_type([sizes[c] for c in new_words[-1]], element_of(arg.type)))
                views.append(view)
                new_args.append(view.result)
            else:
                return
        spec = Subscripts(tuple(new_words), identity(len(source)))
        type_ = tensor_type(source, element_of(op.result.type))
        new = MapOp(spec, new_args, type_, op.detach_region(op.body))
        new.result.name_hint = op.result.name_hint
        rewriter.replace(op, [*views, new, ReshapeOp.of(new.result, result=op.result.type)], fused=[reshape])


PLACED = (PositionOp, SizeOp, AtOp)
"""Ops of a map's region that know its loops."""


def _is_reshaped_contraction(value: SSAValue) -> bool:
    """Whether a value is the reshaped result of a contraction, finished by maps or not, that nobody else reads."""
    if not isinstance(value.owner, ReshapeOp) or not value.has_one_use():
        return False
    source = value.owner.x
    while isinstance(source.owner, MapOp) and source.has_one_use():
        made = [arg for arg in source.owner.args if isinstance(arg.owner, ContractOp | MapOp)]
        if not made:
            return False
        source = made[0]
    return isinstance(source.owner, ContractOp) and source.has_one_use()


def _merged_dims(op: ReshapeOp) -> list[range] | None:
    """The dims of the operand that each dim of the result is made of; None where it takes a dim apart."""
    source = shape_of(op.x.type)
    runs: list[range] = []
    start = 0
    for size in shape_of(op.result.type):
        stop = start
        while stop < len(source) and (stop == start or simplest(product(source[start:stop])) != size):
            stop += 1
        if simplest(product(source[start:stop])) != size:
            return None
        runs.append(range(start, stop))
        start = stop
    return runs if start == len(source) else None
