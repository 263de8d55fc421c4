"""Functions of floats, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.layers.program import Layer, Program, floats, is_unrounded, unrounded
from xdsl.dialects.builtin import bf16, f16, f32, f64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of, tensor_type

FLOATS: Sequence[Attribute] = (f32, f64, f16, bf16)
SMOOTH: Sequence[type[Any]] = (
    graph.ReluOp, graph.Relu6Op, graph.LeakyReluOp, graph.EluOp, graph.SeluOp, graph.GeluOp, graph.SiluOp, graph.MishOp,
    graph.SigmoidOp, graph.TanhOp, graph.SoftplusOp, graph.SoftsignOp, graph.HardSigmoidOp, graph.HardSwishOp,
    graph.NegOp, graph.AbsOp, graph.ErfOp, graph.IdentityOp,
)  # fmt: skip
"""Activations and functions that keep any value moderate."""
BOUNDED: Sequence[type[Any]] = (graph.TanOp, graph.SinhOp, graph.CoshOp, graph.AsinOp, graph.AcosOp, graph.AtanhOp)
"""Functions of values well within -1 .. 1."""
EVERYWHERE: Sequence[type[Any]] = (graph.SinOp, graph.CosOp, graph.AtanOp, graph.AsinhOp)
BINARY: Sequence[type[Any]] = (graph.AddOp, graph.SubOp, graph.MaximumOp, graph.MinimumOp)
POSITIVE: Sequence[type[Any]] = (graph.LogOp, graph.SqrtOp, graph.RsqrtOp)
JUMPS: Sequence[type[Any]] = (graph.CeilOp, graph.FloorOp, graph.RoundOp, graph.SignOp)


def smooth(op: type[Any]) -> Layer:
    @floats
    def made(program: Program, x: SSAValue) -> SSAValue:
        properties: dict[str, Any] = {}
        if op in (graph.LeakyReluOp, graph.EluOp):
            properties["alpha"] = program.choice((0.1, 0.3, 1.0))
        if op is graph.GeluOp:
            properties["approximate"] = program.flag()
        return op.of(x, **properties).results[0]

    return made


@floats
def exp(program: Program, x: SSAValue) -> SSAValue:
    return graph.ExpOp.of(graph.TanhOp.of(x).result).result


def positive(op: type[Any]) -> Layer:
    @floats
    def made(program: Program, x: SSAValue) -> SSAValue:
        return op.of(graph.AddOp.of(graph.AbsOp.of(x).result, program.constant((), 0.5)).result).results[0]

    return made


@floats
def prelu(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    if not shape or not isinstance(channels := shape[-1], int):
        return None
    return graph.PreluOp.of(x, program.weight("prelu.alpha", channels)).result


@floats
def dropout(program: Program, x: SSAValue) -> SSAValue:
    return graph.DropoutOp.of(x, rate=0.25, kind=program.choice(("zeros", "alpha", "gaussian"))).result


@floats
def noise(program: Program, x: SSAValue) -> SSAValue:
    return graph.GaussianNoiseOp.of(x, stddev=0.25).result


@floats
def regularizer(program: Program, x: SSAValue) -> SSAValue:
    return graph.ActivityRegularizerOp.of(x, l1=0.25).result


def sum_or_extreme(op: type[Any]) -> Layer:
    @floats
    def made(program: Program, x: SSAValue) -> SSAValue:
        operands = [x, program.partner(x)]
        return op.of(*(operands if program.flag() else operands[::-1])).results[0]

    return made


@floats
def mul(program: Program, x: SSAValue) -> SSAValue:
    return graph.MulOp.of(graph.TanhOp.of(program.partner(x)).result, x).result


@floats
def scale(program: Program, x: SSAValue) -> SSAValue:
    value = program.choice((0.0, 1.0, -1.0, 0.75))
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


def bounded(op: type[Any]) -> Layer:
    @floats
    def made(program: Program, x: SSAValue) -> SSAValue:
        return op.of(graph.MulOp.of(graph.TanhOp.of(x).result, program.constant((), 0.75)).result).results[0]

    return made


@floats
def acosh(program: Program, x: SSAValue) -> SSAValue:
    return graph.AcoshOp.of(graph.AddOp.of(graph.AbsOp.of(x).result, program.constant((), 1.5)).result).result


@floats
def power(program: Program, x: SSAValue) -> SSAValue:
    base = graph.AddOp.of(graph.AbsOp.of(x).result, program.constant((), 0.5)).result
    exponent = program.constant((), program.choice((-1.0, 0.5, 2.0)))
    return graph.PowOp.of(base, exponent if program.flag() else graph.TanhOp.of(program.partner(x)).result).result


def jump(op: type[Any]) -> Layer:
    @floats
    @unrounded
    def made(program: Program, x: SSAValue) -> SSAValue:
        return op.of(x).results[0]

    return made


def remainder(op: type[Any]) -> Layer:
    @floats
    @unrounded
    def made(program: Program, x: SSAValue) -> SSAValue:
        return op.of(x, program.constant((), program.choice((0.75, -0.5, 2.0)))).results[0]

    return made


def precision(program: Program, x: SSAValue) -> SSAValue:
    """To floats of another type; what may be large is made small first, so that all of them hold it."""
    x = program.as_float(x)
    small = x if is_unrounded(x) else graph.TanhOp.of(x).result
    return graph.CastOp.of(small, result=tensor_type(shape_of(x.type), program.choice(FLOATS))).result


PLAIN: Sequence[Layer] = (
    dropout, noise, regularizer, exp, prelu, mul, scale, div,
    *map(sum_or_extreme, BINARY), *map(smooth, SMOOTH), *map(positive, POSITIVE),
)  # fmt: skip
LAYERS: Sequence[Layer] = (
    acosh, power, precision, *map(smooth, EVERYWHERE), *map(bounded, BOUNDED), *map(jump, JUMPS),
    remainder(graph.RemainderOp), remainder(graph.FmodOp),
)  # fmt: skip
