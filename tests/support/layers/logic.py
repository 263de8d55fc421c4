"""Comparisons, truth values, and the choice between two values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.layers.program import Layer, Program, floats, is_unrounded, unrounded
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import element_of

SAMENESS: Sequence[type[Any]] = (graph.EqualOp, graph.NotEqualOp)
COMPARISONS: Sequence[type[Any]] = (
    graph.LessOp, graph.LessEqualOp, graph.GreaterOp, graph.GreaterEqualOp, *SAMENESS,
)  # fmt: skip
COMBINATIONS: Sequence[type[Any]] = (graph.LogicalAndOp, graph.LogicalOrOp, graph.LogicalXorOp, *SAMENESS)


def _truth(program: Program, x: SSAValue) -> SSAValue:
    """Truth values of the shape of a value that is not rounded."""
    return x if element_of(x.type) == i1 else _compared(program, program.choice(COMPARISONS), x)


def _compared(program: Program, op: type[Any], x: SSAValue) -> SSAValue:
    others = [value for value in program.values if value.type == x.type and is_unrounded(value)]
    other = program.choice(others) if others and program.flag() else program.like(x, program.integer(0, 1))
    return op.of(x, other).results[0]


def comparison(op: type[Any]) -> Layer:
    @unrounded
    def made(program: Program, x: SSAValue) -> SSAValue | None:
        return None if element_of(x.type) == i1 else _compared(program, op, x)

    return made


def combination(op: type[Any]) -> Layer:
    @unrounded
    def made(program: Program, x: SSAValue) -> SSAValue:
        return op.of(_truth(program, x), graph.LogicalNotOp.of(_truth(program, x)).result).results[0]

    return made


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
def is_nan(program: Program, x: SSAValue) -> SSAValue:
    """Where a number is none: square roots of some are not."""
    return graph.IsNanOp.of(graph.SqrtOp.of(x).result).result


@floats
@unrounded
def is_inf(program: Program, x: SSAValue) -> SSAValue:
    """Where a number is infinite: some are divided by 0."""
    odd = graph.DivOp.of(x, graph.ReluOp.of(x).result).result
    return graph.IsInfOp.of(odd, positive=program.flag(), negative=program.flag()).result


LAYERS: Sequence[Layer] = (
    where,
    choose_any,
    is_nan,
    is_inf,
    *map(comparison, COMPARISONS),
    *map(combination, COMBINATIONS),
)
