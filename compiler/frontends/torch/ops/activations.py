"""Activation functions and softmax."""

from __future__ import annotations

import math

from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.frontends.torch.node import Node, Number
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

PLAIN = {
    "relu": graph.ReluOp, "relu6": graph.Relu6Op, "selu": graph.SeluOp, "silu": graph.SiluOp, "mish": graph.MishOp,
    "hardswish": graph.HardSwishOp, "hardsigmoid": graph.HardSigmoidOp,
}  # fmt: skip


@aten(*PLAIN, makes=PLAIN)
def plain(node: Node, x: Value) -> Value:
    return node.emit(PLAIN[node.op], x)


@aten("leaky_relu", makes=("graph.leaky_relu",))
def leaky_relu(node: Node, x: Value, negative_slope: Number = 0.01) -> Value:
    return node.emit(graph.LeakyReluOp, x, alpha=float(negative_slope))


@aten("elu", makes=("graph.elu", "graph.mul", "graph.where", "graph.exp", "graph.sub", "graph.greater"))
def elu(node: Node, x: Value, alpha: Number = 1, scale: Number = 1, input_scale: Number = 1) -> Value:
    if input_scale == 1:
        y = node.emit(graph.EluOp, x, alpha=float(alpha))
        return y if scale == 1 else node.mul(y, node.scalar(scale, y))
    positive = node.mul(x, node.scalar(scale, x))
    bent = node.sub(node.emit(graph.ExpOp, node.mul(x, node.scalar(input_scale, x))), node.scalar(1, x))
    negative = node.mul(bent, node.scalar(alpha * scale, x))
    return node.emit(graph.WhereOp, node.emit(graph.GreaterOp, x, node.scalar(0, x)), positive, negative)


@aten("celu", makes=("graph.elu", "graph.div", "graph.mul"))
def celu(node: Node, x: Value, alpha: Number = 1.0) -> Value:
    if alpha == 1:
        return node.emit(graph.EluOp, x, alpha=1.0)
    scale = node.scalar(alpha, x)
    return node.mul(node.emit(graph.EluOp, node.div(x, scale), alpha=1.0), scale)


@aten("gelu", makes=("graph.gelu",))
def gelu(node: Node, x: Value, *, approximate: str = "none") -> Value:
    return node.emit(graph.GeluOp, x, approximate=approximate == "tanh")


@aten("softplus", makes=("graph.softplus", "graph.mul", "graph.div"))
def softplus(node: Node, x: Value, beta: Number = 1, threshold: Number = 20) -> Value:
    """Above the threshold torch gives x itself, which differs by exp(-threshold) at most."""
    if beta * threshold < 20:
        node.refuse(f"with the threshold {threshold}")
    if beta == 1:
        return node.emit(graph.SoftplusOp, x)
    scale = node.scalar(beta, x)
    return node.div(node.emit(graph.SoftplusOp, node.mul(x, scale)), scale)


@aten("log_sigmoid", "log_sigmoid_forward", makes=("graph.softplus", "graph.neg"))
def log_sigmoid(node: Node, x: Value) -> list[Value | None]:
    negative = node.emit(graph.SoftplusOp, node.emit(graph.NegOp, x))
    return [node.emit(graph.NegOp, negative), None]


@aten("hardtanh", makes=("graph.maximum", "graph.minimum", "graph.relu6"))
def hardtanh(node: Node, x: Value, min_val: Number = -1, max_val: Number = 1) -> Value:
    if (min_val, max_val) == (0, 6):
        return node.emit(graph.Relu6Op, x)
    return node.emit(graph.MinimumOp, node.emit(graph.MaximumOp, x, node.scalar(min_val, x)), node.scalar(max_val, x))


@aten("threshold", makes=("graph.where", "graph.greater"))
def threshold(node: Node, x: Value, threshold: Number, value: Number) -> Value:
    above = node.emit(graph.GreaterOp, x, node.scalar(threshold, x))
    return node.emit(graph.WhereOp, above, x, node.scalar(value, x))


@aten("hardshrink", "softshrink", makes=("graph.where", "graph.greater", "graph.abs", "graph.sign", "graph.sub"))
def shrink(node: Node, x: Value, lambd: Number = 0.5) -> Value:
    bound = node.scalar(lambd, x)
    far = node.emit(graph.GreaterOp, node.emit(graph.AbsOp, x), bound)
    kept = x if node.op == "hardshrink" else node.sub(x, node.mul(node.emit(graph.SignOp, x), bound))
    return node.emit(graph.WhereOp, far, kept, node.scalar(0, x))


@aten("prelu", "_prelu_kernel", makes=("graph.prelu", "graph.reshape"))
def prelu(node: Node, x: Value, weight: Value) -> Value:
    """One slope, or one for each channel, which stand along dim 1."""
    alpha = weight
    if weight.rank == 1 and x.rank > 1:
        alpha = node.reshape(weight, (weight.shape[0], *(1,) * (x.rank - 2)))
    return node.emit(graph.PreluOp, x, alpha)


@aten("glu", makes=("graph.slice", "graph.sigmoid", "graph.mul"))
def glu(node: Node, x: Value, dim: int = -1) -> Value:
    axis = node.axis(dim, x.rank)
    half = node.shape[axis]
    return node.mul(node.pick(x, axis, 0, half), node.emit(graph.SigmoidOp, node.pick(x, axis, half, half)))


SOFTMAX = {
    "softmax": graph.SoftmaxOp, "_softmax": graph.SoftmaxOp, "special_softmax": graph.SoftmaxOp,
    "log_softmax": graph.LogSoftmaxOp, "_log_softmax": graph.LogSoftmaxOp, "special_log_softmax": graph.LogSoftmaxOp,
}  # fmt: skip


@aten(*SOFTMAX, makes=SOFTMAX)
def softmax(node: Node, x: Value, dim: int, dtype: Attribute | bool | None = None) -> Value:
    """The third argument is a type, or whether a half becomes one of single precision: the result says so too."""
    return node.emit(SOFTMAX[node.op], node.cast(x, node.element), axis=node.axis(dim, x.rank))


@aten("_safe_softmax", makes=("graph.softmax", "graph.where", "graph.equal", "graph.reduce"))
def safe_softmax(node: Node, x: Value, dim: int, dtype: Attribute | None = None) -> Value:
    """0 in a row of nothing but -inf."""
    x, axis = node.cast(x, node.element), node.axis(dim, x.rank)
    nothing = node.emit(graph.EqualOp, node.reduce(x, "maximum", (axis,), keepdims=True), node.scalar(-math.inf, x))
    return node.emit(graph.WhereOp, nothing, node.scalar(0, x), node.emit(graph.SoftmaxOp, x, axis=axis))
