"""Weights derived from weights, and calls of functions."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, floats
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of


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


LAYERS: Sequence[Layer] = (derived, call)
