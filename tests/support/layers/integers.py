"""Functions of integers and bits, and conversions between element types."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, is_unrounded, unrounded
from xdsl.dialects.builtin import IntegerType, Signedness, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, is_float, shape_of, tensor_type

UNSIGNED = [IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64)]
INTEGERS: Sequence[Attribute] = (i8, i16, i32, i64, *UNSIGNED)
SAME_WIDTH: dict[Attribute, Sequence[Attribute]] = {
    i8: (UNSIGNED[0],), i16: (UNSIGNED[1],), i32: (UNSIGNED[2],), i64: (UNSIGNED[3],),
    UNSIGNED[0]: (i8,), UNSIGNED[1]: (i16,), UNSIGNED[2]: (i32,), UNSIGNED[3]: (i64,),
    f16: (i16,), f32: (i32,), f64: (i64,),
}  # fmt: skip


def _as_integer(program: Program, x: SSAValue) -> SSAValue | None:
    """An integer value: x, or what its floats truncate to."""
    if is_integer(element_of(x.type)):
        return x
    if not is_unrounded(x):
        return None
    scaled = x
    if is_float(element_of(x.type)):
        scaled = graph.MulOp.of(x, program.like(x, 8.0)).result  # a power of two rounds nothing
    return graph.CastOp.of(scaled, result=tensor_type(shape_of(x.type), program.choice(INTEGERS))).result


def arithmetic(program: Program, x: SSAValue) -> SSAValue | None:
    x = _as_integer(program, x)
    if x is None:
        return None
    ops = (
        graph.AddOp, graph.SubOp, graph.MulOp, graph.MaximumOp, graph.MinimumOp,
        graph.BitwiseAndOp, graph.BitwiseOrOp, graph.BitwiseXorOp,
    )  # fmt: skip
    return program.choice(ops).of(x, program.partner(x)).results[0]


def single(program: Program, x: SSAValue) -> SSAValue | None:
    x = _as_integer(program, x)
    if x is None:
        return None
    ops = (graph.BitwiseNotOp, graph.AbsOp, graph.NegOp, graph.SignOp, graph.ReluOp, graph.IdentityOp)
    return program.choice(ops).of(x).results[0]


def division(program: Program, x: SSAValue) -> SSAValue | None:
    x = _as_integer(program, x)
    if x is None:
        return None
    odd = graph.BitwiseOrOp.of(program.partner(x), program.like(x, 1)).result  # never zero
    return program.choice((graph.DivOp, graph.RemainderOp, graph.FmodOp)).of(x, odd).results[0]


def shift(program: Program, x: SSAValue) -> SSAValue | None:
    x = _as_integer(program, x)
    if x is None:
        return None
    return (
        program.choice((graph.ShiftLeftOp, graph.ShiftRightOp)).of(x, program.like(x, program.integer(0, 9))).results[0]
    )


def power(program: Program, x: SSAValue) -> SSAValue | None:
    x = _as_integer(program, x)
    return None if x is None else graph.PowOp.of(x, program.like(x, program.integer(0, 3))).result


@unrounded
def cast(program: Program, x: SSAValue) -> SSAValue | None:
    """To another integer or to truth values; to a float only where the number is moderate."""
    if is_float(element_of(x.type)):
        return _as_integer(program, x)
    if program.flag():
        return graph.CastOp.of(x, result=tensor_type(shape_of(x.type), program.choice((*INTEGERS, i1)))).result
    return program.as_float(x)


@unrounded
def bitcast(program: Program, x: SSAValue) -> SSAValue | None:
    """The bits of a number, and of floats the sign and the first bits of the exponent as a small number."""
    element = element_of(x.type)
    if element not in SAME_WIDTH:
        return None
    bits = graph.BitcastOp.of(x, result=tensor_type(shape_of(x.type), program.choice(SAME_WIDTH[element]))).result
    if not is_float(element):
        return bits
    width = element_of(bits.type).width.data
    return graph.ShiftRightOp.of(bits, program.like(bits, width - 6)).result


LAYERS: Sequence[Layer] = (arithmetic, arithmetic, single, division, shift, power, cast, cast, bitcast)
