"""Indices that are counted from the end by hand, though graph.gather counts so itself.

%0 = graph.where (%i < 0), (%i + 5), %i
%1 = graph.minimum (graph.relu %0), 4           ->    %1 = graph.minimum (graph.maximum %i, -5), 4
%2 = graph.gather %x, %1                              %2 = graph.gather %x, %1

So jax writes `x[i]`: an index outside is moved inside, whatever side it is on. `jnp.take` gives NaN for one outside,
and asks in the same way where that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize import NeutralOperand
from neuralc.passes.graph.canonicalize_views import number_of
from neuralc.passes.graph.raise_layers.matching import either_way


class CountedFromTheEnd(RewritePattern[graph.GatherOp]):
    """Of an index i, with i + n where it is below 0, moved to 0 .. n - 1: i itself, moved to -n .. n - 1."""

    op_types = (graph.GatherOp,)

    def rewrite(self, op: graph.GatherOp, rewriter: Rewriter) -> None:
        shape = shape_of(op.x.type)
        size = shape[normalize_axis(op.literal("axis"), len(shape))]
        bounded = op.indices.owner
        if not isinstance(size, int) or not isinstance(bounded, graph.MinimumOp) or number_of(bounded.rhs) != size - 1:
            return
        counted = _at_least_zero(bounded.lhs)
        index = _counted(counted, size) if counted is not None else None
        if index is None or index.type != op.indices.type:
            return
        least = graph.ConstantOp.of(result=bounded.rhs.type, value=-size)
        above = graph.MaximumOp.of(index, least.result)
        inside = graph.MinimumOp.of(above.result, bounded.rhs)
        new = graph.GatherOp.of(op.x, inside.result, **op.literals())
        rewriter.replace(op, [least, above, inside, new], fused=[bounded])


class InsideBounds(RewritePattern[graph.ReduceOp]):
    """Whether an index counted from the end by hand is one of n, along an added axis: whether i is in -n .. n - 1."""

    op_types = (graph.ReduceOp,)

    def rewrite(self, op: graph.ReduceOp, rewriter: Rewriter) -> None:
        both, axes = op.x.owner, [normalize_axis(axis, len(shape_of(op.x.type))) for axis in op.literal("axes")]
        if op.literal("kind") != "all" or any(shape_of(op.x.type)[axis] != 1 for axis in axes):
            return
        if not isinstance(both, graph.LogicalAndOp):
            return
        least, most = both.lhs.owner, both.rhs.owner
        if not isinstance(least, graph.GreaterEqualOp) or not isinstance(most, graph.LessEqualOp):
            return
        last, view = number_of(most.rhs), least.lhs.owner
        if number_of(least.rhs) != 0 or not isinstance(last, int) or most.lhs is not least.lhs:
            return
        index = _counted(view.x, last + 1) if isinstance(view, graph.ReshapeOp) else None
        if index is None:
            return
        first = graph.ConstantOp.of(result=least.rhs.type, value=-last - 1)
        above, below = graph.GreaterEqualOp.of(index, first.result), graph.LessEqualOp.of(index, most.rhs)
        inside = graph.LogicalAndOp.of(above.result, below.result)
        reshaped = graph.ReshapeOp.of(inside.result, result=op.result.type)
        rewriter.replace(op, [first, above, below, inside, reshaped], fused=[least, most, both])


def _at_least_zero(value: SSAValue) -> SSAValue | None:
    """x of max(x, 0)."""
    op = value.owner
    if isinstance(op, graph.ReluOp):
        return op.x
    pairs = either_way(op) if isinstance(op, graph.MaximumOp) else ()
    return next((x for x, least in pairs if number_of(least) == 0), None)


def _counted(value: SSAValue, size: int) -> SSAValue | None:
    """i of where(i < 0, i + size, i)."""
    op = value.owner
    below = op.condition.owner if isinstance(op, graph.WhereOp) else None
    if not isinstance(op, graph.WhereOp) or not isinstance(below, graph.LessOp) or number_of(below.rhs) != 0:
        return None
    moved = op.on.owner
    pairs = either_way(moved) if isinstance(moved, graph.AddOp) else ()
    added = any(index is op.off and number_of(number) == size for index, number in pairs)
    return op.off if added and below.lhs is op.off else None


class FromZeroByOne(NeutralOperand):
    """A range of ONNX: 0 + 1 * iota. What is added to a float may be what a model says."""

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        if not is_float(element_of(op.results[0].type)):
            super().rewrite(op, rewriter)


PATTERNS: Sequence[RewritePattern[Any]] = (CountedFromTheEnd(), FromZeroByOne(), InsideBounds())
