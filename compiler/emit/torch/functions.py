"""Graph ops that are one expression of torch: elementwise functions, and functions along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.emit.python.expressions import Expression, Value, binary, call, literal, method, name, negated

Properties = dict[str, Any]


def _function(name: str) -> Callable[[Expression, Properties], Expression]:
    return lambda x, _: call(name, x)


def _leaky_relu(x: Expression, properties: Properties) -> Expression:
    return call("F.leaky_relu", x, negative_slope=properties["alpha"])


def _elu(x: Expression, properties: Properties) -> Expression:
    options: dict[str, Value] = {} if properties["alpha"] == 1.0 else {"alpha": properties["alpha"]}
    return call("F.elu", x, **options)


def _gelu(x: Expression, properties: Properties) -> Expression:
    options: dict[str, Value] = {"approximate": "tanh"} if properties["approximate"] else {}
    return call("F.gelu", x, **options)


def _softplus(x: Expression, _: Properties) -> Expression:
    # torch returns x itself above its threshold of 20, which is off by 2e-9 there; beyond 40 it is exact in float64.
    return call("F.softplus", x, threshold=40)


def _hard_sigmoid(x: Expression, properties: Properties) -> Expression:
    if (properties["alpha"], properties["beta"]) == (1 / 6, 0.5):
        return call("F.hardsigmoid", x)
    line = binary("+", binary("*", literal_expression(properties["alpha"]), x), literal_expression(properties["beta"]))
    return method(line, "clamp", 0, 1)


def _is_inf(x: Expression, properties: Properties) -> Expression:
    match properties["positive"], properties["negative"]:
        case True, True:
            return call("torch.isinf", x)
        case True, False:
            return call("torch.isposinf", x)
        case False, True:
            return call("torch.isneginf", x)
        case _:
            return call("torch.zeros_like", x, dtype=name("torch.bool"))


def literal_expression(number: float) -> Expression:
    return name(literal(number))


UNARY: dict[type[Operation], Callable[[Expression, Properties], Expression]] = {
    graph.AbsOp: _function("torch.abs"),
    graph.AcosOp: _function("torch.acos"),
    graph.AcoshOp: _function("torch.acosh"),
    graph.AsinOp: _function("torch.asin"),
    graph.AsinhOp: _function("torch.asinh"),
    graph.AtanOp: _function("torch.atan"),
    graph.AtanhOp: _function("torch.atanh"),
    graph.BitwiseNotOp: _function("torch.bitwise_not"),
    graph.CeilOp: _function("torch.ceil"),
    graph.CosOp: _function("torch.cos"),
    graph.CoshOp: _function("torch.cosh"),
    graph.EluOp: _elu,
    graph.ErfOp: _function("torch.erf"),
    graph.ExpOp: _function("torch.exp"),
    graph.FloorOp: _function("torch.floor"),
    graph.GeluOp: _gelu,
    graph.HardSigmoidOp: _hard_sigmoid,
    graph.HardSwishOp: _function("F.hardswish"),
    graph.IsInfOp: _is_inf,
    graph.IsNanOp: _function("torch.isnan"),
    graph.LeakyReluOp: _leaky_relu,
    graph.LogOp: _function("torch.log"),
    graph.LogicalNotOp: _function("torch.logical_not"),
    graph.MishOp: _function("F.mish"),
    graph.NegOp: lambda x, _: negated(x),
    graph.Relu6Op: _function("F.relu6"),
    graph.ReluOp: _function("F.relu"),
    graph.RoundOp: _function("torch.round"),
    graph.RsqrtOp: _function("torch.rsqrt"),
    graph.SeluOp: _function("F.selu"),
    graph.SigmoidOp: _function("torch.sigmoid"),
    graph.SignOp: _function("torch.sgn"),
    graph.SiluOp: _function("F.silu"),
    graph.SinOp: _function("torch.sin"),
    graph.SinhOp: _function("torch.sinh"),
    graph.SoftplusOp: _softplus,
    graph.SoftsignOp: _function("F.softsign"),
    graph.SqrtOp: _function("torch.sqrt"),
    graph.TanOp: _function("torch.tan"),
    graph.TanhOp: _function("torch.tanh"),
}

BINARY: dict[type[Operation], Callable[[Expression, Expression], Expression]] = {
    graph.AddOp: lambda lhs, rhs: binary("+", lhs, rhs),
    graph.BitwiseAndOp: lambda lhs, rhs: binary("&", lhs, rhs),
    graph.BitwiseOrOp: lambda lhs, rhs: binary("|", lhs, rhs),
    graph.BitwiseXorOp: lambda lhs, rhs: binary("^", lhs, rhs),
    graph.DivOp: lambda lhs, rhs: binary("/", lhs, rhs),
    graph.EqualOp: lambda lhs, rhs: binary("==", lhs, rhs),
    graph.FmodOp: lambda lhs, rhs: call("torch.fmod", lhs, rhs),
    graph.GreaterEqualOp: lambda lhs, rhs: binary(">=", lhs, rhs),
    graph.GreaterOp: lambda lhs, rhs: binary(">", lhs, rhs),
    graph.LessEqualOp: lambda lhs, rhs: binary("<=", lhs, rhs),
    graph.LessOp: lambda lhs, rhs: binary("<", lhs, rhs),
    graph.LogicalAndOp: lambda lhs, rhs: binary("&", lhs, rhs),
    graph.LogicalOrOp: lambda lhs, rhs: binary("|", lhs, rhs),
    graph.LogicalXorOp: lambda lhs, rhs: binary("^", lhs, rhs),
    graph.MaximumOp: lambda lhs, rhs: call("torch.maximum", lhs, rhs),
    graph.MinimumOp: lambda lhs, rhs: call("torch.minimum", lhs, rhs),
    graph.MulOp: lambda lhs, rhs: binary("*", lhs, rhs),
    graph.NotEqualOp: lambda lhs, rhs: binary("!=", lhs, rhs),
    graph.PowOp: lambda lhs, rhs: call("torch.pow", lhs, rhs),
    graph.RemainderOp: lambda lhs, rhs: call("torch.remainder", lhs, rhs),
    graph.ShiftLeftOp: lambda lhs, rhs: call("torch.bitwise_left_shift", lhs, rhs),
    graph.ShiftRightOp: lambda lhs, rhs: call("torch.bitwise_right_shift", lhs, rhs),
    graph.SubOp: lambda lhs, rhs: binary("-", lhs, rhs),
}

SOFTMAX: dict[type[Operation], str] = {graph.SoftmaxOp: "F.softmax", graph.LogSoftmaxOp: "F.log_softmax"}

REDUCTIONS = {
    "sum": "sum",
    "mean": "mean",
    "prod": "prod",
    "maximum": "amax",
    "minimum": "amin",
    "all": "all",
    "any": "any",
}
"""The methods of a tensor; amax and amin share a gradient evenly between equal values."""
