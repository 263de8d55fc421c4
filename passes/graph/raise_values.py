"""What the rules of graph-raise-idioms ask of values: which number, which product, which statistic one is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, product
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.passes.graph.canonicalize_views import number_of

Op = TypeVar("Op", bound=Operation)

MOST_FACTORS = 8
"""Factors of a product that are looked at."""


def made_by(value: SSAValue, kind: type[Op]) -> Op | None:
    """The op of a type that gives a value, seen through expands."""
    owner = value.owner
    while isinstance(owner, graph.ExpandOp):
        owner = owner.x.owner
    return owner if isinstance(owner, kind) else None


def behind(value: SSAValue) -> SSAValue:
    """The value without the expands around it."""
    while isinstance(value.owner, graph.ExpandOp):
        value = value.owner.x
    return value


def number(value: SSAValue) -> float | None:
    """The number that a value is everywhere."""
    found = number_of(behind(value))
    return None if found is None else float(found)


def is_about(value: SSAValue, wanted: float) -> bool:
    """Whether a value is the constant that stands for a real number: the nearest one, or one beside it."""
    found = number(value)
    if found is None or not is_float(element_of(value.type)):
        return False
    dtype = numpy_dtype(element_of(value.type))
    step = float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.0**-7
    return math.isclose(found, wanted, rel_tol=step)


def used_once(value: SSAValue) -> bool:
    return value.uses.get_length() == 1


def factors(value: SSAValue) -> list[SSAValue]:
    """What a value is the product of, without expands: multiplications that nothing else reads are opened."""
    found: list[SSAValue] = []
    waiting = [value]
    while waiting:
        each = behind(waiting.pop())
        op = each.owner
        opened = isinstance(op, graph.MulOp) and (each is value or used_once(each))
        if isinstance(op, graph.MulOp) and opened and len(found) + len(waiting) < MOST_FACTORS:
            waiting += [op.rhs, op.lhs]
        else:
            found.append(each)
    return found


def operands_both_ways(op: graph.AddOp | graph.MulOp | graph.MaximumOp) -> Iterator[tuple[SSAValue, SSAValue]]:
    """The operands of an op that commutes, in both orders."""
    yield op.lhs, op.rhs
    yield op.rhs, op.lhs


def plus_number(value: SSAValue) -> tuple[SSAValue, float] | None:
    """A value and the number that is added to it."""
    op = made_by(value, graph.AddOp)
    for x, added in operands_both_ways(op) if op is not None else ():
        if (found := number(added)) is not None:
            return x, found
    return None


def reduced(value: SSAValue, kind: str) -> tuple[SSAValue, tuple[int, ...]] | None:
    """What a value is the reduction of, with its dims kept, and the axes."""
    op = made_by(value, graph.ReduceOp)
    if op is None or op.literal("kind") != kind or not op.literal("keepdims"):
        return None
    rank = len(shape_of(op.x.type))
    return op.x, tuple(sorted(normalize_axis(axis, rank) for axis in op.literal("axes")))


def squared(value: SSAValue) -> SSAValue | None:
    """What a value is the square of."""
    op = value.owner
    if isinstance(op, graph.MulOp) and op.lhs is op.rhs:
        return op.lhs
    if isinstance(op, graph.PowOp) and number(op.rhs) == 2:
        return op.lhs
    return None


def is_count(value: SSAValue, x: SSAValue, axes: tuple[int, ...]) -> bool:
    """Whether a value is the number of elements of some dims, written down or computed from sizes."""
    shape = shape_of(x.type)
    count = product([shape[axis] for axis in axes])
    if count.is_static:
        return number(value) == count.value
    source = behind(value)
    while isinstance(source.owner, graph.CastOp | graph.ReshapeOp):
        source = source.owner.x
    return isinstance(source.owner, graph.SizeOp) and as_dim(source.owner.dim.data) == count


def last_axes(axes: tuple[int, ...], rank: int) -> bool:
    """Whether axes are the last ones, all of them from the first one on."""
    return bool(axes) and axes == tuple(range(axes[0], rank))
