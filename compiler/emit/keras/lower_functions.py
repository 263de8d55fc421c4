"""Functions value by value: activations, arithmetic, comparisons, bits, conversions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import IntegerType, Signedness
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph import BinaryOp, BitcastOp, CastOp, IdentityOp, UnaryOp, WhereOp
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, is_float
from neuralc.emit.keras.activations import activation_name, source_layer
from neuralc.emit.keras.common import (
    applied,
    cast,
    dtype_name,
    is_functional,
    number_of,
    operands,
    result_shape,
    shown_operands,
)
from neuralc.emit.python.expressions import Expression, Value, binary, call, literal, name, negated
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values

Properties = dict[str, Any]


def _function(function: str) -> Callable[[Expression, Properties], Expression]:
    return lambda x, _: call(f"ops.{function}", x)


def _elu(x: Expression, properties: Properties) -> Expression:
    options: dict[str, Value] = {} if properties["alpha"] == 1.0 else {"alpha": properties["alpha"]}
    return call("ops.elu", x, **options)


def _gelu(x: Expression, properties: Properties) -> Expression:
    options: dict[str, Value] = {} if properties["approximate"] else {"approximate": False}
    return call("ops.gelu", x, **options)


def _hard_sigmoid(x: Expression, properties: Properties) -> Expression:
    if (properties["alpha"], properties["beta"]) == (1 / 6, 0.5):
        return call("ops.hard_sigmoid", x)
    line = binary("+", binary("*", name(literal(properties["alpha"])), x), name(literal(properties["beta"])))
    return call("ops.clip", line, 0, 1)


def _is_inf(x: Expression, properties: Properties) -> Expression:
    match properties["positive"], properties["negative"]:
        case True, True:
            return call("ops.isinf", x)
        case True, False:
            return call("ops.equal", x, name('float("inf")'))
        case False, True:
            return call("ops.equal", x, name('float("-inf")'))
        case _:
            return call("ops.zeros_like", x, dtype="bool")


UNARY: Mapping[type[Operation], Callable[[Expression, Properties], Expression]] = {
    graph.AbsOp: _function("abs"),
    graph.AcosOp: _function("arccos"),
    graph.AcoshOp: _function("arccosh"),
    graph.AsinOp: _function("arcsin"),
    graph.AsinhOp: _function("arcsinh"),
    graph.AtanOp: _function("arctan"),
    graph.AtanhOp: _function("arctanh"),
    graph.BitwiseNotOp: _function("bitwise_not"),
    graph.CeilOp: _function("ceil"),
    graph.CosOp: _function("cos"),
    graph.CoshOp: _function("cosh"),
    graph.EluOp: _elu,
    graph.ErfOp: _function("erf"),
    graph.ExpOp: _function("exp"),
    graph.FloorOp: _function("floor"),
    graph.GeluOp: _gelu,
    graph.HardSigmoidOp: _hard_sigmoid,
    graph.HardSwishOp: _function("hard_silu"),
    graph.IsInfOp: _is_inf,
    graph.IsNanOp: _function("isnan"),
    graph.LeakyReluOp: lambda x, properties: call("ops.leaky_relu", x, negative_slope=properties["alpha"]),
    graph.LogOp: _function("log"),
    graph.LogicalNotOp: _function("logical_not"),
    graph.MishOp: lambda x, _: call("keras.activations.mish", x),
    graph.NegOp: lambda x, _: negated(x),
    graph.Relu6Op: _function("relu6"),
    graph.ReluOp: _function("relu"),
    graph.RoundOp: _function("round"),
    graph.RsqrtOp: _function("rsqrt"),
    graph.SeluOp: _function("selu"),
    graph.SigmoidOp: _function("sigmoid"),
    graph.SignOp: _function("sign"),
    graph.SiluOp: _function("silu"),
    graph.SinOp: _function("sin"),
    graph.SinhOp: _function("sinh"),
    graph.SoftplusOp: _function("softplus"),
    graph.SoftsignOp: _function("softsign"),
    graph.SqrtOp: _function("sqrt"),
    graph.TanOp: _function("tan"),
    graph.TanhOp: _function("tanh"),
}


def _operator(text: str) -> Callable[[Expression, Expression], Expression]:
    return lambda lhs, rhs: binary(text, lhs, rhs)


def _called(function: str) -> Callable[[Expression, Expression], Expression]:
    return lambda lhs, rhs: call(f"ops.{function}", lhs, rhs)


BINARY: Mapping[type[Operation], Callable[[Expression, Expression], Expression]] = {
    graph.AddOp: _operator("+"),
    graph.BitwiseAndOp: _called("bitwise_and"),
    graph.BitwiseOrOp: _called("bitwise_or"),
    graph.BitwiseXorOp: _called("bitwise_xor"),
    graph.DivOp: _operator("/"),
    graph.EqualOp: _operator("=="),
    graph.FmodOp: _called("mod"),
    graph.GreaterEqualOp: _operator(">="),
    graph.GreaterOp: _operator(">"),
    graph.LessEqualOp: _operator("<="),
    graph.LessOp: _operator("<"),
    graph.LogicalAndOp: _operator("&"),
    graph.LogicalOrOp: _operator("|"),
    graph.LogicalXorOp: _operator("^"),
    graph.MaximumOp: _called("maximum"),
    graph.MinimumOp: _called("minimum"),
    graph.MulOp: _operator("*"),
    graph.NotEqualOp: _operator("!="),
    graph.PowOp: _called("power"),
    graph.RemainderOp: _called("mod"),
    graph.ShiftLeftOp: _called("left_shift"),
    graph.ShiftRightOp: _called("right_shift"),
    graph.SubOp: _operator("-"),
}

HELPED: Mapping[type[Operation], str] = {
    graph.ShiftLeftOp: "shift_left",
    graph.ShiftRightOp: "shift_right",
}
"""Functions of the file, for ops that Keras leaves open at the edges."""


TYPED = (graph.BitwiseAndOp, graph.BitwiseOrOp, graph.BitwiseXorOp)
"""Ops of which Keras takes a number without a type for one of 32 bits."""

JOINED: Mapping[type[Operation], str] = {
    graph.LogicalAndOp: "logical_and",
    graph.LogicalOrOp: "logical_or",
    graph.LogicalXorOp: "logical_xor",
}
"""Ops whose operators want two tensors, and their functions that take a number too."""

COMPARED: Mapping[type[Operation], str] = {graph.EqualOp: "equal", graph.NotEqualOp: "not_equal"}


def _unary(values: Values, op: UnaryOp) -> None:
    x = values.operand(op, 0)
    layer = source_layer(op.x, op)
    if layer is not None and layer in values.plan.layer_at:
        values.alias(op, x)  # the layer has applied it
        return
    write, properties, own = UNARY[type(op)], op.literals(), activation_name(op)
    if is_functional(values) and own is not None:
        values.define(op, Kind.ACTIVATION, [x], lambda x: applied("Activation", x[0], own))
    elif is_functional(values) and isinstance(op, graph.LeakyReluOp):
        slope = properties["alpha"]
        values.define(op, Kind.ACTIVATION, [x], lambda x: applied("LeakyReLU", x[0], negative_slope=slope))
    elif isinstance(op, graph.ReluOp) and not is_float(element_of(op.x.type)):
        values.define(op, Kind.ACTIVATION, [x], lambda x: call("ops.maximum", x[0], 0))
    elif isinstance(op, graph.NegOp) and _is_unsigned(op):
        values.define(op, Kind.ARITHMETIC, [x], lambda x: binary("-", name("0"), x[0]))
    elif isinstance(op, graph.SignOp) and _is_unsigned(op):  # TensorFlow gives -1 for the upper half
        element = element_of(op.result.type)
        values.define(op, Kind.CALL, [x], lambda x: cast(binary(">", x[0], name("0")), element))
    else:
        values.define(op, Kind.ACTIVATION, [x], lambda x: write(x[0], properties))


def _is_unsigned(op: Operation) -> bool:
    element = element_of(op.operands[0].type)
    return isinstance(element, IntegerType) and element.signedness.data == Signedness.UNSIGNED


def _identity(values: Values, op: IdentityOp) -> None:
    values.alias(op, values.operand(op, 0))


def _binary(values: Values, op: BinaryOp) -> None:
    shown = shown_operands(values, op, result_shape(values, op))
    element = element_of(op.operands[0].type)
    write = BINARY[type(op)]
    if isinstance(op, graph.FmodOp):
        _fmod(values, op)
    elif isinstance(op, graph.DivOp) and is_integer(element):
        if _is_unsigned(op):
            values.define(op, Kind.ARITHMETIC, shown, lambda x: binary("//", x[0], x[1]))
            return
        values.helpers.add("truncated_divide")
        values.define(op, Kind.OTHER, operands(values, op), lambda x: call("truncated_divide", *x))
    elif isinstance(op, graph.MulOp) and is_functional(values) and (scaled := _scaled(op, shown)) is not None:
        # Keras takes the product with a plain number for a sparse one.
        x, number = scaled
        values.define(op, Kind.OTHER, [x], lambda x: applied("Rescaling", x[0], number))
    elif type(op) in TYPED:
        values.define(op, Kind.OTHER, operands(values, op), lambda x: write(x[0], x[1]))
    elif type(op) in JOINED and any(number_of(operand) is not None for operand in op.operands):
        function = JOINED[type(op)]
        values.define(op, Kind.OTHER, shown, lambda x: call(f"ops.{function}", x[0], x[1]))
    elif is_functional(values) and type(op) in COMPARED:
        # A symbolic value is equal to itself alone: the operator is not for its numbers.
        function = COMPARED[type(op)]
        values.define(op, Kind.OTHER, shown, lambda x: call(f"ops.{function}", x[0], x[1]))
    elif type(op) in HELPED:
        function = HELPED[type(op)]
        values.helpers.add(function)
        values.define(op, Kind.OTHER, operands(values, op), lambda x: call(function, *x))
    else:
        values.define(op, Kind.ARITHMETIC, shown, lambda x: write(x[0], x[1]))


def _scaled(op: BinaryOp, shown: Sequence[Node]) -> tuple[Node, float] | None:
    """The operand and the number of a product that scales floats."""
    numbers = [number_of(value) for value in op.operands]
    inline = [node.kind is Kind.INLINE and number is not None for node, number in zip(shown, numbers, strict=True)]
    if not is_float(element_of(op.lhs.type)) or inline.count(True) != 1:
        return None
    index = inline.index(True)
    return shown[1 - index], float(numbers[index] or 0)


def _fmod(values: Values, op: BinaryOp) -> None:
    """The remainder with the sign of the dividend: that of the absolute values, which no rounding touches."""
    both = operands(values, op)
    if _is_unsigned(op):
        values.define(op, Kind.OTHER, both, lambda x: call("ops.mod", *x))
        return
    values.helpers.add("fmod")
    values.define(op, Kind.OTHER, both, lambda x: call("fmod", *x))


def _where(values: Values, op: WhereOp) -> None:
    shape = result_shape(values, op)
    nodes = operands(values, op)
    shown = [nodes[0], *shown_operands(values, op, shape)[1:]]
    if all(number_of(value) is not None for value in op.operands[1:]):
        shown[1] = nodes[1]
    values.define(op, Kind.CHOICE, shown, lambda x: call("ops.where", *x))


def _cast(values: Values, op: CastOp) -> None:
    x, before, after = values.operand(op, 0), element_of(op.x.type), element_of(op.result.type)
    if is_float(before) and is_integer(after):
        values.helpers.add("to_integer")
        values.define(op, Kind.OTHER, [x], lambda x: call("to_integer", x[0], dtype_name(after)))
    else:
        values.define(op, Kind.OTHER, [x], lambda x: cast(x[0], after))


def _bitcast(values: Values, op: BitcastOp) -> None:
    name_ = dtype_name(element_of(op.result.type))
    values.define(op, Kind.OTHER, [values.operand(op, 0)], lambda x: call("ops.view", x[0], name_))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(BINARY, _binary),
    BitcastOp: _bitcast,
    CastOp: _cast,
    IdentityOp: _identity,
    WhereOp: _where,
}
