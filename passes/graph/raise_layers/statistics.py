"""Reductions as the layers around them have them: with their dims kept, means, sums under windows.

%0 = graph.reduce %x {axes = [1], kind = "sum"} -> tensor<8xf32>
%1 = graph.reshape %0 -> tensor<8x1xf32>                ->    graph.reduce %x {axes = [1], keepdims, kind = "mean"}
%2 = graph.div %1, %5 -> tensor<8x1xf32>
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, product
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize_views import number_of
from neuralc.passes.graph.raise_layers.matching import either_way

ARITHMETIC = (
    graph.AddOp, graph.SubOp, graph.MulOp, graph.DivOp, graph.MaximumOp, graph.ReluOp, graph.RsqrtOp, graph.SqrtOp,
)  # fmt: skip
"""What statistics are computed with."""

DEPTH = 4
"""Ops between a reduction and the reshape that puts its dims back."""


class KeptDims(RewritePattern[graph.ReshapeOp]):
    """A reduction whose dims a reshape puts back keeps them."""

    op_types = (graph.ReshapeOp,)

    def rewrite(self, op: graph.ReshapeOp, rewriter: Rewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, graph.ReduceOp) or inner.literal("keepdims"):
            return
        properties = {**inner.literals(), "keepdims": True}
        if graph.ReduceOp.infer([inner.x.type], **properties) == op.result.type:
            rewriter.replace(op, graph.ReduceOp.of(inner.x, **properties), fused=[inner])


class DimsOfStatistics(RewritePattern[graph.ReshapeOp]):
    """Dims that come back behind the arithmetic on reductions come back before it, where the reductions keep them."""

    op_types = (graph.ReshapeOp,)

    def rewrite(self, op: graph.ReshapeOp, rewriter: Rewriter) -> None:
        inner = op.x.owner
        if not isinstance(inner, ARITHMETIC) or not _is_statistic(op.x, DEPTH):
            return
        shape, own = shape_of(op.result.type), shape_of(op.x.type)
        if [size for size in shape if size != 1] != [size for size in own if size != 1]:
            return
        views: dict[SSAValue, graph.ReshapeOp] = {}
        for operand in inner.operands:
            if shape_of(operand.type) == own and operand not in views:
                views[operand] = graph.ReshapeOp.of(operand, result=op.result.type)
        operands = [views[each].result if each in views else each for each in inner.operands]
        rewriter.replace(op, [*views.values(), type(inner).of(*operands)], fused=[inner])


def _is_statistic(value: SSAValue, depth: int) -> bool:
    """Whether a value is computed from reductions and single numbers alone."""
    op = value.owner
    if isinstance(op, graph.ReduceOp) or not shape_of(value.type):
        return True
    return isinstance(op, ARITHMETIC) and depth > 0 and all(_is_statistic(each, depth - 1) for each in op.operands)


class Mean(RewritePattern[graph.DivOp]):
    """A sum divided by how many there are, or times the reciprocal. A sum that others read too stays."""

    op_types = (graph.DivOp, graph.MulOp)

    def rewrite(self, op: graph.DivOp | graph.MulOp, rewriter: Rewriter) -> None:
        for summed, factor in either_way(op) if isinstance(op, graph.MulOp) else [(op.lhs, op.rhs)]:
            inner = summed.owner
            if not isinstance(inner, graph.ReduceOp) or inner.literal("kind") != "sum" or not summed.has_one_use():
                continue
            if not is_float(element_of(summed.type)) or summed.type != op.result.type:
                continue
            if _is_count(factor, inner, reciprocal=isinstance(op, graph.MulOp)):
                mean = graph.ReduceOp.of(inner.x, **{**inner.literals(), "kind": "mean"})
                rewriter.replace(op, mean, fused=[inner])
                return


def _is_count(value: SSAValue, op: graph.ReduceOp, *, reciprocal: bool) -> bool:
    """Whether a value is the number of elements of the dims that a reduction goes over: written down, or computed."""
    shape = shape_of(op.x.type)
    count = product([shape[axis] for axis in op.literal("axes")])
    if count.is_static:
        found, wanted = number_of(value), 1 / count.value if reciprocal and count.value else count.value
        return found is not None and math.isclose(found, wanted, rel_tol=1e-12)
    while isinstance(value.owner, graph.CastOp | graph.ReshapeOp):
        value = value.owner.x
    return not reciprocal and isinstance(value.owner, graph.SizeOp) and as_dim(value.owner.dim.data) == count


class MeanUnderWindow(RewritePattern[graph.DivOp]):
    """Sums under windows are means times the size of the window: divided by it they are the means again."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        times, size = op.lhs.owner, number_of(op.rhs)
        if not isinstance(times, graph.MulOp) or size is None or op.lhs.type != op.result.type:
            return
        pool = times.lhs.owner
        if isinstance(pool, graph.AveragePoolOp) and number_of(times.rhs) == size == math.prod(pool.literal("window")):
            rewriter.replace(op, results=[times.lhs])


class NothingSmaller(RewritePattern[graph.MaximumOp]):
    """The larger of a value and -inf is the value."""

    op_types = (graph.MaximumOp,)

    def rewrite(self, op: graph.MaximumOp, rewriter: Rewriter) -> None:
        for x, least in either_way(op):
            if number_of(least) == -math.inf and x.type == op.result.type:
                rewriter.replace(op, results=[x])
                return


PATTERNS: Sequence[RewritePattern[Any]] = (KeptDims(), DimsOfStatistics(), Mean(), MeanUnderWindow(), NothingSmaller())
