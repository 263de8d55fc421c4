"""Other spellings of a norm, brought into the one that norms.py knows, and the norm by statistics that are weights.

%v = graph.maximum (mean(%x * %x) - %m * %m), 0             %v = mean((%x - %m) * (%x - %m))
%r = graph.mul (graph.rsqrt (%v + 1e-6)), %scale      ->    %n = graph.mul (%x - %m), (graph.rsqrt (%v + 1e-6))
%y = graph.mul (%x - %m), %r                                %y = graph.mul %n, %scale

The first is Flax's (LayerNorm, use_fast_variance). Both are done only where x - mean is multiplied, so that a norm
comes of it. With weights in the place of mean and variance the norm is a batch norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import element_of, is_float, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize_views import number_of
from neuralc.passes.graph.raise_layers.matching import either_way, plus_number, product_of, reduced, same
from neuralc.passes.graph.weight_values import is_known


class FastVariance(RewritePattern[graph.MulOp]):
    """x - mean times the root of mean(x * x) - mean * mean: the variance as the mean of the squares of x - mean."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for centred, root in either_way(op):
            found = _centred(centred)
            inside = root.owner.x.owner if isinstance(root.owner, graph.RsqrtOp) else None
            if found is None or not isinstance(inside, graph.AddOp) or (moved := plus_number(inside.result)) is None:
                continue
            if not _is_difference_of_squares(moved[0], *found):
                continue
            square = graph.MulOp.of(centred, centred)
            mean = graph.ReduceOp.of(square.result, kind="mean", axes=found[1], keepdims=True)
            epsilon = inside.rhs if inside.lhs is moved[0] else inside.lhs
            total = graph.AddOp.of(mean.result, epsilon)
            new = graph.RsqrtOp.of(total.result)
            if mean.result.type != moved[0].type:
                return
            rewriter.replace(op, [square, mean, total, new, graph.MulOp.of(centred, new.result)])
            return


def _is_difference_of_squares(value: SSAValue, x: SSAValue, axes: tuple[int, ...]) -> bool:
    """mean(x * x) - mean(x) * mean(x), also where it is at least 0."""
    op = value.owner
    if isinstance(op, graph.ReluOp):
        return _is_difference_of_squares(op.x, x, axes)
    if isinstance(op, graph.MaximumOp):
        return any(number_of(b) == 0 and _is_difference_of_squares(a, x, axes) for a, b in either_way(op))
    squares = reduced(op.lhs, "mean") if isinstance(op, graph.SubOp) else None
    if squares is None or not isinstance(op, graph.SubOp) or squares[1] != axes or not _is_square(squares[0], x):
        return False
    means = product_of(op.rhs).factors
    return len(means) == 2 and all((each := reduced(mean, "mean")) and same(each[0], x) for mean in means)


def _is_square(value: SSAValue, x: SSAValue) -> bool:
    square = product_of(value)
    return square.number == 1.0 and len(square.factors) == 2 and square.takes(x) and square.takes(x)


def _centred(value: SSAValue) -> tuple[SSAValue, tuple[int, ...]] | None:
    """x and the axes of `x - mean(x)`."""
    op = value.owner
    mean = reduced(op.rhs, "mean") if isinstance(op, graph.SubOp) else None
    return mean if mean is not None and isinstance(op, graph.SubOp) and same(mean[0], op.lhs) else None


class ScaleBehind(RewritePattern[graph.MulOp]):
    """x times a root times a scale, where the root and the scale are multiplied first."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for x, factor in either_way(op):
            inner = factor.owner
            if not isinstance(inner, graph.MulOp) or x.type != op.result.type or not _is_normalized(x):
                continue
            for root, scale in either_way(inner):
                if isinstance(root.owner, graph.RsqrtOp) and not isinstance(scale.owner, graph.RsqrtOp):
                    norm = graph.MulOp.of(x, root)
                    rewriter.replace(op, [norm, graph.MulOp.of(norm.result, scale)], fused=[inner])
                    return


def _is_normalized(x: SSAValue) -> bool:
    """Whether a value is x less its mean, or less a weight."""
    return _centred(x) is not None or (isinstance(x.owner, graph.SubOp) and is_known(x.owner.rhs))


class BatchNorm(RewritePattern[graph.MulOp]):
    """(x - mean) * rsqrt(variance + epsilon) by weights along one dim; scale 1 and bias 0 for now."""

    op_types = (graph.MulOp, graph.DivOp)

    def rewrite(self, op: graph.MulOp | graph.DivOp, rewriter: Rewriter) -> None:
        wanted = graph.RsqrtOp if isinstance(op, graph.MulOp) else graph.SqrtOp
        for value, root in either_way(op) if isinstance(op, graph.MulOp) else [(op.lhs, op.rhs)]:
            sub, by = value.owner, root.owner
            if not isinstance(sub, graph.SubOp) or not isinstance(by, wanted) or sub.lhs.type != op.result.type:
                continue
            shape, inside = shape_of(op.result.type), plus_number(by.operands[0])
            axis = _channel(sub.rhs, shape)
            if axis is None or inside is None or not inside[1] > 0 or _channel(inside[0], shape) != axis:
                continue
            if is_known(sub.rhs) and is_known(inside[0]) and is_float(element_of(op.result.type)) and len(shape) > 1:
                self._replace(op, sub, inside, axis, rewriter)
                return

    def _replace(
        self, op: PlainOp, sub: graph.SubOp, inside: tuple[SSAValue, float], axis: int, rewriter: Rewriter
    ) -> None:
        views: list[Operation] = []
        mean, variance = _vector(sub.rhs, views), _vector(inside[0], views)
        one, zero = (graph.ConstantOp.of(result=mean.type, value=value) for value in (1.0, 0.0))
        operands = sub.lhs, one.result, zero.result, mean, variance
        last = axis == len(shape_of(sub.lhs.type)) - 1
        norm = graph.BatchNormOp.of(*operands, epsilon=inside[1], axis=-1 if last else axis)
        rewriter.replace(op, [*views, one, zero, norm], fused=[sub])


class ScaleOfBatchNorm(RewritePattern[graph.MulOp]):
    """A batch norm of scale 1 and bias 0 times a weight, and of bias 0 plus a weight, along its dim."""

    op_types = (graph.MulOp, graph.AddOp)

    def rewrite(self, op: graph.MulOp | graph.AddOp, rewriter: Rewriter) -> None:
        for value, weight in either_way(op):
            norm = value.owner
            if not isinstance(norm, graph.BatchNormOp) or number_of(norm.beta) != 0.0 or not value.has_one_use():
                continue
            scales = isinstance(op, graph.MulOp)
            if (scales and number_of(norm.gamma) != 1.0) or value.type != op.result.type or not is_known(weight):
                continue
            shape = shape_of(value.type)
            if _channel(weight, shape) != normalize_axis(norm.literal("axis"), len(shape)):
                continue
            views: list[Operation] = []
            vector = _vector(weight, views)
            gamma, beta = (vector, norm.beta) if scales else (norm.gamma, vector)
            new = graph.BatchNormOp.of(norm.x, gamma, beta, norm.mean, norm.variance, **norm.literals())
            rewriter.replace(op, [*views, new], fused=[norm])
            return


def _channel(value: SSAValue, shape: Sequence[int | Dim]) -> int | None:
    """The dim of a shape along which a value is a vector."""
    own = shape_of(value.type)
    long = [axis for axis, size in enumerate(own) if size != 1]
    if len(long) != 1:
        return None
    axis = len(shape) - len(own) + long[0]
    return axis if axis >= 0 and own[long[0]] == shape[axis] else None


def _vector(value: SSAValue, views: list[Operation]) -> SSAValue:
    """A value that is a vector along one dim as that vector; the view that makes it one is added to `views`."""
    while isinstance(value.owner, graph.ReshapeOp) and len(shape_of(value.owner.x.type)) == 1:
        value = value.owner.x
    shape = shape_of(value.type)
    if len(shape) == 1:
        return value
    size = next(size for size in shape if size != 1)
    view = graph.ReshapeOp.of(value, result=tensor_type((size,), element_of(value.type)))
    views.append(view)
    return view.result


PATTERNS: Sequence[RewritePattern[Any]] = (FastVariance(), ScaleBehind(), BatchNorm(), ScaleOfBatchNorm())
