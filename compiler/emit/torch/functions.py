"""Graph ops that are one expression of torch: elementwise functions, and functions along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.emit.python.expressions import Expression, Value, binary, call, negated

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


UNARY: dict[type[Operation], Callable[[Expression, Properties], Expression]] = {
    graph.AbsOp: _function("torch.abs"),
    graph.EluOp: _elu,
    graph.ErfOp: _function("torch.erf"),
    graph.ExpOp: _function("torch.exp"),
    graph.GeluOp: _gelu,
    graph.HardSigmoidOp: _function("F.hardsigmoid"),
    graph.HardSwishOp: _function("F.hardswish"),
    graph.LeakyReluOp: _leaky_relu,
    graph.LogOp: _function("torch.log"),
    graph.MishOp: _function("F.mish"),
    graph.NegOp: lambda x, _: negated(x),
    graph.Relu6Op: _function("F.relu6"),
    graph.ReluOp: _function("F.relu"),
    graph.RsqrtOp: _function("torch.rsqrt"),
    graph.SeluOp: _function("F.selu"),
    graph.SigmoidOp: _function("torch.sigmoid"),
    graph.SiluOp: _function("F.silu"),
    graph.SoftplusOp: _softplus,
    graph.SoftsignOp: _function("F.softsign"),
    graph.SqrtOp: _function("torch.sqrt"),
    graph.TanhOp: _function("torch.tanh"),
}

BINARY: dict[type[Operation], Callable[[Expression, Expression], Expression]] = {
    graph.AddOp: lambda lhs, rhs: binary("+", lhs, rhs),
    graph.DivOp: lambda lhs, rhs: binary("/", lhs, rhs),
    graph.MaximumOp: lambda lhs, rhs: call("torch.maximum", lhs, rhs),
    graph.MinimumOp: lambda lhs, rhs: call("torch.minimum", lhs, rhs),
    graph.MulOp: lambda lhs, rhs: binary("*", lhs, rhs),
    graph.SubOp: lambda lhs, rhs: binary("-", lhs, rhs),
}

SOFTMAX: dict[type[Operation], str] = {graph.SoftmaxOp: "F.softmax", graph.LogSoftmaxOp: "F.log_softmax"}

REDUCTIONS = {"sum": "sum", "mean": "mean", "maximum": "amax", "minimum": "amin"}
"""The methods of a tensor; amax and amin share a gradient evenly between equal values."""
