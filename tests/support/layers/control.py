"""Choice, repetition and recurrence, with layers in their regions."""

from __future__ import annotations

from collections.abc import Sequence

from support import regions
from support.layers.program import Layer, Program, floats, rank, static_first
from xdsl.dialects.builtin import i1, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import element_of, shape_of, tensor_type


@floats
def choose(program: Program, x: SSAValue) -> SSAValue:
    """One of two layers, by whether any flag of the program is true."""
    flags = [value for value in program.values if element_of(value.type) == i1 and value.owner is x.owner]
    flags = flags or [value for value in program.values if element_of(value.type) == i1]
    if not flags:
        return x
    condition = program.choice(flags)
    if rank(condition):
        condition = graph.ReduceOp.of(condition, kind="any", axes=tuple(range(rank(condition)))).result
    partner = program.partner(x)
    return regions.choose(
        condition,
        lambda: [graph.ReluOp.of(x).result],
        lambda: [graph.AddOp.of(x, graph.TanhOp.of(partner).result).result],
    )[0]


@floats
def loop(program: Program, x: SSAValue) -> SSAValue:
    """A few rounds, by a number that is known or one that is computed."""
    half = program.constant((), 0.5)

    def body(number: SSAValue, carried: SSAValue) -> Sequence[SSAValue]:
        return [graph.AddOp.of(graph.MulOp.of(carried, half).result, graph.TanhOp.of(x).result).result]

    if program.flag():
        return regions.loop([x], body, trips=program.integer(0, 3))[0]
    return regions.loop([x], body, limit=program.constant((), program.integer(0, 3), i64))[0]


@floats
def scan(program: Program, x: SSAValue) -> SSAValue | None:
    """A running mean along a static dim; the values of all rounds, or the last one."""
    x = static_first(x)
    shape = shape_of(x.type)
    if len(shape) < 2 or not isinstance(shape[0], int) or shape[0] == 0:
        return None
    first = program.constant(shape[1:], 0.0)

    def body(carried: SSAValue, entry: SSAValue) -> Sequence[SSAValue]:
        both = graph.AddOp.of(carried, entry).result
        mean = graph.MulOp.of(
            both, graph.ConstantOp.of(result=tensor_type((), program.element), value=0.5).result
        ).result
        return [mean, graph.TanhOp.of(mean).result]

    return program.choice(list(regions.scan(shape[0], [first], [x], body)))


LAYERS: Sequence[Layer] = (choose, loop, scan)
