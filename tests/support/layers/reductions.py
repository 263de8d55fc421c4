"""Reductions, positions of extremes, running sums, the largest values."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, floats, rank, static, unrounded
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import DimsAttr, element_of, is_float, shape_of


def _axes(program: Program, x: SSAValue) -> tuple[int, ...]:
    count = program.integer(1, rank(x) - 1)
    return tuple(sorted(program.order(range(rank(x)))[:count]))


@floats
def reduce(program: Program, x: SSAValue) -> SSAValue | None:
    if rank(x) < 2:
        return None
    kind = program.choice(("maximum", "minimum", "sum", "mean"))
    return graph.ReduceOp.of(x, kind=kind, axes=_axes(program, x), keepdims=program.flag()).result


def reduce_all(program: Program, x: SSAValue) -> SSAValue | None:
    """A reduction of any kind that the element type has."""
    if rank(x) < 2:
        return None
    kinds: tuple[str, ...] = ("sum", "prod", "maximum", "minimum")
    if element_of(x.type) == i1:
        kinds = ("all", "any")
    kind = program.choice(kinds)
    if kind == "prod" and is_float(element_of(x.type)):
        x = graph.AddOp.of(graph.TanhOp.of(x).result, program.like(x, 0.5)).result
    return graph.ReduceOp.of(x, kind=kind, axes=_axes(program, x), keepdims=program.flag()).result


@unrounded
def arg_reduce(program: Program, x: SSAValue) -> SSAValue | None:
    if not rank(x) or element_of(x.type) == i1:
        return None
    axis = program.integer(-rank(x), rank(x) - 1)
    kind = program.choice(("max", "min"))
    return graph.ArgReduceOp.of(x, kind=kind, axis=axis, keepdims=program.flag(), last=program.flag()).result


def cumulate(program: Program, x: SSAValue) -> SSAValue | None:
    if not rank(x) or element_of(x.type) == i1:
        return None
    kind = program.choice(("sum", "prod"))
    if is_float(element_of(x.type)):
        x = graph.TanhOp.of(x).result
    axis = program.integer(-rank(x), rank(x) - 1)
    return graph.CumulateOp.of(x, kind=kind, axis=axis, exclusive=program.flag(), reverse=program.flag()).result


@unrounded
def top_k(program: Program, x: SSAValue) -> SSAValue | None:
    axes = [axis for axis, size in enumerate(shape_of(x.type)) if isinstance(size, int)]
    if not axes or element_of(x.type) == i1:
        return None
    axis = program.choice(axes)
    k = program.integer(1, static(shape_of(x.type)[axis]))
    op = graph.TopKOp.of(x, k=DimsAttr((as_dim(k),)), axis=axis, largest=program.flag())
    return op.results[program.integer(0, 1)]


PLAIN: Sequence[Layer] = (reduce,)
LAYERS: Sequence[Layer] = (reduce_all, reduce_all, arg_reduce, cumulate, top_k)
