"""What patterns over decomposed layers share: numbers, products by their factors, equal computations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isclose

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import shape_of
from neuralc.passes.graph.canonicalize_views import number_of

FP32 = 2e-7
"""Two numbers that differ by less, relatively, are one number of fp32."""

DEPTH = 8
"""Ops that are looked through for the factors of a product, and to find two computations equal."""


def is_number(value: SSAValue, expected: float) -> bool:
    """A constant that is a number as fp32 holds it."""
    return is_close(number_of(value), expected)


def is_close(found: float | None, expected: float) -> bool:
    return found is not None and isclose(found, expected, rel_tol=FP32)


def either_way(op: PlainOp) -> Iterator[tuple[SSAValue, SSAValue]]:
    """The operands of an op of two that commutes, in both orders."""
    lhs, rhs = op.operands
    yield lhs, rhs
    yield rhs, lhs


def plus_number(value: SSAValue) -> tuple[SSAValue, float] | None:
    """x and c of `x + c` or `x - c`."""
    op = value.owner
    if isinstance(op, graph.AddOp):
        for other, number in either_way(op):
            if (found := number_of(number)) is not None:
                return other, found
    if isinstance(op, graph.SubOp) and (found := number_of(op.rhs)) is not None:
        return op.lhs, -found
    return None


def same(x: SSAValue, y: SSAValue, depth: int = DEPTH) -> bool:
    """Whether two values are one, or made by equal ops of what is."""
    if x is y:
        return True
    ours, theirs = x.owner, y.owner
    if depth == 0 or not isinstance(ours, PlainOp) or not isinstance(theirs, type(ours)) or x.type != y.type:
        return False
    if ours.properties != theirs.properties or len(ours.operands) != len(theirs.operands) or ours.regions:
        return False
    if isinstance(ours, graph.GetWeightOp | graph.ConstantOp):
        return True
    pairs = zip(ours.operands, theirs.operands, strict=True)
    return bool(ours.operands) and all(same(a, b, depth - 1) for a, b in pairs)


@dataclass
class Product:
    """A value as `number * factor * factor ..`: products, quotients by a number and squares are looked through."""

    number: float = 1.0
    factors: list[SSAValue] = field(default_factory=list)

    @property
    def only(self) -> SSAValue | None:
        """The one factor, where there is one."""
        return self.factors[0] if len(self.factors) == 1 else None

    def takes(self, value: SSAValue) -> bool:
        """Take a factor away that equals a value; False where there is none."""
        for index, factor in enumerate(self.factors):
            if same(factor, value):
                del self.factors[index]
                return True
        return False


def product_of(value: SSAValue, depth: int = DEPTH) -> Product:
    found = Product()
    _collect(value, found, depth)
    return found


def _collect(value: SSAValue, found: Product, depth: int) -> None:
    number, op = number_of(value), value.owner
    if number is not None:
        found.number *= number
    elif isinstance(op, graph.MulOp) and depth:
        for factor in op.operands:
            _collect(factor, found, depth - 1)
    elif isinstance(op, graph.DivOp) and depth and (divisor := number_of(op.rhs)):
        found.number /= divisor
        _collect(op.lhs, found, depth - 1)
    elif isinstance(op, graph.PowOp) and depth and (times := number_of(op.rhs)) in (2, 3):
        for _ in range(int(times)):
            _collect(op.lhs, found, depth - 1)
    else:
        found.factors.append(value)


def reduced(value: SSAValue, kind: str) -> tuple[SSAValue, tuple[int, ...]] | None:
    """x and the axes of a reduction of a kind that keeps its dims, as it is or by a reshape behind it."""
    op = value.owner
    if isinstance(op, graph.ReshapeOp) and isinstance(op.x.owner, graph.ReduceOp):
        inner = op.x.owner
        kept = _kept(inner)
        return (inner.x, _axes(inner)) if inner.literal("kind") == kind and shape_of(value.type) == kept else None
    if isinstance(op, graph.ReduceOp) and op.literal("kind") == kind and shape_of(value.type) == _kept(op):
        return op.x, _axes(op)
    return None


def _axes(op: graph.ReduceOp) -> tuple[int, ...]:
    rank = len(shape_of(op.x.type))
    return tuple(sorted(normalize_axis(axis, rank) for axis in op.literal("axes")))


def _kept(op: graph.ReduceOp) -> Sequence[object]:
    axes = _axes(op)
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape_of(op.x.type)))
