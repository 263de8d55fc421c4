"""What both directions of a recurrent layer give, one behind the other: ONNX has an axis of the directions for it.

%2 = graph.reshape %0 -> tensor<7x1x2x5xf32>
%3 = graph.reshape %1 -> tensor<7x1x2x5xf32>
%4 = graph.concat %2, %3 {axis = 1} -> tensor<7x2x2x5xf32>
%5 = graph.transpose %4 {perm = [0, 2, 1, 3]}            ->    %6 = graph.concat %0, %1 {axis = 2}
%6 = graph.reshape %5 -> tensor<7x2x10xf32>
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.passes.driver import RewritePattern, Rewriter


class JoinedAxis(RewritePattern[graph.ReshapeOp]):
    """Values along an axis of their own, which is joined with the one behind it, stand behind each other along that."""

    op_types = (graph.ReshapeOp,)

    def rewrite(self, op: graph.ReshapeOp, rewriter: Rewriter) -> None:
        moved = op.x.owner
        joined = moved.x.owner if isinstance(moved, graph.TransposeOp) else moved
        if not isinstance(joined, graph.ConcatOp):
            return
        shape, count = shape_of(joined.result.type), len(joined.operands)
        perm = moved.literal("perm") if isinstance(moved, graph.TransposeOp) else tuple(range(len(shape)))
        axis = normalize_axis(joined.literal("axis"), len(shape))
        place, values = perm.index(axis), [_without(each, axis) for each in joined.operands]
        others = tuple(other - (other > axis) for other in perm if other != axis)
        if shape[axis] != count or place >= len(others) or None in values:
            return
        parts = [each for each in values if each is not None]
        inner = [shape_of(parts[0].type)[other] for other in others]
        if shape_of(op.result.type) != (*inner[:place], inner[place] * count, *inner[place + 1 :]):
            return
        moves = [] if others == tuple(sorted(others)) else [graph.TransposeOp.of(each, perm=others) for each in parts]
        behind = graph.ConcatOp.of(*([move.result for move in moves] or parts), axis=place)
        rewriter.replace(op, [*moves, behind], fused=[joined])


def _without(value: SSAValue, axis: int) -> SSAValue | None:
    """What a value is without an axis of size 1."""
    op, shape = value.owner, shape_of(value.type)
    if not isinstance(op, graph.ReshapeOp) or shape[axis] != 1:
        return None
    return op.x if shape_of(op.x.type) == (*shape[:axis], *shape[axis + 1 :]) else None


PATTERNS: Sequence[RewritePattern[Any]] = (JoinedAxis(),)
