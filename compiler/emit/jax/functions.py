"""Graph ops that are one expression of JAX: functions value by value, of one operand and of two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.emit.python.expressions import Expression, binary, call, literal, name, negated

Properties = dict[str, Any]
Unary = Callable[[Expression, Properties], Expression]
Binary = Callable[[Expression, Expression], Expression]


def _function(name: str) -> Unary:
    return lambda x, _: call(name, x)


def _elu(x: Expression, properties: Properties) -> Expression:
    return call("nn.elu", x) if properties["alpha"] == 1.0 else call("nn.elu", x, properties["alpha"])


def _hard_sigmoid(x: Expression, properties: Properties) -> Expression:
    if (properties["alpha"], properties["beta"]) == (1 / 6, 0.5):
        return call("nn.hard_sigmoid", x)
    scaled = binary("*", name(literal(properties["alpha"])), x)
    return call("jnp.clip", binary("+", scaled, name(literal(properties["beta"]))), 0, 1)


def _is_inf(x: Expression, properties: Properties) -> Expression:
    functions = {(1, 1): "jnp.isinf", (1, 0): "jnp.isposinf", (0, 1): "jnp.isneginf"}
    signs = int(properties["positive"]), int(properties["negative"])
    return call(functions[signs], x) if any(signs) else call("jnp.zeros_like", x, name("bool"))


UNARY: dict[type[Operation], Unary] = {
    graph.AbsOp: _function("jnp.abs"),
    graph.AcosOp: _function("jnp.acos"),
    graph.AcoshOp: _function("jnp.acosh"),
    graph.AsinOp: _function("jnp.asin"),
    graph.AsinhOp: _function("jnp.asinh"),
    graph.AtanOp: _function("jnp.atan"),
    graph.AtanhOp: _function("jnp.atanh"),
    graph.BitwiseNotOp: _function("jnp.bitwise_not"),
    graph.CeilOp: _function("jnp.ceil"),
    graph.CosOp: _function("jnp.cos"),
    graph.CoshOp: _function("jnp.cosh"),
    graph.EluOp: _elu,
    graph.ErfOp: _function("lax.erf"),
    graph.ExpOp: _function("jnp.exp"),
    graph.FloorOp: _function("jnp.floor"),
    graph.GeluOp: lambda x, properties: call("nn.gelu", x, approximate=bool(properties["approximate"])),
    graph.HardSigmoidOp: _hard_sigmoid,
    graph.HardSwishOp: _function("nn.hard_swish"),
    graph.IsInfOp: _is_inf,
    graph.IsNanOp: _function("jnp.isnan"),
    graph.LeakyReluOp: lambda x, properties: call("nn.leaky_relu", x, properties["alpha"]),
    graph.LogOp: _function("jnp.log"),
    graph.LogicalNotOp: _function("jnp.logical_not"),
    graph.MishOp: _function("nn.mish"),
    graph.NegOp: lambda x, _: negated(x),
    graph.Relu6Op: _function("nn.relu6"),
    graph.ReluOp: _function("nn.relu"),
    graph.RoundOp: _function("jnp.round"),
    graph.RsqrtOp: _function("lax.rsqrt"),
    graph.SeluOp: _function("nn.selu"),
    graph.SigmoidOp: _function("nn.sigmoid"),
    graph.SignOp: _function("jnp.sign"),
    graph.SiluOp: _function("nn.silu"),
    graph.SinOp: _function("jnp.sin"),
    graph.SinhOp: _function("jnp.sinh"),
    graph.SoftplusOp: _function("nn.softplus"),
    graph.SoftsignOp: _function("nn.soft_sign"),
    graph.SqrtOp: _function("jnp.sqrt"),
    graph.TanOp: _function("jnp.tan"),
    graph.TanhOp: _function("jnp.tanh"),
}


def _operator(operator: str) -> Binary:
    return lambda lhs, rhs: binary(operator, lhs, rhs)


def _of_two(function: str) -> Binary:
    return lambda lhs, rhs: call(function, lhs, rhs)


BINARY: dict[type[Operation], Binary] = {
    graph.AddOp: _operator("+"),
    graph.BitwiseAndOp: _operator("&"),
    graph.BitwiseOrOp: _operator("|"),
    graph.BitwiseXorOp: _operator("^"),
    graph.DivOp: _operator("/"),
    graph.EqualOp: _operator("=="),
    graph.FmodOp: _of_two("jnp.fmod"),
    graph.GreaterEqualOp: _operator(">="),
    graph.GreaterOp: _operator(">"),
    graph.LessEqualOp: _operator("<="),
    graph.LessOp: _operator("<"),
    graph.LogicalAndOp: _operator("&"),
    graph.LogicalOrOp: _operator("|"),
    graph.LogicalXorOp: _operator("^"),
    graph.MaximumOp: _of_two("jnp.maximum"),
    graph.MinimumOp: _of_two("jnp.minimum"),
    graph.MulOp: _operator("*"),
    graph.NotEqualOp: _operator("!="),
    graph.PowOp: _of_two("jnp.power"),
    graph.RemainderOp: _of_two("jnp.remainder"),
    graph.ShiftLeftOp: _of_two("jnp.left_shift"),
    graph.ShiftRightOp: _of_two("jnp.right_shift"),
    graph.SubOp: _operator("-"),
}

SOFTMAX: dict[type[Operation], str] = {graph.SoftmaxOp: "nn.softmax", graph.LogSoftmaxOp: "nn.log_softmax"}

REDUCTIONS = {
    "sum": "sum",
    "mean": "mean",
    "prod": "prod",
    "maximum": "max",
    "minimum": "min",
    "all": "all",
    "any": "any",
}
"""The methods of an array."""
