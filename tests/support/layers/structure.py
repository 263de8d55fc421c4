"""Weights derived from weights, states, and calls of functions."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, floats
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import as_tensor, shape_of


@floats
def derived(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    if not shape or not isinstance(channels := shape[-1], int):
        return None
    program.weight("source", channels)
    name = list(program.build.weights)[-1]
    value = program.build.derived("source.softplus", [name], lambda a: graph.SoftplusOp.of(a).result)
    return graph.AddOp.of(x, value).result


@floats
def call(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    if not shape or not isinstance(depth := shape[-1], int):
        return None
    kernel = program.weight("block.kernel", depth, depth, scale=depth**-0.5)

    def body(inner: SSAValue, inner_kernel: SSAValue) -> SSAValue:
        hidden = graph.ReluOp.of(graph.DenseOp.of(inner, inner_kernel).result).result
        return graph.AddOp.of(hidden, inner).result

    name = program.build.function("block", [x.type, kernel.type], body)
    twice = graph.CallOp(name, [x, kernel], [x.type], path="block.0").res[0]
    return graph.CallOp(name, [twice, kernel], [x.type], path="block.1").res[0]


@floats
def state(program: Program, x: SSAValue) -> SSAValue | None:
    """The value of the run before is added; some states begin with a weight, some with a number."""
    shape = shape_of(x.type)
    initial: str | float = 0.25 * program.integer(-2, 2)
    if shape and isinstance(channels := shape[-1], int) and program.flag():
        program.weight("start", channels)
        initial = list(program.build.weights)[-1]
    name = program.build.state("state", as_tensor(x.type), initial)
    result = graph.AddOp.of(x, graph.GetStateOp(name, x.type).result).result
    graph.SetStateOp(name, program.choice([x, graph.MulOp.of(result, program.like(result, 0.5)).result]))
    return result


LAYERS: Sequence[Layer] = (derived, call)
STATES: Sequence[Layer] = (state,)
