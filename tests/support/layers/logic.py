"""Comparisons, truth values, and the choice between two values."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, floats, is_unrounded, unrounded
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import element_of

COMPARISONS = (graph.LessOp, graph.LessEqualOp, graph.GreaterOp, graph.GreaterEqualOp)
SAMENESS = (graph.EqualOp, graph.NotEqualOp)


def _truth(program: Program, x: SSAValue) -> SSAValue:
    """Truth values of the shape of a value that is not rounded."""
    if element_of(x.type) == i1:
        return x
    others = [value for value in program.values if value.type == x.type and is_unrounded(value)]
    other = program.choice(others) if others and program.flag() else program.like(x, program.integer(0, 1))
    return program.choice((*COMPARISONS, *SAMENESS)).of(x, other).results[0]


@unrounded
def compare(program: Program, x: SSAValue) -> SSAValue:
    return _truth(program, x)


@unrounded
def combine(program: Program, x: SSAValue) -> SSAValue:
    lhs = _truth(program, x)
    rhs = graph.LogicalNotOp.of(_truth(program, x)).result
    ops = (graph.LogicalAndOp, graph.LogicalOrOp, graph.LogicalXorOp, *SAMENESS)
    return program.choice(ops).of(lhs, rhs).results[0]


@unrounded
def where(program: Program, x: SSAValue) -> SSAValue:
    condition = _truth(program, x)
    if element_of(x.type) == i1:
        return graph.WhereOp.of(condition, x, graph.LogicalNotOp.of(x).result).result
    other = program.partner(x) if program.flag() else program.like(x, 1)
    return graph.WhereOp.of(condition, *((x, other) if program.flag() else (other, x))).result


@floats
def choose_any(program: Program, x: SSAValue) -> SSAValue | None:
    """Floats that were computed, chosen by values that were not."""
    same = [value for value in program.values if value.type == x.type and is_unrounded(value)]
    if not same:
        return None
    return graph.WhereOp.of(_truth(program, program.choice(same)), x, program.partner(x)).result


@floats
@unrounded
def special(program: Program, x: SSAValue) -> SSAValue:
    """Where a number is NaN or infinite: the square root and the inverse of some numbers are."""
    odd = graph.SqrtOp.of(x).result if program.flag() else graph.DivOp.of(x, graph.ReluOp.of(x).result).result
    if program.flag():
        return graph.IsNanOp.of(odd).result
    return graph.IsInfOp.of(odd, positive=program.flag(), negative=program.flag()).result


LAYERS: Sequence[Layer] = (compare, combine, where, choose_any, special)
