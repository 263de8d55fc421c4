"""Activation functions by their Keras names: the graph op of each, with the defaults of `keras.activations`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp
from neuralc.frontends.nr.site import Site


@dataclass(frozen=True)
class Activation:
    """An op and the values its properties have when only the name is written."""

    op: type[PlainOp]
    defaults: Mapping[str, Any] = field(default_factory=dict)


ACTIVATION_OPS: dict[str, Activation] = {
    "relu": Activation(graph.ReluOp),
    "relu6": Activation(graph.Relu6Op),
    "leaky_relu": Activation(graph.LeakyReluOp, {"alpha": 0.2}),
    "elu": Activation(graph.EluOp, {"alpha": 1.0}),
    "selu": Activation(graph.SeluOp),
    "gelu": Activation(graph.GeluOp, {"approximate": False}),
    "silu": Activation(graph.SiluOp),
    "mish": Activation(graph.MishOp),
    "sigmoid": Activation(graph.SigmoidOp),
    "tanh": Activation(graph.TanhOp),
    "softmax": Activation(graph.SoftmaxOp, {"axis": -1}),
    "log_softmax": Activation(graph.LogSoftmaxOp, {"axis": -1}),
    "softplus": Activation(graph.SoftplusOp),
    "softsign": Activation(graph.SoftsignOp),
    "hard_sigmoid": Activation(graph.HardSigmoidOp),
    "hard_swish": Activation(graph.HardSwishOp),
    "exponential": Activation(graph.ExpOp),
    "linear": Activation(graph.IdentityOp),
}
"""Every name of `grammar.signatures.ACTIVATIONS`."""


def activate(site: Site, x: SSAValue, name: str | None, properties: Mapping[str, Any] | None = None) -> SSAValue:
    """Applies an activation; None and the `linear` of a layer's argument leave the value as it is."""
    if name is None or (name == "linear" and properties is None):
        return x
    activation = ACTIVATION_OPS[name]
    return site.add(activation.op.of(x, **{**activation.defaults, **(properties or {})}), name)
