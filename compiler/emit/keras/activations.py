"""Activations by the names that Keras's layers know them by, and which of them a layer applies itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis
from neuralc.dialects.types import element_of, is_float, shape_of

NAMES: Mapping[type[Operation], str] = {
    graph.ExpOp: "exponential",
    graph.HardSwishOp: "hard_silu",
    graph.MishOp: "mish",
    graph.Relu6Op: "relu6",
    graph.ReluOp: "relu",
    graph.SeluOp: "selu",
    graph.SigmoidOp: "sigmoid",
    graph.SiluOp: "silu",
    graph.SoftplusOp: "softplus",
    graph.SoftsignOp: "softsign",
    graph.TanhOp: "tanh",
}

_WITH_NUMBERS: Mapping[type[Operation], tuple[str, Callable[[graph.UnaryOp], bool]]] = {
    graph.EluOp: ("elu", lambda op: op.literal("alpha") == 1.0),
    graph.GeluOp: ("gelu", lambda op: not op.literal("approximate")),
    graph.HardSigmoidOp: ("hard_sigmoid", lambda op: (op.literal("alpha"), op.literal("beta")) == (1 / 6, 0.5)),
    graph.LeakyReluOp: ("leaky_relu", lambda op: op.literal("alpha") == 0.2),
}
"""Activations that Keras has by name with one choice of their numbers."""

ALONG_AXIS: Mapping[type[Operation], str] = {graph.SoftmaxOp: "softmax", graph.LogSoftmaxOp: "log_softmax"}


def activation_name(op: Operation) -> str | None:
    """The name of an activation of one value."""
    if not isinstance(op, graph.UnaryOp) or not is_float(element_of(op.x.type)):
        return None
    if type(op) in NAMES:
        return NAMES[type(op)]
    name, fits = _WITH_NUMBERS.get(type(op), ("", None))
    return name if fits is not None and fits(op) else None


def folded(op: Operation) -> Operation | None:
    """The activation that is all that reads a layer's result, so that the layer applies it."""
    if not op.results[0].has_one_use() or not is_float(element_of(op.results[0].type)):
        return None
    (use,) = op.results[0].uses
    after = use.operation
    if activation_name(after) is not None:
        return after
    if not isinstance(after, graph.SoftmaxOp | graph.LogSoftmaxOp):
        return None
    rank = len(shape_of(op.results[0].type))
    return after if rank > 1 and normalize_axis(after.literal("axis"), rank) == _channel(op, rank) else None


def _channel(op: Operation, rank: int) -> int:
    if isinstance(op, graph.ConvOp | graph.ConvTransposeOp):
        return CHANNEL[op.literal("data_format")] % rank
    return rank - 1


def folded_name(op: Operation) -> str | None:
    """The name of the activation that the layer of an op applies."""
    after = folded(op)
    return None if after is None else activation_name(after) or ALONG_AXIS[type(after)]


def source_layer(value: SSAValue, after: Operation) -> Operation | None:
    """The op whose layer applies the activation `after` to its result, if it becomes one."""
    owner = value.owner
    layers = (graph.ConvOp, graph.ConvTransposeOp, graph.DenseOp)
    return owner if isinstance(owner, layers) and folded(owner) is after else None
