"""The rules of graph-raise-idioms for reductions: kept dims, means, softmax, sums under windows.

%m = graph.reduce %x {axes = [1], keepdims, kind = "maximum"}
%e = graph.exp (%x - %m)                                            ->   graph.softmax %x {axis = 1}
%y = %e / graph.reduce %e {axes = [1], keepdims, kind = "sum"}
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.raise_values import is_count, made_by, number, operands_both_ways, reduced, used_once


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
        if not isinstance(inner, ARITHMETIC) or not _is_statistic(op.x, 4):
            return
        shape, own = shape_of(op.result.type), shape_of(op.x.type)
        if [size for size in shape if size != 1] != [size for size in own if size != 1]:
            return
        views: dict[SSAValue, graph.ReshapeOp] = {}
        for operand in inner.operands:
            if shape_of(operand.type) == own:
                views.setdefault(operand, graph.ReshapeOp.of(operand, result=op.result.type))
        operands = [views[each].result if each in views else each for each in inner.operands]
        rewriter.replace(op, [*views.values(), type(inner).of(*operands)], fused=[inner])


ARITHMETIC = (
    graph.AddOp,
    graph.SubOp,
    graph.MulOp,
    graph.DivOp,
    graph.MaximumOp,
    graph.ReluOp,
    graph.RsqrtOp,
    graph.SqrtOp,
)


def _is_statistic(value: SSAValue, depth: int) -> bool:
    """Whether a value is computed from reductions and single numbers alone."""
    op = value.owner
    if isinstance(op, graph.ReduceOp) or not shape_of(value.type):
        return True
    return isinstance(op, ARITHMETIC) and depth > 0 and all(_is_statistic(each, depth - 1) for each in op.operands)


class Mean(RewritePattern[graph.DivOp]):
    """A sum divided by how many there are. One that is read as a sum too stays."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        inner = op.lhs.owner
        if not isinstance(inner, graph.ReduceOp) or inner.literal("kind") != "sum" or not used_once(op.lhs):
            return
        if not is_float(element_of(op.lhs.type)) or op.lhs.type != op.result.type:
            return
        if is_count(op.rhs, inner.x, inner.literal("axes")):
            properties = {**inner.literals(), "kind": "mean"}
            rewriter.replace(op, graph.ReduceOp.of(inner.x, **properties), fused=[inner])


class MeanByReciprocal(RewritePattern[graph.MulOp]):
    """A sum times the reciprocal of how many there are, where that is exact."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for summed, factor in operands_both_ways(op):
            inner, scale = summed.owner, number(factor)
            if scale is None or not isinstance(inner, graph.ReduceOp) or inner.literal("kind") != "sum":
                continue
            count = product([shape_of(inner.x.type)[axis] for axis in inner.literal("axes")])
            if not is_float(element_of(summed.type)) or not used_once(summed) or summed.type != op.result.type:
                continue
            if count.is_static and count.value and math.isclose(scale * count.value, 1, rel_tol=1e-12):
                properties = {**inner.literals(), "kind": "mean"}
                rewriter.replace(op, graph.ReduceOp.of(inner.x, **properties), fused=[inner])
                return


class MeanUnderWindow(RewritePattern[graph.DivOp]):
    """Sums under windows are written as means times the size of the window: divided by it they are the means."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        times = op.lhs.owner
        if not isinstance(times, graph.MulOp) or number(op.rhs) is None or op.lhs.type != op.result.type:
            return
        pool = times.lhs.owner
        if isinstance(pool, graph.AveragePoolOp) and number(times.rhs) == number(op.rhs) == math.prod(
            pool.literal("window")
        ):
            rewriter.replace(op, results=[times.lhs])


class NothingSmaller(RewritePattern[graph.MaximumOp]):
    """The larger of a value and -inf is the value."""

    op_types = (graph.MaximumOp,)

    def rewrite(self, op: graph.MaximumOp, rewriter: Rewriter) -> None:
        for x, least in operands_both_ways(op):
            if number(least) == -math.inf and x.type == op.result.type:
                rewriter.replace(op, results=[x])
                return


class Softmax(RewritePattern[graph.DivOp]):
    """exp(x - max) divided by its sum, along one axis."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        total = reduced(op.rhs, "sum")
        exp = made_by(op.lhs, graph.ExpOp)
        if total is None or exp is None or total[0] is not exp.result or len(total[1]) != 1:
            return
        x = shifted(exp.x, total[1])
        if x is not None and x.type == op.result.type:
            rewriter.replace(op, graph.SoftmaxOp.of(x, axis=total[1][0]), fused=[exp])


class LogSoftmax(RewritePattern[graph.SubOp]):
    """x - max less the logarithm of the sum of its exponentials, along one axis."""

    op_types = (graph.SubOp,)

    def rewrite(self, op: graph.SubOp, rewriter: Rewriter) -> None:
        log = made_by(op.rhs, graph.LogOp)
        total = reduced(log.x, "sum") if log is not None else None
        if log is None or total is None or len(total[1]) != 1:
            return
        exp = made_by(total[0], graph.ExpOp)
        if exp is None or exp.x is not op.lhs:
            return
        x = shifted(op.lhs, total[1])
        if x is not None and x.type == op.result.type:
            rewriter.replace(op, graph.LogSoftmaxOp.of(x, axis=total[1][0]), fused=[log, exp])


def shifted(value: SSAValue, axes: tuple[int, ...]) -> SSAValue | None:
    """The x of `x - max(x)` along axes."""
    sub = value.owner
    if not isinstance(sub, graph.SubOp):
        return None
    largest = reduced(sub.rhs, "maximum")
    return sub.lhs if largest == (sub.lhs, axes) else None


PATTERNS: Sequence[RewritePattern[Any]] = (
    KeptDims(),
    DimsOfStatistics(),
    Mean(),
    MeanByReciprocal(),
    MeanUnderWindow(),
    NothingSmaller(),
    Softmax(),
    LogSoftmax(),
)
