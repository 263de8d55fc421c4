"""Functions value by value: mostly one operator each, with the exactness of the graph level where ONNX has less."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.dialects.builtin import f16, f32, f64, i32, i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp.graph.elementwise import SELU_ALPHA, SELU_SCALE
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.onnx.activations import elu
from neuralc.emit.onnx.layouts import is_per_channel
from neuralc.emit.onnx.values import Values, exact_attribute

UNARY: Mapping[type[Operation], str] = {
    graph.AbsOp: "Abs",
    graph.AcosOp: "Acos",
    graph.AcoshOp: "Acosh",
    graph.AsinOp: "Asin",
    graph.AsinhOp: "Asinh",
    graph.AtanOp: "Atan",
    graph.AtanhOp: "Atanh",
    graph.BitwiseNotOp: "BitwiseNot",
    graph.CeilOp: "Ceil",
    graph.CosOp: "Cos",
    graph.CoshOp: "Cosh",
    graph.ErfOp: "Erf",
    graph.ExpOp: "Exp",
    graph.FloorOp: "Floor",
    graph.IdentityOp: "Identity",
    graph.LogOp: "Log",
    graph.LogicalNotOp: "Not",
    graph.MishOp: "Mish",
    graph.NegOp: "Neg",
    graph.ReluOp: "Relu",
    graph.RoundOp: "Round",
    graph.SigmoidOp: "Sigmoid",
    graph.SignOp: "Sign",
    graph.SinOp: "Sin",
    graph.SinhOp: "Sinh",
    graph.SoftplusOp: "Softplus",
    graph.SoftsignOp: "Softsign",
    graph.SqrtOp: "Sqrt",
    graph.TanOp: "Tan",
    graph.TanhOp: "Tanh",
}
"""Ops that one operator says as they are."""

BINARY: Mapping[type[Operation], str] = {
    graph.AddOp: "Add",
    graph.BitwiseAndOp: "BitwiseAnd",
    graph.BitwiseOrOp: "BitwiseOr",
    graph.BitwiseXorOp: "BitwiseXor",
    graph.DivOp: "Div",
    graph.LogicalAndOp: "And",
    graph.LogicalOrOp: "Or",
    graph.LogicalXorOp: "Xor",
    graph.MaximumOp: "Max",
    graph.MinimumOp: "Min",
    graph.MulOp: "Mul",
    graph.SubOp: "Sub",
}

APPROXIMATE_GELU = (math.sqrt(2 / math.pi), 0.044715)

CLIPPED = (f16, f32, f64, i32, i64)
"""Element types of a maximum and a minimum that become one Clip."""


def _unary(values: Values, op: Operation) -> None:
    finish(values, op, UNARY[type(op)], values.operand(op, 0))


def _binary(values: Values, op: Operation) -> None:
    finish(values, op, BINARY[type(op)], values.operand(op, 0), values.operand(op, 1))


def finish(values: Values, op: Operation, operator: str, *inputs: str, **attributes: Any) -> None:
    """The last operator of an op: by itself under the op's name, or in a carrier."""
    wide = values.carrier(operator, inputs[0])
    if wide == values.element(inputs[0]):
        values.define(op, operator, *inputs, **attributes)
        return
    values.result(op, values.carried(operator, *inputs, **attributes))


# -- activations -------------------------------------------------------------------------------------------------------


def _relu6(values: Values, op: graph.Relu6Op) -> None:
    x = values.operand(op, 0)
    finish(values, op, "Clip", x, values.like(0, x), values.like(6, x))


def _leaky_relu(values: Values, op: graph.LeakyReluOp) -> None:
    x, alpha = values.operand(op, 0), op.literal("alpha")
    if exact_attribute(element_of(op.x.type), alpha):
        finish(values, op, "LeakyRelu", x, alpha=alpha)
        return
    positive = values.test("GreaterOrEqual", x, values.like(0, x))
    values.result(op, values.choose(positive, x, values("Mul", x, values.like(alpha, x))))


def _prelu(values: Values, op: graph.PreluOp) -> None:
    """The slopes in the order of x: along axis 1 with a 1 for each dim behind it."""
    x, alpha = values.operand(op, 0), values.operand(op, 1)
    order, slopes = values.layouts.needs[op][0], shape_of(op.alpha.type)
    moves = is_per_channel(op) and len(slopes) != len(order) - 1
    if moves and order[-1] != len(order) - 1:
        behind = len(order) - 1 - order.index(len(order) - 1)
        alpha = values.reshape(alpha, slopes, (slopes[-1], *[1] * behind))
    finish(values, op, "PRelu", x, alpha)


def _elu(values: Values, op: graph.EluOp) -> None:
    x, alpha = values.operand(op, 0), op.literal("alpha")
    if exact_attribute(element_of(op.x.type), alpha):
        finish(values, op, "Elu", x, alpha=alpha)
        return
    values.result(op, elu(values, x, values.like(alpha, x)))


def _selu(values: Values, op: graph.SeluOp) -> None:
    x = values.operand(op, 0)
    if exact_attribute(element_of(op.x.type), SELU_ALPHA):
        finish(values, op, "Selu", x)
        return
    values.define(op, "Mul", elu(values, x, values.like(SELU_ALPHA, x)), values.like(SELU_SCALE, x))


def _gelu(values: Values, op: graph.GeluOp) -> None:
    """The function that ONNX has for it holds the numbers of the approximate one in single precision."""
    x, approximate = values.operand(op, 0), op.literal("approximate")
    if not approximate or exact_attribute(element_of(op.x.type), *APPROXIMATE_GELU):
        finish(values, op, "Gelu", x, approximate="tanh" if approximate else None)
        return
    scale, cubic = (values.like(number, x) for number in APPROXIMATE_GELU)
    bent = values("Mul", values("Mul", x, values("Mul", x, x)), cubic)
    inside = values("Tanh", values("Mul", values("Add", x, bent), scale))
    half = values("Mul", x, values.like(0.5, x))
    values.define(op, "Mul", half, values("Add", inside, values.like(1, x)))


def _silu(values: Values, op: graph.SiluOp) -> None:
    x = values.operand(op, 0)
    values.define(op, "Mul", x, values("Sigmoid", x))


def _hard_swish(values: Values, op: graph.HardSwishOp) -> None:
    x = values.operand(op, 0)
    if exact_attribute(element_of(op.x.type), 1 / 6):
        finish(values, op, "HardSwish", x)
        return
    line = values("Add", values("Div", x, values.like(6, x)), values.like(0.5, x))
    values.define(op, "Mul", x, values("Clip", line, values.like(0, x), values.like(1, x)))


def _hard_sigmoid(values: Values, op: graph.HardSigmoidOp) -> None:
    x, alpha, beta = values.operand(op, 0), op.literal("alpha"), op.literal("beta")
    if exact_attribute(element_of(op.x.type), alpha, beta):
        finish(values, op, "HardSigmoid", x, alpha=alpha, beta=beta)
        return
    line = values("Add", values("Mul", x, values.like(alpha, x)), values.like(beta, x))
    values.define(op, "Clip", line, values.like(0, x), values.like(1, x))


def _rsqrt(values: Values, op: graph.RsqrtOp) -> None:
    values.define(op, "Reciprocal", values("Sqrt", values.operand(op, 0)))


# -- arithmetic --------------------------------------------------------------------------------------------------------


def _relu(values: Values, op: graph.ReluOp) -> None:
    """Of unsigned numbers it is the number itself."""
    element = element_of(op.x.type)
    unsigned = is_integer(element) and str(element).startswith("ui")
    finish(values, op, "Identity" if unsigned else "Relu", values.operand(op, 0))


def _maximum(values: Values, op: graph.MaximumOp) -> None:
    """Left to the minimum behind it where both are the bounds of a Clip."""
    (user,) = [use.operation for use in op.result.uses] if op.result.has_one_use() else (None,)
    if not isinstance(user, graph.MinimumOp) or _bounds(user) is None:
        _binary(values, op)


def _minimum(values: Values, op: graph.MinimumOp) -> None:
    bounds = _bounds(op)
    if bounds is None:
        _binary(values, op)
        return
    lower, x, low, high = bounds
    numbers = [values.like(np.asarray(constant_of(bound)), values.names[x]) for bound in (low, high)]
    finish(values, op, "Clip", values.ordered(x, values.layouts.needs[lower][list(lower.operands).index(x)]), *numbers)


def _bounds(op: graph.MinimumOp) -> tuple[graph.MaximumOp, SSAValue, SSAValue, SSAValue] | None:
    """The maximum under a minimum, its value and the two numbers, where they are the bounds of a Clip."""
    for lower, high in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        owner = lower.owner
        if not isinstance(owner, graph.MaximumOp) or not lower.has_one_use() or constant_of(high) is None:
            continue
        if owner.parent_block() is not op.parent_block() or element_of(op.result.type) not in CLIPPED:
            continue
        for x, low in ((owner.lhs, owner.rhs), (owner.rhs, owner.lhs)):
            if constant_of(low) is not None and constant_of(x) is None and x.type == op.result.type:
                return owner, x, low, high
    return None


def _remainder(values: Values, op: graph.RemainderOp) -> None:
    """Mod of integers; of floats it is C's fmod, moved by the divisor where the signs differ."""
    x, y = values.operands(op)
    if not is_float(element_of(op.lhs.type)):
        finish(values, op, "Mod", x, y)
        return
    rest, zero = values.carried("Mod", x, y, fmod=1), values.like(0, x)
    signs = values.test("Xor", values.test("Less", rest, zero), values.test("Less", y, zero))
    moves = values.test("And", signs, values.test("Not", values.test("Equal", rest, zero)))
    values.result(op, values.choose(moves, values("Add", rest, y), rest))


def _fmod(values: Values, op: graph.FmodOp) -> None:
    finish(values, op, "Mod", *values.operands(op), fmod=1)


def _pow(values: Values, op: graph.PowOp) -> None:
    """Of integers a product that wraps around; ONNX leaves open what is beyond the range of doubles."""
    x, y = values.operands(op)
    if is_float(element_of(op.lhs.type)):
        finish(values, op, "Pow", x, y)
        return
    number = constant_of(op.rhs)
    if number is None or number < 0 or shape_of(op.lhs.type) != shape_of(op.result.type):
        values.refuse(op, "engines compute powers of integers as floats; the exponent has to be a constant")
        return
    if number == 0:
        ones = values("Add", values("Mul", x, values.like(0, x)), values.like(1, x))
        values.result(op, ones)
        return
    result = x
    for digit in bin(int(number))[3:]:
        result = values("Mul", result, result)
        if digit == "1":
            result = values("Mul", result, x)
    values.result(op, result)


def constant_of(value: Any) -> float | int | None:
    """The number that a value is at every place, where an op says so."""
    owner = value.owner
    if isinstance(owner, graph.ConstantOp):
        number: float | int = owner.literal("value")
        return number
    return constant_of(owner.operands[0]) if isinstance(owner, graph.ExpandOp | graph.ReshapeOp) else None


def _training(values: Values, op: graph.TrainingOp) -> None:
    """What acts in training only is left out."""
    values.alias(op, values.operand(op, 0))


def _dropout(values: Values, op: graph.DropoutOp) -> None:
    """Kept as a layer: the value itself at inference, which is how ONNX has it as well."""
    x = values.operand(op, 0)
    if op.literal("kind") != "zeros" or op.literal("shared"):
        values.alias(op, x)
        return
    values.define(op, "Dropout", x, values.like(op.literal("rate"), x), seed=op.literals().get("seed"))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(BINARY, _binary),
    **dict.fromkeys(graph.derived(graph.TrainingOp), _training),
    graph.DropoutOp: _dropout,
    graph.EluOp: _elu,
    graph.FmodOp: _fmod,
    graph.GeluOp: _gelu,
    graph.HardSigmoidOp: _hard_sigmoid,
    graph.HardSwishOp: _hard_swish,
    graph.LeakyReluOp: _leaky_relu,
    graph.MaximumOp: _maximum,
    graph.MinimumOp: _minimum,
    graph.PowOp: _pow,
    graph.PreluOp: _prelu,
    graph.Relu6Op: _relu6,
    graph.ReluOp: _relu,
    graph.RemainderOp: _remainder,
    graph.RsqrtOp: _rsqrt,
    graph.SeluOp: _selu,
    graph.SiluOp: _silu,
}
