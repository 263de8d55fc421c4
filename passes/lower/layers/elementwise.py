"""Functions value by value: one map each."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import IntegerType, Signedness
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.passes.lower.bits import from_bits, to_bits
from neuralc.passes.lower.lowering import Conversion, Lowering, broadcast_word
from neuralc.passes.lower.scalar_functions import ACTIVATIONS, Activation, ScalarBuilder, leaky

Relation = Callable[[ScalarBuilder, SSAValue, SSAValue], SSAValue]


def _function(name: str) -> Activation:
    """A row of the scalar table."""
    return lambda b, x, op: b.call(name, x)


def _is_unsigned(element: Attribute) -> bool:
    return isinstance(element, IntegerType) and element.signedness.data is Signedness.UNSIGNED


def _sign(b: ScalarBuilder, x: SSAValue, op: Operation) -> SSAValue:
    # What is neither above nor below zero is zero or NaN, and stays.
    below = x if _is_unsigned(x.type) else b.call("select", b.call("lt", x, 0), b.number(-1, x), x)
    return b.call("select", b.call("gt", x, 0), b.number(1, x), below)


FUNCTIONS: dict[type[Operation], Activation] = {
    graph.AcosOp: _function("acos"),
    graph.AcoshOp: _function("acosh"),
    graph.AsinOp: _function("asin"),
    graph.AsinhOp: _function("asinh"),
    graph.AtanOp: _function("atan"),
    graph.AtanhOp: _function("atanh"),
    graph.BitwiseNotOp: _function("bit_not"),
    graph.CeilOp: _function("ceil"),
    graph.CosOp: _function("cos"),
    graph.CoshOp: _function("cosh"),
    graph.FloorOp: _function("floor"),
    graph.IsNanOp: lambda b, x, op: b.call("ne", x, x),
    graph.LogicalNotOp: _function("not"),
    graph.RoundOp: _function("round_even"),
    graph.SignOp: _sign,
    graph.SinOp: _function("sin"),
    graph.SinhOp: _function("sinh"),
    graph.TanOp: _function("tan"),
}

BINARY_FUNCTIONS: dict[type[Operation], str] = {
    graph.AddOp: "add",
    graph.BitwiseAndOp: "bit_and",
    graph.BitwiseOrOp: "bit_or",
    graph.BitwiseXorOp: "bit_xor",
    graph.EqualOp: "eq",
    graph.GreaterEqualOp: "ge",
    graph.GreaterOp: "gt",
    graph.LessEqualOp: "le",
    graph.LessOp: "lt",
    graph.LogicalAndOp: "and",
    graph.LogicalOrOp: "or",
    graph.LogicalXorOp: "xor",
    graph.MaximumOp: "maximum",
    graph.MinimumOp: "minimum",
    graph.MulOp: "mul",
    graph.NotEqualOp: "ne",
    graph.PowOp: "pow",
    graph.ShiftLeftOp: "shift_left",
    graph.ShiftRightOp: "shift_right",
    graph.SubOp: "sub",
}
"""Each binary op that is a row of the scalar table."""


def _unary(at: Lowering, op: graph.UnaryOp) -> SSAValue:
    letters = identity(len(shape_of(op.x.type)))
    function = FUNCTIONS.get(type(op)) or ACTIVATIONS[type(op)]
    return at.map(f"{letters}->{letters}", [op.x], shape_of(op.x.type), lambda b, x: function(b, x, op))


def _is_inf(at: Lowering, op: graph.IsInfOp) -> SSAValue:
    def body(b: ScalarBuilder, x: SSAValue) -> SSAValue:
        match op.literal("positive"), op.literal("negative"):
            case True, True:
                return b.call("eq", b.call("abs", x), float("inf"))
            case True, False:
                return b.call("eq", x, float("inf"))
            case False, True:
                return b.call("eq", x, float("-inf"))
            case _:
                zero = b.number(0, x)
                return b.call("ne", zero, zero)

    letters = identity(len(shape_of(op.x.type)))
    return at.map(f"{letters}->{letters}", [op.x], shape_of(op.x.type), body)


def _cast(at: Lowering, op: graph.CastOp) -> SSAValue:
    shape, element = shape_of(op.x.type), element_of(op.result.type)
    letters = identity(len(shape))
    return at.map(f"{letters}->{letters}", [op.x], shape, lambda b, x: b.convert(x, element))


def _bitcast(at: Lowering, op: graph.BitcastOp) -> SSAValue:
    before, after = element_of(op.x.type), element_of(op.result.type)
    letters = identity(len(shape_of(op.x.type)))

    def body(b: ScalarBuilder, x: SSAValue) -> SSAValue:
        if is_float(before) == is_float(after):  # the same type, or integers of one width
            return b.convert(x, after)
        return to_bits(b, x, after) if is_float(before) else from_bits(b, x, after)

    return at.map(f"{letters}->{letters}", [op.x], shape_of(op.x.type), body)


def _broadcast(at: Lowering, op: Operation, body: Callable[..., SSAValue]) -> SSAValue:
    """A map of all operands, each broadcast to the result."""
    result = shape_of(op.results[0].type)
    words = [broadcast_word(shape_of(operand.type), result) for operand in op.operands]
    return at.map(f"{','.join(words)}->{identity(len(result))}", op.operands, result, body)


def _binary(at: Lowering, op: graph.BinaryOp) -> SSAValue:
    return _broadcast(at, op, lambda b, x, y: b.call(BINARY_FUNCTIONS[type(op)], x, y))


def _divisor_may_be_zero(op: graph.BinaryOp) -> bool:
    """Whether the run has to look at an integer divisor."""
    if not is_integer(element_of(op.rhs.type)):
        return False
    return not isinstance(op.rhs.owner, graph.ConstantOp) or op.rhs.owner.literal("value") == 0


def _divides(function: str) -> Conversion:
    def conversion(at: Lowering, op: graph.BinaryOp) -> SSAValue:
        checked = _divisor_may_be_zero(op)
        return _broadcast(at, op, lambda b, x, y: b.call(function, x, y, checked=checked))

    return conversion


def _remainder(at: Lowering, op: graph.RemainderOp) -> SSAValue:
    """The remainder of the truncated quotient, moved by the divisor where it has the other sign."""
    checked = _divisor_may_be_zero(op)

    def body(b: ScalarBuilder, x: SSAValue, y: SSAValue) -> SSAValue:
        found = b.call("rem", x, y, checked=checked)
        if _is_unsigned(x.type):
            return found
        other_sign = b.call("xor", b.call("lt", found, 0), b.call("lt", y, 0))
        moved = b.call("and", b.call("ne", found, 0), other_sign)
        return b.call("select", moved, b.call("add", found, y), found)

    return _broadcast(at, op, body)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.BitcastOp: _bitcast,
    graph.CastOp: _cast,
    graph.DivOp: _divides("div"),
    graph.FmodOp: _divides("rem"),
    graph.IsInfOp: _is_inf,
    graph.PreluOp: lambda at, op: _broadcast(at, op, leaky),
    graph.RemainderOp: _remainder,
    graph.WhereOp: lambda at, op: _broadcast(at, op, lambda b, *values: b.call("select", *values)),
    **dict.fromkeys(BINARY_FUNCTIONS, _binary),
    **dict.fromkeys(ACTIVATIONS, _unary),
    **dict.fromkeys(FUNCTIONS, _unary),
}
