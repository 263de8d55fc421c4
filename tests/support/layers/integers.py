"""Functions of integers and bits, and conversions between element types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from support.layers.program import Layer, Program, is_unrounded, unrounded
from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, is_float, shape_of, tensor_type

UNSIGNED = [IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64)]
INTEGERS: Sequence[Attribute] = (i8, i16, i32, i64, *UNSIGNED)
SAME_WIDTH: dict[Attribute, Sequence[Attribute]] = {
    i8: (UNSIGNED[0],), i16: (UNSIGNED[1],), i32: (UNSIGNED[2],), i64: (UNSIGNED[3],),
    UNSIGNED[0]: (i8,), UNSIGNED[1]: (i16,), UNSIGNED[2]: (i32,), UNSIGNED[3]: (i64,),
    f16: (i16,), bf16: (i16,), f32: (i32,), f64: (i64,),
}  # fmt: skip
Operand = Callable[[Program, SSAValue], SSAValue]


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


def of_integers(op: type[Any], *operands: Operand) -> Layer:
    """`op` of an integer value and of what each of `operands` makes of that."""

    def made(program: Program, x: SSAValue) -> SSAValue | None:
        number = _as_integer(program, x)
        if number is None:
            return None
        return op.of(number, *(operand(program, number) for operand in operands)).results[0]

    return made


def _any(program: Program, x: SSAValue) -> SSAValue:
    return program.partner(x)


def _odd(program: Program, x: SSAValue) -> SSAValue:
    """Never zero."""
    return graph.BitwiseOrOp.of(program.partner(x), program.like(x, 1)).result


def _digit(program: Program, x: SSAValue) -> SSAValue:
    return program.like(x, program.integer(0, 9))


def _exponent(program: Program, x: SSAValue) -> SSAValue:
    return program.like(x, program.integer(0, 3))


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


SINGLE: Sequence[type[Any]] = (
    graph.BitwiseNotOp, graph.AbsOp, graph.NegOp, graph.SignOp, graph.ReluOp, graph.IdentityOp,
)  # fmt: skip
ARITHMETIC: Sequence[type[Any]] = (
    graph.AddOp, graph.SubOp, graph.MulOp, graph.MaximumOp, graph.MinimumOp,
    graph.BitwiseAndOp, graph.BitwiseOrOp, graph.BitwiseXorOp,
)  # fmt: skip
LAYERS: Sequence[Layer] = (
    cast, cast, bitcast,
    *(of_integers(op) for op in SINGLE),
    *(of_integers(op, _any) for op in ARITHMETIC),
    *(of_integers(op, _odd) for op in (graph.DivOp, graph.RemainderOp, graph.FmodOp)),
    *(of_integers(op, _digit) for op in (graph.ShiftLeftOp, graph.ShiftRightOp)),
    of_integers(graph.PowOp, _exponent),
)  # fmt: skip
