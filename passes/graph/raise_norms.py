"""The rules of graph-raise-idioms for normalizations.

    %d = %x - mean(%x)
    %r = graph.rsqrt (mean(%d * %d) + 1e-5)          ->     graph.layer_norm %x, %scale, %bias {epsilon = 1e-5}
    %y = %d * %r * %scale + %bias

The variance is the mean of the squares of x - mean, or the mean of squares less the square of the mean, at least 0 or
not. The product may stand in any order, and a division by a root in the place of its reciprocal. With the statistics
of the values themselves it is a layer norm over the last dims, with weights a batch norm; without a mean, an rms norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.raise_values import (
    behind,
    factors,
    last_axes,
    made_by,
    number,
    operands_both_ways,
    plus_number,
    reduced,
    squared,
    used_once,
)
from neuralc.passes.graph.weight_values import is_known

Norm = graph.LayerNormOp | graph.RmsNormOp | graph.BatchNormOp


@dataclass(frozen=True)
class _Normalized:
    """A value times the reciprocal root of a variance, and what else is multiplied with them."""

    value: SSAValue
    variance: SSAValue
    epsilon: float
    scales: Sequence[SSAValue] = ()

    def times_scales(self, ops: Sequence[Operation]) -> list[Operation]:
        """The ops of a norm, and the multiplications behind it."""
        found = list(ops)
        for scale in self.scales:
            found.append(graph.MulOp.of(found[-1].results[0], scale))
        return found


def _normalized(op: graph.MulOp | graph.DivOp) -> _Normalized | None:
    """What an op normalizes."""
    if isinstance(op, graph.DivOp):
        root = made_by(op.rhs, graph.SqrtOp)
        values, scales = [op.lhs], []
    else:
        parts = factors(op.result)
        roots = [each for each in parts if made_by(each, graph.RsqrtOp) is not None]
        rest = [each for each in parts if each not in roots]
        values = [each for each in rest if each.type == op.result.type]
        scales = [each for each in rest if each.type != op.result.type]
        root = made_by(roots[0], graph.RsqrtOp) if len(roots) == 1 else None
    if root is None or len(values) != 1 or values[0].type != op.result.type:
        return None
    summed = plus_number(root.x)
    return None if summed is None else _Normalized(values[0], *summed, scales)


class LayerNorm(RewritePattern[graph.MulOp]):
    """By statistics of the values themselves, over the last dims."""

    op_types = (graph.MulOp, graph.DivOp)

    def rewrite(self, op: graph.MulOp | graph.DivOp, rewriter: Rewriter) -> None:
        norm = _normalized(op)
        if norm is None:
            return
        centred = _centred(norm.value)
        if centred is not None and _is_variance(norm.variance, norm.value, *centred):
            self._replace(op, graph.LayerNormOp, *centred, norm, rewriter)
            return
        mean = reduced(norm.variance, "mean")
        if mean is not None and squared(mean[0]) is norm.value and last_axes(mean[1], len(shape_of(norm.value.type))):
            self._replace(op, graph.RmsNormOp, norm.value, mean[1], norm, rewriter)

    def _replace(
        self,
        op: Operation,
        kind: type[graph.LayerNormOp | graph.RmsNormOp],
        x: SSAValue,
        axes: tuple[int, ...],
        norm: _Normalized,
        rewriter: Rewriter,
    ) -> None:
        ones = graph.ConstantOp.of(result=_vector(x, axes), value=1.0)
        rank = len(shape_of(x.type))
        axis = -1 if axes == (rank - 1,) else axes[0]
        made = kind.of(x, ones.result, epsilon=norm.epsilon, axis=axis)
        rewriter.replace(op, norm.times_scales([ones, made]))


def _vector(x: SSAValue, axes: tuple[int, ...]) -> Any:
    shape = shape_of(x.type)
    return tensor_type([shape[axis] for axis in axes], element_of(x.type))


def _centred(value: SSAValue) -> tuple[SSAValue, tuple[int, ...]] | None:
    """The x and the axes of `x - mean(x)` over the last dims."""
    sub = value.owner
    if not isinstance(sub, graph.SubOp):
        return None
    mean = reduced(sub.rhs, "mean")
    if mean is None or mean[0] is not sub.lhs or not last_axes(mean[1], len(shape_of(sub.lhs.type))):
        return None
    return mean


def _is_variance(value: SSAValue, centred: SSAValue, x: SSAValue, axes: tuple[int, ...]) -> bool:
    mean = reduced(value, "mean")
    if mean is not None:
        return mean[1] == axes and squared(mean[0]) is centred
    bounded = made_by(value, graph.MaximumOp) or made_by(value, graph.ReluOp)
    if isinstance(bounded, graph.ReluOp):
        return _is_variance(bounded.x, centred, x, axes)
    if bounded is not None:
        sides = list(operands_both_ways(bounded))
        return any(number(least) == 0 and _is_variance(other, centred, x, axes) for other, least in sides)
    return _is_difference_of_squares(value, x, axes)


def _is_difference_of_squares(value: SSAValue, x: SSAValue, axes: tuple[int, ...]) -> bool:
    """mean(x * x) - mean(x) * mean(x)."""
    sub = made_by(value, graph.SubOp)
    if sub is None:
        return False
    squares, mean = reduced(sub.lhs, "mean"), squared(sub.rhs)
    if squares is None or mean is None:
        return False
    return squares[1] == axes and squared(squares[0]) is x and reduced(mean, "mean") == (x, axes)


class BatchNorm(RewritePattern[graph.MulOp]):
    """By statistics that the model holds, along one dim."""

    op_types = (graph.MulOp, graph.DivOp)

    def rewrite(self, op: graph.MulOp | graph.DivOp, rewriter: Rewriter) -> None:
        norm = _normalized(op)
        sub = norm.value.owner if norm is not None else None
        if norm is None or not isinstance(sub, graph.SubOp) or sub.lhs.type != op.result.type:
            return
        shape = shape_of(sub.lhs.type)
        axis = _channel(sub.rhs, shape)
        if axis is None or _channel(norm.variance, shape) != axis or len(shape) < 2:
            return
        if not is_known(behind(sub.rhs)) or not is_known(behind(norm.variance)):
            return
        views: list[Operation] = []
        mean, variance = _flat(sub.rhs, views), _flat(norm.variance, views)
        one, zero = (graph.ConstantOp.of(result=mean.type, value=value) for value in (1.0, 0.0))
        made = graph.BatchNormOp.of(
            sub.lhs,
            one.result,
            zero.result,
            mean,
            variance,
            epsilon=norm.epsilon,
            axis=axis - len(shape) if axis == len(shape) - 1 else axis,
        )
        rewriter.replace(op, norm.times_scales([*views, one, zero, made]), fused=[sub])


def _channel(value: SSAValue, shape: Sequence[int | Dim]) -> int | None:
    """The dim of a shape along which a value is a vector."""
    own = shape_of(behind(value).type)
    long = [axis for axis, size in enumerate(own) if size != 1]
    if len(long) != 1:
        return None
    axis = len(shape) - len(own) + long[0]
    return axis if axis >= 0 and own[long[0]] == shape[axis] else None


def _flat(value: SSAValue, views: list[Operation]) -> SSAValue:
    """The vector that a value is along its channel; the view that makes it one is added to `views`."""
    value = behind(value)
    while isinstance(value.owner, graph.ReshapeOp) and len(shape_of(value.owner.x.type)) == 1:
        value = value.owner.x
    shape = shape_of(value.type)
    if len(shape) == 1:
        return value
    size = next(size for size in shape if size != 1)
    view = graph.ReshapeOp.of(value, result=tensor_type((size,), element_of(value.type)))
    views.append(view)
    return view.result


class Scale(RewritePattern[graph.MulOp]):
    """A norm without a scale, times one."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for value, scale in operands_both_ways(op):
            norm = value.owner
            if not isinstance(norm, Norm) or not used_once(value) or value.type != op.result.type:
                continue
            if number(norm.operands[1]) != 1 or not _has_no_bias(norm):
                continue
            views: list[Operation] = []
            fitting = _fitting(norm, scale, views)
            if fitting is not None:
                made = type(norm).of(norm.x, fitting, *norm.operands[2:], **norm.literals())
                rewriter.replace(op, [*views, made], fused=[norm])
                return


class Bias(RewritePattern[graph.AddOp]):
    """A norm without a bias, and one added to it."""

    op_types = (graph.AddOp,)

    def rewrite(self, op: graph.AddOp, rewriter: Rewriter) -> None:
        for value, bias in operands_both_ways(op):
            norm = value.owner
            if not isinstance(norm, graph.LayerNormOp | graph.BatchNormOp) or not used_once(value):
                continue
            if value.type != op.result.type or not _has_no_bias(norm):
                continue
            views: list[Operation] = []
            fitting = _fitting(norm, bias, views)
            if fitting is not None:
                statistics = norm.operands[3:] if isinstance(norm, graph.BatchNormOp) else ()
                made = type(norm).of(norm.x, norm.operands[1], fitting, *statistics, **norm.literals())
                rewriter.replace(op, [*views, made], fused=[norm])
                return


def _has_no_bias(norm: Norm) -> bool:
    if isinstance(norm, graph.BatchNormOp):
        return number(norm.beta) == 0
    return isinstance(norm, graph.RmsNormOp) or norm.bias is None


def _fitting(norm: Norm, value: SSAValue, views: list[Operation]) -> SSAValue | None:
    """A scale or a bias in the form that the norm takes; None where it is another kind of value."""
    value = behind(value)
    shape = shape_of(norm.x.type)
    if isinstance(norm, graph.BatchNormOp):
        axis = norm.literal("axis") % len(shape)
        return _flat(value, views) if is_known(value) and _channel(value, shape) == axis else None
    own, normalized = shape_of(value.type), shape_of(norm.operands[1].type)
    trimmed = own[max(len(own) - len(normalized), 0) :]
    if not trimmed or any(size != 1 for size in own[: len(own) - len(trimmed)]):
        return None
    try:
        if broadcast(trimmed, normalized) != normalized:
            return None
    except ShapeError:
        return None
    if trimmed == own:
        return value
    view = graph.ReshapeOp.of(value, result=tensor_type(trimmed, element_of(value.type)))
    views.append(view)
    return view.result


PATTERNS: Sequence[RewritePattern[Any]] = (LayerNorm(), BatchNorm(), Scale(), Bias())
