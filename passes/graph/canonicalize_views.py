"""The rules of graph-canonicalize for ops that move values.

    %0 = graph.slice %x {starts = #graph.dims<2, 0>, steps = [1, 1]} -> tensor<6x4xf32>
    %1 = graph.slice %0 {starts = #graph.dims<1, 0>, steps = [2, 1]} -> tensor<3x4xf32>
                                                             ->  %1 = graph.slice %x {starts = <3, 0>, steps = [2, 1]}

The forms: a view that changes nothing goes, views of one kind compose, a view of a constant is a constant; a reshape
instead of a transpose that moves dims of size 1 only; a slice for a gather of one known place; no expand before an op
that broadcasts. Nothing is copied twice that was copied once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL, is_larger, normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import DimsAttr, ShapeError, element_of, shape_of, tensor_type
from neuralc.passes.driver import RewritePattern, Rewriter


def number_of(value: SSAValue) -> float | int | None:
    """The number of a constant, None for other values."""
    return value.owner.literal("value") if isinstance(value.owner, graph.ConstantOp) else None


class ViewOfConstant(RewritePattern[PlainOp]):
    """Whatever moves the values of a constant leaves a constant."""

    op_types = (graph.ReshapeOp, graph.TransposeOp, graph.SliceOp, graph.ExpandOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        if (number := number_of(op.operands[0])) is not None:
            rewriter.replace(op, graph.ConstantOp.of(result=op.results[0].type, value=number))


class ComposeReshapes(RewritePattern[graph.ReshapeOp]):
    """A reshape to the same type goes; of a reshape, the inner one is skipped."""

    op_types = (graph.ReshapeOp,)

    def rewrite(self, op: graph.ReshapeOp, rewriter: Rewriter) -> None:
        inner = op.x.owner
        if op.result.type == op.x.type:
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner, graph.ReshapeOp):
            rewriter.replace(op, graph.ReshapeOp.of(inner.x, result=op.result.type), fused=[inner])


class ComposeTransposes(RewritePattern[graph.TransposeOp]):
    """An order that changes nothing goes; of a transpose, both become one."""

    op_types = (graph.TransposeOp,)

    def rewrite(self, op: graph.TransposeOp, rewriter: Rewriter) -> None:
        perm, inner = op.literal("perm"), op.x.owner
        if list(perm) == sorted(perm):
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner, graph.TransposeOp):
            before = inner.literal("perm")
            composed = tuple(before[axis] for axis in perm)
            rewriter.replace(op, graph.TransposeOp.of(inner.x, perm=composed), fused=[inner])


class TransposeOfUnitDims(RewritePattern[graph.TransposeOp]):
    """Where only dims of size 1 change their place, no value does: a reshape."""

    op_types = (graph.TransposeOp,)

    def rewrite(self, op: graph.TransposeOp, rewriter: Rewriter) -> None:
        shape = shape_of(op.x.type)
        moved = [axis for axis in op.literal("perm") if shape[axis] != 1]
        if moved == sorted(moved) and not isinstance(op.x.owner, graph.TransposeOp):
            rewriter.replace(op, graph.ReshapeOp.of(op.x, result=op.result.type))


# -- slices ----------------------------------------------------------------------------------------------------------


class ComposeSlices(RewritePattern[graph.SliceOp]):
    """A slice of everything goes; of a slice, both become one."""

    op_types = (graph.SliceOp,)

    def rewrite(self, op: graph.SliceOp, rewriter: Rewriter) -> None:
        inner, starts, steps = op.x.owner, op.starts.data, op.literal("steps")
        if op.result.type == op.x.type and set(steps) <= {1} and not any(start.terms for start in starts):
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner, graph.SliceOp):
            strides = inner.literal("steps")
            places = [a + b * step for a, b, step in zip(inner.starts.data, starts, strides, strict=True)]
            both = tuple(a * b for a, b in zip(strides, steps, strict=True))
            new = graph.SliceOp.of(inner.x, starts=DimsAttr(tuple(places)), steps=both, result=op.result.type)
            rewriter.replace(op, new, fused=[inner])


class SliceOfConcat(RewritePattern[graph.SliceOp]):
    """A slice that lies within one operand of a concat reads that operand."""

    op_types = (graph.SliceOp,)

    def rewrite(self, op: graph.SliceOp, rewriter: Rewriter) -> None:
        joined = op.x.owner
        if not isinstance(joined, graph.ConcatOp):
            return
        axis = normalize_axis(joined.literal("axis"), len(shape_of(op.x.type)))
        start, count = op.starts.data[axis], as_dim(shape_of(op.result.type)[axis])
        last = start + (count - 1) * op.literal("steps")[axis]
        before: int | Dim = 0
        for part in joined.xs:
            size = shape_of(part.type)[axis]
            first, after = start - before, last - before
            if all(_is_inside(place, size) for place in (first, after)):
                starts = DimsAttr((*op.starts.data[:axis], first, *op.starts.data[axis + 1 :]))
                new = graph.SliceOp.of(part, starts=starts, steps=op.literal("steps"), result=op.result.type)
                rewriter.replace(op, new)
                return
            before = before + as_dim(size)


def _is_inside(place: Dim, size: int | Dim) -> bool:
    """A place known to be one of a dim, whatever the symbols are (each is at least 0)."""
    return _never_negative(place) and _never_negative(as_dim(size) - 1 - place)


def _never_negative(dim: Dim) -> bool:
    return dim.is_static and dim.value >= 0


class PlainConcat(RewritePattern[graph.ConcatOp]):
    """A concat of one is it; empty operands go; a concat that only this one reads is a part of it."""

    op_types = (graph.ConcatOp,)

    def rewrite(self, op: graph.ConcatOp, rewriter: Rewriter) -> None:
        axis = normalize_axis(op.literal("axis"), len(shape_of(op.result.type)))
        parts: list[SSAValue] = []
        inner: list[graph.ConcatOp] = []
        for part in op.xs:
            owner = part.owner
            if shape_of(part.type)[axis] == 0:
                continue
            if isinstance(owner, graph.ConcatOp) and part.has_one_use() and _same_axis(owner, axis):
                inner.append(owner)
                parts += owner.xs
            else:
                parts.append(part)
        if len(parts) == 1:
            rewriter.replace(op, results=parts)
        elif parts and list(op.xs) != parts:
            rewriter.replace(op, graph.ConcatOp.of(*parts, axis=axis), fused=inner)


def _same_axis(op: graph.ConcatOp, axis: int) -> bool:
    return normalize_axis(op.literal("axis"), len(shape_of(op.result.type))) == axis


# -- expand and pad --------------------------------------------------------------------------------------------------


class ComposeExpands(RewritePattern[graph.ExpandOp]):
    """An expand to the same type goes; of an expand, the inner one is skipped."""

    op_types = (graph.ExpandOp,)

    def rewrite(self, op: graph.ExpandOp, rewriter: Rewriter) -> None:
        inner = op.x.owner
        if op.result.type == op.x.type:
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner, graph.ExpandOp):
            rewriter.replace(op, graph.ExpandOp.of(inner.x, result=op.result.type), fused=[inner])


class ExpandBeforeBroadcast(RewritePattern[PlainOp]):
    """An op that broadcasts needs no operand expanded to what the result is anyway."""

    op_types = (*graph.BINARY,)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        for index, operand in enumerate(op.operands):
            if not isinstance(expand := operand.owner, graph.ExpandOp):
                continue
            types = [expand.x.type if i == index else other.type for i, other in enumerate(op.operands)]
            try:
                same = op.infer(types, **op.literals()) == op.results[0].type
            except ShapeError:  # sizes that only the expand makes fit
                same = False
            if same:
                rewriter.set_operand(op, index, expand.x)
                return


class ComposePads(RewritePattern[graph.PadOp]):
    """A pad of nothing goes; of a pad with the same constant, both become one."""

    op_types = (graph.PadOp,)

    def rewrite(self, op: graph.PadOp, rewriter: Rewriter) -> None:
        low, high, inner = op.literal("low"), op.literal("high"), op.x.owner
        if not any((*low, *high)):
            rewriter.replace(op, results=[op.x])
        elif isinstance(inner, graph.PadOp) and inner.value == op.value and {_mode(op), _mode(inner)} == {"constant"}:
            lows, highs = (
                tuple(a + b for a, b in zip(op.literal(name), inner.literal(name), strict=True))
                for name in ("low", "high")
            )
            rewriter.replace(op, graph.PadOp.of(inner.x, low=lows, high=highs, value=op.value), fused=[inner])


def _mode(op: graph.PadOp) -> str:
    return str(op.literal("mode"))


class PadIntoConv(RewritePattern[graph.ConvOp]):
    """Zeros around an image are what the pads of a conv are."""

    op_types = (graph.ConvOp,)

    def rewrite(self, op: graph.ConvOp, rewriter: Rewriter) -> None:
        pad = op.x.owner
        if not isinstance(pad, graph.PadOp) or _mode(pad) != "constant" or pad.literal("value") != 0:
            return
        low, high, data_format = pad.literal("low"), pad.literal("high"), op.literal("data_format")
        beside = (0, CHANNEL[data_format])
        if any(low[axis] or high[axis] for axis in beside):
            return
        places = [low[axis] for axis in SPATIAL[data_format]] + [high[axis] for axis in SPATIAL[data_format]]
        pads = tuple(a + b for a, b in zip(op.literal("pads"), places, strict=True))
        operands = [pad.x, *op.operands[1:]]
        rewriter.replace(op, graph.ConvOp.of(*operands, **{**op.literals(), "pads": pads}), fused=[pad])


# -- places ----------------------------------------------------------------------------------------------------------


class GatherOfOnePlace(RewritePattern[graph.GatherOp]):
    """A gather of one place that is known is a slice, and the dim is gone. One outside stays an error of the run."""

    op_types = (graph.GatherOp,)

    def rewrite(self, op: graph.GatherOp, rewriter: Rewriter) -> None:
        shape, number = shape_of(op.x.type), number_of(op.indices)
        axis = normalize_axis(op.literal("axis"), len(shape))
        if number is None or shape_of(op.indices.type):
            return
        size = shape[axis]
        place = as_dim(int(number)) if number >= 0 else as_dim(size) + int(number)
        if not isinstance(size, int) or is_larger(0, place) or not is_larger(size, place):
            return
        starts = DimsAttr(tuple(place if i == axis else as_dim(0) for i in range(len(shape))))
        one = tensor_type([1 if i == axis else n for i, n in enumerate(shape)], element_of(op.x.type))
        taken = graph.SliceOp.of(op.x, starts=starts, steps=(1,) * len(shape), result=one)
        rewriter.replace(op, [taken, graph.ReshapeOp.of(taken.result, result=op.result.type)])


class KnownSize(RewritePattern[graph.SizeOp]):
    """A size without symbols is a constant; so is an iota of one place."""

    op_types = (graph.SizeOp, graph.IotaOp)

    def rewrite(self, op: graph.SizeOp | graph.IotaOp, rewriter: Rewriter) -> None:
        if isinstance(op, graph.SizeOp) and op.dim.data.is_static:
            rewriter.replace(op, graph.ConstantOp.of(result=op.result.type, value=op.dim.data.value))
        elif isinstance(op, graph.IotaOp) and shape_of(op.result.type) == (1,):
            rewriter.replace(op, graph.ConstantOp.of(result=op.result.type, value=0))


PATTERNS: Sequence[RewritePattern[Any]] = (
    ViewOfConstant(),
    ComposeReshapes(),
    ComposeTransposes(),
    TransposeOfUnitDims(),
    ComposeSlices(),
    SliceOfConcat(),
    PlainConcat(),
    ComposeExpands(),
    ExpandBeforeBroadcast(),
    ComposePads(),
    PadIntoConv(),
    GatherOfOnePlace(),
    KnownSize(),
)
