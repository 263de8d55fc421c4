"""Norms and softmax in their parts.

%m = graph.reduce %x {kind = "mean", ..}          %v = graph.reduce %s {kind = "mean", ..}
%d = graph.sub %x, %m                             %r = graph.sqrt (%v + epsilon)             graph.layer_norm
%s = graph.mul %d, %d                             %n = graph.div %d, %r           ->          %x, %scale, %bias
                                                  .. * %scale + %bias
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import Block, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, as_tensor, element_of, is_float, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize_views import number_of
from neuralc.passes.graph.raise_layers.matching import either_way, plus_number, product_of, reduced, same
from neuralc.passes.graph.weight_values import is_known


class Normalized(RewritePattern[PlainOp]):
    """x / sqrt(mean(x * x) + epsilon): of what is around its mean a layer norm, of others an rms norm, of scale 1."""

    op_types = (graph.MulOp, graph.DivOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        if not is_float(element_of(op.results[0].type)):
            return
        for value, epsilon, axes in _scaled_by_deviation(op):
            rank = len(shape_of(value.type))
            if axes != tuple(range(axes[0], rank)) or value.type != op.results[0].type:
                continue
            axis = -1 if axes[0] == rank - 1 else axes[0]
            centred = _centred(value, axes)
            kind = graph.RmsNormOp if centred is None else graph.LayerNormOp
            one = graph.ConstantOp.of(result=_normalized_type(value, axes[0]), value=1.0)
            x = value if centred is None else centred
            rewriter.replace(op, [one, kind.of(x, one.result, axis=axis, epsilon=epsilon)])
            return


def _scaled_by_deviation(op: PlainOp) -> list[tuple[SSAValue, float, tuple[int, ...]]]:
    """x, epsilon and the axes where an op is x / sqrt(mean(x * x) + epsilon) or x * rsqrt(..)."""
    pairs = [(op.operands[0], op.operands[1])] if isinstance(op, graph.DivOp) else list(either_way(op))
    wanted = graph.SqrtOp if isinstance(op, graph.DivOp) else graph.RsqrtOp
    found = []
    for x, deviation in pairs:
        root = _root_of(deviation, wanted)
        inside = plus_number(root) if root is not None else None
        mean = reduced(inside[0], "mean") if inside is not None else None
        if inside is None or mean is None or not inside[1] > 0:
            continue
        square = product_of(mean[0])
        if square.number == 1.0 and len(square.factors) == 2 and square.takes(x) and square.takes(x):
            found.append((x, float(inside[1]), mean[1]))
    return found


def _root_of(value: SSAValue, kind: type[PlainOp]) -> SSAValue | None:
    """What a value is the root of, or one by the root of; also as a quotient and as a power."""
    op = value.owner
    if isinstance(op, kind):
        return op.operands[0]
    if isinstance(op, graph.PowOp) and number_of(op.rhs) == (0.5 if kind is graph.SqrtOp else -0.5):
        return op.lhs
    if kind is graph.RsqrtOp and isinstance(op, graph.DivOp) and number_of(op.lhs) == 1.0:
        return _root_of(op.rhs, graph.SqrtOp)
    return None


def _centred(value: SSAValue, axes: tuple[int, ...]) -> SSAValue | None:
    """x of `x - mean(x)`."""
    op = value.owner
    if not isinstance(op, graph.SubOp):
        return None
    mean = reduced(op.rhs, "mean")
    return op.lhs if mean is not None and same(mean[0], op.lhs) and mean[1] == axes else None


def _normalized_type(value: SSAValue, axis: int) -> Any:
    return tensor_type(shape_of(value.type)[axis:], element_of(value.type))


class InverseRoot(RewritePattern[graph.DivOp]):
    """1 / sqrt(x)."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        root = op.rhs.owner
        if number_of(op.lhs) == 1.0 and isinstance(root, graph.SqrtOp) and root.x.type == op.result.type:
            rewriter.replace(op, graph.RsqrtOp.of(root.x), fused=[root])


class ScaleOfNorm(RewritePattern[graph.MulOp]):
    """A norm of scale 1 and without a bias, times a weight along its dims."""

    op_types = (graph.MulOp,)

    def rewrite(self, op: graph.MulOp, rewriter: Rewriter) -> None:
        for value, scale in either_way(op):
            norm = value.owner
            if not isinstance(norm, graph.LayerNormOp | graph.RmsNormOp) or number_of(norm.scale) != 1.0:
                continue
            plain = isinstance(norm, graph.RmsNormOp) or norm.bias is None
            if plain and _is_held(scale) and value.type == op.result.type and value.has_one_use():
                _replace_if_it_fits(op, norm, [norm.x, scale], rewriter)
                return


class BiasOfNorm(RewritePattern[graph.AddOp]):
    """A layer norm without a bias, plus a weight along its dims."""

    op_types = (graph.AddOp,)

    def rewrite(self, op: graph.AddOp, rewriter: Rewriter) -> None:
        for value, bias in either_way(op):
            norm = value.owner
            if not isinstance(norm, graph.LayerNormOp) or norm.bias is not None or not _is_held(bias):
                continue
            if value.type == op.result.type and value.has_one_use():
                _replace_if_it_fits(op, norm, [norm.x, norm.scale, bias], rewriter)
                return


def _is_held(value: SSAValue) -> bool:
    """Whether a value is a weight, or what a function or the body of a loop gets: there it may be one."""
    return isinstance(value.owner, Block) or is_known(value)


def _replace_if_it_fits(
    op: PlainOp, norm: graph.LayerNormOp | graph.RmsNormOp, operands: Sequence[SSAValue], rewriter: Rewriter
) -> None:
    x, *weights = operands
    views = [_without_leading(weight, len(shape_of(norm.scale.type))) for weight in weights]
    held = [weight if view is None else view.result for weight, view in zip(weights, views, strict=True)]
    try:
        type(norm).infer([x.type, *(value.type for value in held)], **norm.literals())
    except ShapeError:  # the weight runs along other dims than those of the norm
        return
    new = type(norm).of(x, *held, **norm.literals())
    rewriter.replace(op, [*(view for view in views if view is not None), new], fused=[norm])


def _without_leading(weight: SSAValue, rank: int) -> graph.ReshapeOp | None:
    """A weight of more dims than the norm has, without the leading ones of size 1."""
    shape = shape_of(weight.type)
    if len(shape) <= rank or any(size != 1 for size in shape[: len(shape) - rank]):
        return None
    return graph.ReshapeOp.of(weight, result=tensor_type(shape[len(shape) - rank :], element_of(weight.type)))


class Softmax(RewritePattern[graph.DivOp]):
    """exp(x - max(x)) / sum(exp(x - max(x)))."""

    op_types = (graph.DivOp,)

    def rewrite(self, op: graph.DivOp, rewriter: Rewriter) -> None:
        total = reduced(op.rhs, "sum")
        exp = op.lhs.owner
        if total is None or not isinstance(exp, graph.ExpOp) or not same(total[0], op.lhs) or len(total[1]) != 1:
            return
        shifted = exp.x.owner
        largest = reduced(shifted.rhs, "maximum") if isinstance(shifted, graph.SubOp) else None
        if largest is None or not isinstance(shifted, graph.SubOp) or largest[1] != total[1]:
            return
        if same(largest[0], shifted.lhs) and shifted.lhs.type == op.result.type:
            axis, rank = total[1][0], len(shape_of(op.result.type))
            rewriter.replace(op, graph.SoftmaxOp.of(shifted.lhs, axis=-1 if axis == rank - 1 else axis))


class LogSoftmax(RewritePattern[graph.SubOp]):
    """x - max(x) - log(sum(exp(x - max(x))))."""

    op_types = (graph.SubOp,)

    def rewrite(self, op: graph.SubOp, rewriter: Rewriter) -> None:
        log, shifted = op.rhs.owner, op.lhs.owner
        total = reduced(log.x, "sum") if isinstance(log, graph.LogOp) else None
        exp = total[0].owner if total is not None else None
        if total is None or not isinstance(shifted, graph.SubOp) or not isinstance(exp, graph.ExpOp):
            return
        largest = reduced(shifted.rhs, "maximum")
        if largest is None or largest[1] != total[1] or len(total[1]) != 1 or not same(exp.x, op.lhs):
            return
        if same(largest[0], shifted.lhs) and shifted.lhs.type == op.result.type:
            axis, rank = total[1][0], len(shape_of(op.result.type))
            rewriter.replace(op, graph.LogSoftmaxOp.of(shifted.lhs, axis=-1 if axis == rank - 1 else axis))


class GroupNormOfParts(RewritePattern[graph.AddOp]):
    """[N, C, ..] as [N, groups, ..], a norm of each group, back, then scale and bias of the channels: PyTorch's export.

    The norm in the middle has scale 1 and bias 0.
    """

    op_types = (graph.AddOp,)

    def rewrite(self, op: graph.AddOp, rewriter: Rewriter) -> None:
        for scaled, bias in either_way(op):
            if not isinstance(product := scaled.owner, graph.MulOp):
                continue
            for value, scale in either_way(product):
                inside = _norm_of_parts(value)
                if inside is None or value.type != op.result.type:
                    continue
                x, norm = inside
                vectors = [_per_channel(vector, x) for vector in (scale, bias)]
                if all(vector is not None for vector in vectors):
                    views = [view for vector in vectors if vector is not None for view in vector[0]]
                    ends = [vector[1] for vector in vectors if vector is not None]
                    new = graph.GroupNormOp.of(x, *ends, groups=norm.literal("groups"), epsilon=norm.literal("epsilon"))
                    rewriter.replace(op, [*views, new], fused=[norm])
                    return


def _norm_of_parts(value: SSAValue) -> tuple[SSAValue, graph.GroupNormOp] | None:
    """x and the norm where a value is x by groups, normalized, as it was."""
    back = value.owner
    norm = back.x.owner if isinstance(back, graph.ReshapeOp) else None
    parts = norm.x.owner if isinstance(norm, graph.GroupNormOp) else None
    if not isinstance(norm, graph.GroupNormOp) or not isinstance(parts, graph.ReshapeOp):
        return None
    shape, split, groups = shape_of(parts.x.type), shape_of(norm.x.type), norm.literal("groups")
    plain = number_of(norm.scale) == 1.0 and number_of(norm.bias) == 0.0 and parts.x.type == value.type
    whole = normalize_axis(norm.literal("axis"), len(split)) == 1 and len(split) > 2 and split[1] == groups
    fits = len(shape) > 2 and shape[0] == split[0] and isinstance(shape[1], int) and shape[1] % groups == 0
    return (parts.x, norm) if plain and whole and fits else None


def _per_channel(vector: SSAValue, x: SSAValue) -> tuple[list[PlainOp], SSAValue] | None:
    """A weight along dim 1 of x as a vector: the view that makes it one, and it."""
    shape, rank = shape_of(vector.type), len(shape_of(x.type))
    channels = shape_of(x.type)[1]
    expected = (1,) * (len(shape) - rank + 1) + (channels,) + (1,) * (rank - 2)
    if not is_known(vector) or len(shape) < rank - 1 or tuple(shape) != expected:
        return None
    view = graph.ReshapeOp.of(vector, result=tensor_type((channels,), as_tensor(vector.type).element_type))
    return [view], view.result


PATTERNS: Sequence[RewritePattern[Any]] = (
    InverseRoot(),
    Normalized(),
    ScaleOfNorm(),
    BiasOfNorm(),
    Softmax(),
    LogSoftmax(),
    GroupNormOfParts(),
)
