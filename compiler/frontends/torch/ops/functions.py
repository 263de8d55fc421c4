"""Mathematical functions of one operand; of integers most of them are floats."""

from __future__ import annotations

import math

from neuralc.dialects import graph
from neuralc.dialects.types import is_float
from neuralc.frontends.torch.node import Node, Operand
from neuralc.frontends.torch.ops.arithmetic import truncated
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

PLAIN = {
    "acos": graph.AcosOp, "acosh": graph.AcoshOp, "asin": graph.AsinOp, "asinh": graph.AsinhOp, "atan": graph.AtanOp,
    "atanh": graph.AtanhOp, "cos": graph.CosOp, "cosh": graph.CoshOp, "erf": graph.ErfOp, "exp": graph.ExpOp,
    "log": graph.LogOp, "neg": graph.NegOp, "abs": graph.AbsOp, "rsqrt": graph.RsqrtOp, "sigmoid": graph.SigmoidOp,
    "sign": graph.SignOp, "sgn": graph.SignOp, "sin": graph.SinOp, "sinh": graph.SinhOp, "sqrt": graph.SqrtOp,
    "tan": graph.TanOp, "tanh": graph.TanhOp, "special_expit": graph.SigmoidOp, "special_erf": graph.ErfOp,
}  # fmt: skip
"""ATen op -> the graph op that says the same."""


@aten(*PLAIN, makes=PLAIN)
def plain(node: Node, x: Value) -> Value:
    return node.emit(PLAIN[node.op], node.cast(x, node.element))


ROUNDED = {"ceil": graph.CeilOp, "floor": graph.FloorOp}


@aten("ceil", "floor", makes=ROUNDED)
def rounded(node: Node, x: Value) -> Value:
    return node.emit(ROUNDED[node.op], x) if is_float(x.element) else node.emit(graph.IdentityOp, x)


@aten("round", makes=("graph.round", "graph.mul", "graph.div"))
def round_(node: Node, x: Value, *, decimals: int = 0) -> Value:
    if not is_float(x.element):
        return node.emit(graph.IdentityOp, x)
    if not decimals:
        return node.emit(graph.RoundOp, x)
    scale = node.scalar(10.0 ** abs(decimals), x)
    there, back = (node.mul, node.div) if decimals > 0 else (node.div, node.mul)
    return back(node.emit(graph.RoundOp, there(x, scale)), scale)


@aten("trunc", "fix", "frac", makes=("graph.sign", "graph.floor", "graph.abs", "graph.mul", "graph.sub"))
def trunc(node: Node, x: Value) -> Value:
    if not is_float(x.element):
        return node.emit(graph.IdentityOp, x)
    whole = truncated(node, x)
    return node.sub(x, whole) if node.op == "frac" else whole


@aten("expm1", "exp2", makes=("graph.exp", "graph.sub", "graph.mul"))
def exponential(node: Node, x: Value) -> Value:
    x = node.cast(x, node.element)
    if node.op == "exp2":
        return node.emit(graph.ExpOp, node.mul(x, node.scalar(math.log(2), x)))
    return node.sub(node.emit(graph.ExpOp, x), node.scalar(1, x))


@aten("log1p", "log2", "log10", makes=("graph.log", "graph.add", "graph.mul"))
def logarithm(node: Node, x: Value) -> Value:
    x = node.cast(x, node.element)
    if node.op == "log1p":
        return node.emit(graph.LogOp, node.add(x, node.scalar(1, x)))
    return node.mul(node.emit(graph.LogOp, x), node.scalar(1 / math.log(2 if node.op == "log2" else 10), x))


@aten("erfc", makes=("graph.erf", "graph.sub"))
def erfc(node: Node, x: Value) -> Value:
    x = node.cast(x, node.element)
    return node.sub(node.scalar(1, x), node.emit(graph.ErfOp, x))


@aten("logit", makes=("graph.log", "graph.div", "graph.sub", "graph.maximum", "graph.minimum"))
def logit(node: Node, x: Value, eps: float | None = None) -> Value:
    x = node.cast(x, node.element)
    if eps is not None:
        x = node.emit(graph.MinimumOp, node.emit(graph.MaximumOp, x, node.scalar(eps, x)), node.scalar(1 - eps, x))
    return node.emit(graph.LogOp, node.div(x, node.sub(node.scalar(1, x), x)))


@aten("deg2rad", "rad2deg", makes=("graph.mul",))
def angle(node: Node, x: Value) -> Value:
    x = node.cast(x, node.element)
    return node.mul(x, node.scalar(math.pi / 180 if node.op == "deg2rad" else 180 / math.pi, x))


@aten("hypot", makes=("graph.mul", "graph.add", "graph.sqrt"))
def hypot(node: Node, x: Operand, y: Operand) -> Value:
    a, b = node.value(x, node.element), node.value(y, node.element)
    return node.emit(graph.SqrtOp, node.add(node.mul(a, a), node.mul(b, b)))
