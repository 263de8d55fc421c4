"""Axes of size 1 that a framework puts in: they go behind what does not need them, and meet those that take them out.

%1 = graph.reshape %q -> tensor<2x5x4x1x8xf32>
%2 = graph.einsum "abcde,afce->acbdf" %1, %k        ->      %2 = graph.einsum "abcd,aecd->acbe" %q, %k
%3 = graph.softmax %2                                       %3 = graph.softmax %2
                                                            graph.reshape %3 -> tensor<2x4x5x1x5xf32>

So jax.nn.dot_product_attention has heads in groups, of one each where there are no groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.elementwise import BinaryOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import Shape, shape_of
from neuralc.passes.driver import RewritePattern, Rewriter
from neuralc.passes.graph.canonicalize_views import number_of
from neuralc.passes.graph.raise_layers.einsums import in_order


class AxesInFront(RewritePattern[BinaryOp]):
    """An operand that broadcasts needs no axes of size 1 in front."""

    op_types = (graph.AddOp, graph.SubOp, graph.MulOp, graph.DivOp)

    def rewrite(self, op: BinaryOp, rewriter: Rewriter) -> None:
        for index, value in enumerate(op.operands):
            view = value.owner
            if not isinstance(view, graph.ReshapeOp) or not _only_in_front(shape_of(view.x.type), shape_of(value.type)):
                continue
            operands = [view.x if i == index else other for i, other in enumerate(op.operands)]
            if op.infer([operand.type for operand in operands]) == op.result.type:
                rewriter.replace(op, type(op).of(*operands), fused=[view])
                return


class ReshapedMaximum(RewritePattern[graph.SubOp]):
    """A value less its maximum along the last axis, with other sizes both: it is that of what it is taken from."""

    op_types = (graph.SubOp,)

    def rewrite(self, op: graph.SubOp, rewriter: Rewriter) -> None:
        largest = _before_views(op.rhs).owner
        if not isinstance(largest, graph.ReduceOp) or largest.literal("kind") != "maximum" or largest.x is op.lhs:
            return
        inner, outer = shape_of(largest.x.type), shape_of(op.lhs.type)
        last = [normalize_axis(axis, len(inner)) for axis in largest.literal("axes")] == [len(inner) - 1]
        if not last or inner[-1:] != outer[-1:] or shape_of(op.rhs.type) != (*outer[:-1], 1):
            return
        if _before_views(largest.x) is _before_views(op.lhs):
            new = graph.ReduceOp.of(op.lhs, kind="maximum", axes=(-1,), keepdims=True)
            rewriter.replace(op, [new, graph.SubOp.of(op.lhs, new.result)], fused=[largest])


class BehindReshape(RewritePattern[PlainOp]):
    """A product with a number, and a softmax along the last axis, of a value that got axes of size 1 in between."""

    op_types = (graph.MulOp, graph.DivOp, graph.SoftmaxOp)

    def rewrite(self, op: PlainOp, rewriter: Rewriter) -> None:
        value, *numbers = op.operands
        x = _before_views(value)
        if not value.has_one_use() or value.type != op.results[0].type:
            return
        shape, inner = shape_of(value.type), shape_of(x.type)
        if any(number_of(number) is None or shape_of(number.type) for number in numbers) or not _added(inner, shape):
            return
        if isinstance(op, graph.SoftmaxOp):
            if normalize_axis(op.literal("axis"), len(shape)) != len(shape) - 1 or inner[-1:] != shape[-1:]:
                return
            new: PlainOp = graph.SoftmaxOp.of(x)
        else:
            new = type(op).of(x, *numbers)
        new.results[0].name_hint = op.results[0].name_hint
        rewriter.replace(op, [new, graph.ReshapeOp.of(new.results[0], result=value.type)])


class EinsumOfAddedAxes(RewritePattern[graph.EinsumOp]):
    """An einsum of a value that got axes of size 1, which no other operand has: the result gets them instead."""

    op_types = (graph.EinsumOp,)

    def rewrite(self, op: graph.EinsumOp, rewriter: Rewriter) -> None:
        if any(isinstance(use.operation, graph.TransposeOp) for use in op.result.uses):
            return  # which becomes part of the einsum first
        words, result = op.literal("spec").split("->")
        letters = words.split(",")
        for index, value in enumerate(op.xs):
            x = _before_views(value)
            axes = _added(shape_of(x.type), shape_of(value.type))
            added = [letters[index][axis] for axis in axes or ()]
            if not added or not value.has_one_use() or any(words.count(letter) > 1 for letter in added):
                continue
            letters[index] = "".join(letter for letter in letters[index] if letter not in added)
            left = "".join(letter for letter in result if letter not in added)
            operands = [x if i == index else other for i, other in enumerate(op.xs)]
            new = graph.EinsumOp.of(*operands, spec=in_order(f"{','.join(letters)}->{left}"))
            new.result.name_hint = op.result.name_hint
            rewriter.replace(op, [new, graph.ReshapeOp.of(new.result, result=op.result.type)])
            return


def _only_in_front(inner: Shape, outer: Shape) -> bool:
    added = len(outer) - len(inner)
    return added > 0 and tuple(outer[added:]) == tuple(inner) and all(size == 1 for size in outer[:added])


def _added(inner: Shape, outer: Shape) -> list[int] | None:
    """The axes that a reshape puts in, each of size 1; none where it does anything else."""
    found, waiting = [], list(inner)
    for axis, size in enumerate(outer):
        if waiting and waiting[0] == size:
            waiting.pop(0)
        elif size == 1:
            found.append(axis)
        else:
            return None
    return found if found and not waiting else None


def _before_views(value: SSAValue) -> SSAValue:
    """What a value is with other sizes, its elements in their order."""
    while (view := value.owner) and isinstance(view, graph.ReshapeOp | graph.TransposeOp):
        if isinstance(view, graph.TransposeOp) and not _moves_unit_axes(view):
            break
        value = view.x
    return value


def _moves_unit_axes(op: graph.TransposeOp) -> bool:
    shape = shape_of(op.x.type)
    others = [axis for axis in op.literal("perm") if shape[axis] != 1]
    return others == sorted(others)


PATTERNS: Sequence[RewritePattern[Any]] = (AxesInFront(), ReshapedMaximum(), BehindReshape(), EinsumOfAddedAxes())
