"""Functions of floats, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.layers.program import Layer, Program, floats, unrounded
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of

SMOOTH: Sequence[type[Any]] = (
    graph.ReluOp, graph.Relu6Op, graph.LeakyReluOp, graph.EluOp, graph.SeluOp, graph.GeluOp, graph.SiluOp, graph.MishOp,
    graph.SigmoidOp, graph.TanhOp, graph.SoftplusOp, graph.SoftsignOp, graph.HardSigmoidOp, graph.HardSwishOp,
    graph.NegOp, graph.AbsOp, graph.ErfOp, graph.IdentityOp,
)  # fmt: skip
"""Activations and functions that keep any value moderate."""
BOUNDED: Sequence[type[Any]] = (graph.TanOp, graph.SinhOp, graph.CoshOp, graph.AsinOp, graph.AcosOp, graph.AtanhOp)
"""Functions of values well within -1 .. 1."""
EVERYWHERE: Sequence[type[Any]] = (graph.SinOp, graph.CosOp, graph.AtanOp, graph.AsinhOp)
POSITIVE: Sequence[type[Any]] = (graph.LogOp, graph.SqrtOp, graph.RsqrtOp)
JUMPS: Sequence[type[Any]] = (graph.CeilOp, graph.FloorOp, graph.RoundOp, graph.SignOp)


@floats
def unary(program: Program, x: SSAValue) -> SSAValue:
    op = program.choice(SMOOTH)
    properties: dict[str, Any] = {}
    if op in (graph.LeakyReluOp, graph.EluOp):
        properties["alpha"] = float(program.rng.choice([0.1, 0.3, 1.0]))
    if op is graph.GeluOp:
        properties["approximate"] = program.flag()
    return op.of(x, **properties).results[0]


@floats
def exp(program: Program, x: SSAValue) -> SSAValue:
    return graph.ExpOp.of(graph.TanhOp.of(x).result).result


@floats
def positive(program: Program, x: SSAValue) -> SSAValue:
    shifted = graph.AddOp.of(graph.AbsOp.of(x).result, program.constant((), 0.5)).result
    return program.choice(POSITIVE).of(shifted).results[0]


@floats
def prelu(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    if not shape or not isinstance(channels := shape[-1], int):
        return None
    return graph.PreluOp.of(x, program.weight("prelu.alpha", channels)).result


@floats
def training(program: Program, x: SSAValue) -> SSAValue:
    kind = program.choice(("zeros", "alpha", "gaussian"))
    if program.flag():
        return graph.DropoutOp.of(x, rate=0.25, kind=kind).result
    if program.flag():
        return graph.GaussianNoiseOp.of(x, stddev=0.25).result
    return graph.ActivityRegularizerOp.of(x, l1=0.25).result


@floats
def add(program: Program, x: SSAValue) -> SSAValue:
    op = program.choice((graph.AddOp, graph.SubOp, graph.MaximumOp, graph.MinimumOp))
    operands = [x, program.partner(x)]
    return op.of(*(operands if program.flag() else operands[::-1])).results[0]


@floats
def mul(program: Program, x: SSAValue) -> SSAValue:
    return graph.MulOp.of(graph.TanhOp.of(program.partner(x)).result, x).result


@floats
def scale(program: Program, x: SSAValue) -> SSAValue:
    value = float(program.rng.choice([0.0, 1.0, -1.0, 0.75]))
    operands = [x, program.constant((), value)]
    return (
        program.choice((graph.MulOp, graph.AddOp, graph.SubOp))
        .of(*(operands if program.flag() else operands[::-1]))
        .result
    )


@floats
def div(program: Program, x: SSAValue) -> SSAValue:
    divisor = graph.AddOp.of(graph.AbsOp.of(program.partner(x)).result, program.constant((), 0.5)).result
    return graph.DivOp.of(x, divisor).result


@floats
def function(program: Program, x: SSAValue) -> SSAValue:
    return program.choice(EVERYWHERE).of(x).results[0]


@floats
def bounded(program: Program, x: SSAValue) -> SSAValue:
    inside = graph.MulOp.of(graph.TanhOp.of(x).result, program.constant((), 0.75)).result
    return program.choice(BOUNDED).of(inside).results[0]


@floats
def acosh(program: Program, x: SSAValue) -> SSAValue:
    return graph.AcoshOp.of(graph.AddOp.of(graph.AbsOp.of(x).result, program.constant((), 1.5)).result).result


@floats
def power(program: Program, x: SSAValue) -> SSAValue:
    base = graph.AddOp.of(graph.AbsOp.of(x).result, program.constant((), 0.5)).result
    exponent = program.constant((), float(program.rng.choice([-1.0, 0.5, 2.0])))
    return graph.PowOp.of(base, exponent if program.flag() else graph.TanhOp.of(program.partner(x)).result).result


@floats
@unrounded
def jump(program: Program, x: SSAValue) -> SSAValue:
    return program.choice(JUMPS).of(x).results[0]


@floats
@unrounded
def remainder(program: Program, x: SSAValue) -> SSAValue:
    divisor = program.constant((), float(program.rng.choice([0.75, -0.5, 2.0])))
    return program.choice((graph.RemainderOp, graph.FmodOp)).of(x, divisor).results[0]


PLAIN: Sequence[Layer] = (
    training, unary, unary, unary, unary, exp, positive, prelu, add, mul, scale, div,
)  # fmt: skip
LAYERS: Sequence[Layer] = (function, bounded, acosh, power, jump, remainder)
