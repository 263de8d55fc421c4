"""Activation functions: functions of one value with parameters, and those along an axis."""

from __future__ import annotations

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import is_float
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.sizes import total
from neuralc.frontends.values import Value

PLAIN: dict[str, type[PlainOp]] = {
    "Relu": graph.ReluOp, "Sigmoid": graph.SigmoidOp, "Tanh": graph.TanhOp, "Softplus": graph.SoftplusOp,
    "Softsign": graph.SoftsignOp, "HardSwish": graph.HardSwishOp, "Mish": graph.MishOp,
}  # fmt: skip
"""Operators that are one graph op without parameters."""

SELU_ALPHA, SELU_GAMMA = 1.67326319217681884765625, 1.05070102214813232421875
"""The defaults of Selu 6: those of graph.selu as floats of 32 bits."""


@onnx_op(*PLAIN, makes=PLAIN)
def plain(node: Node) -> Value:
    return node.emit(PLAIN[node.op], node.input(0))


@onnx_op("LeakyRelu", makes=("graph.leaky_relu",))
def leaky_relu(node: Node) -> Value:
    return node.emit(graph.LeakyReluOp, node.input(0), alpha=node.real("alpha", 0.01))


@onnx_op("Elu", makes=("graph.elu",))
def elu(node: Node) -> Value:
    return node.emit(graph.EluOp, node.input(0), alpha=node.real("alpha", 1.0))


@onnx_op("Selu", makes=("graph.selu", "graph.elu", "graph.mul"))
def selu(node: Node) -> Value:
    x, alpha, gamma = node.input(0), node.real("alpha", SELU_ALPHA), node.real("gamma", SELU_GAMMA)
    if abs(alpha - SELU_ALPHA) < 1e-6 and abs(gamma - SELU_GAMMA) < 1e-6:
        return node.emit(graph.SeluOp, x)
    return node.mul(node.emit(graph.EluOp, x, alpha=alpha), node.scalar(gamma, x))


@onnx_op("Celu", makes=("graph.relu", "graph.elu", "graph.minimum", "graph.div", "graph.add"))
def celu(node: Node) -> Value:
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))."""
    x, alpha = node.input(0), node.real("alpha", 1.0)
    below = node.emit(graph.EluOp, node.div(x, node.scalar(alpha, x)), alpha=alpha)
    return node.add(node.emit(graph.ReluOp, x), node.emit(graph.MinimumOp, below, node.scalar(0, x)))


@onnx_op("Gelu", makes=("graph.gelu",))
def gelu(node: Node) -> Value:
    kind = node.string("approximate", "none")
    if kind not in ("none", "tanh"):
        node.refuse(f"with the approximation `{kind}`")
    return node.emit(graph.GeluOp, node.input(0), approximate=kind == "tanh")


@onnx_op("HardSigmoid", makes=("graph.hard_sigmoid",))
def hard_sigmoid(node: Node) -> Value:
    alpha, beta = node.real("alpha", 0.2), node.real("beta", 0.5)
    return node.emit(graph.HardSigmoidOp, node.input(0), alpha=alpha, beta=beta)


@onnx_op("Swish", makes=("graph.silu", "graph.sigmoid", "graph.mul"))
def swish(node: Node) -> Value:
    """x * sigmoid(alpha * x)."""
    x, alpha = node.input(0), node.real("alpha", 1.0)
    if alpha == 1.0:
        return node.emit(graph.SiluOp, x)
    return node.mul(x, node.emit(graph.SigmoidOp, node.mul(x, node.scalar(alpha, x))))


@onnx_op("ThresholdedRelu", makes=("graph.greater", "graph.where"))
def thresholded_relu(node: Node) -> Value:
    x = node.input(0)
    above = node.emit(graph.GreaterOp, x, node.scalar(node.real("alpha", 1.0), x))
    return node.emit(graph.WhereOp, above, x, node.scalar(0, x))


@onnx_op("Shrink", makes=("graph.less", "graph.greater", "graph.where", "graph.add", "graph.sub"))
def shrink(node: Node) -> Value:
    """x + bias below -lambd, x - bias above lambd, 0 between."""
    x, bias, limit = node.input(0), node.real("bias", 0.0), node.real("lambd", 0.5)
    if not is_float(x.element) and not (bias.is_integer() and limit.is_integer()):
        node.refuse("of integers by a fraction")
    below = node.emit(graph.LessOp, x, node.scalar(-limit, x))
    above = node.emit(graph.GreaterOp, x, node.scalar(limit, x))
    high = node.emit(graph.WhereOp, above, node.sub(x, node.scalar(bias, x)), node.scalar(0, x))
    return node.emit(graph.WhereOp, below, node.add(x, node.scalar(bias, x)), high)


@onnx_op("PRelu", makes=("graph.prelu", "graph.less", "graph.where", "graph.mul"), since=6)
def prelu(node: Node) -> Value:
    """The slope broadcasts; before version 7 it is one for all, or one for each channel."""
    x, slope = node.inputs
    if node.version < 7 and slope.shape != (1,):
        slope = node.along(slope, 0, x.rank - 1)
    if is_float(x.element):
        return node.emit(graph.PreluOp, x, slope)
    return node.emit(graph.WhereOp, node.emit(graph.LessOp, x, node.scalar(0, x)), node.mul(x, slope), x)


# --- along an axis -----------------------------------------------------------------------------------------------
@onnx_op("Softmax", makes=("graph.softmax",))
def softmax(node: Node) -> Value:
    return along(node, graph.SoftmaxOp)


@onnx_op("LogSoftmax", makes=("graph.log_softmax",))
def log_softmax(node: Node) -> Value:
    return along(node, graph.LogSoftmaxOp)


def along(node: Node, op: type[PlainOp]) -> Value:
    """Along one axis; before version 13 over all dims from `axis` on, which count as one."""
    x = node.input(0)
    axis = node.axis(node.integer("axis", -1 if node.version >= 13 else 1), x.rank)
    if node.version >= 13 or axis == x.rank - 1:
        return node.emit(op, x, axis=axis)
    flat = node.reshape(x, (total(x.shape[:axis]), total(x.shape[axis:])))
    return node.reshape(node.emit(op, flat, axis=1), x.shape)


@onnx_op("Hardmax", makes=("graph.arg_reduce", "graph.iota", "graph.equal", "graph.cast"))
def hardmax(node: Node) -> Value:
    """1 at the first of the largest values along the axis, 0 elsewhere."""
    x = node.input(0)
    axis = node.axis(node.integer("axis", -1 if node.version >= 13 else 1), x.rank)
    flat = x
    if node.version < 13:
        flat, axis = node.reshape(x, (total(x.shape[:axis]), total(x.shape[axis:]))), 1
    largest = node.emit(graph.ArgReduceOp, flat, kind="max", axis=axis, keepdims=True)
    places = node.along(node.iota(flat.shape[axis]), axis, flat.rank)
    return node.reshape(node.cast(node.emit(graph.EqualOp, places, largest), x.element), x.shape)
