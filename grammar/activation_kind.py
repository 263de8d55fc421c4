"""What the `activation` of a layer may be: a function by its name, or an activation layer with its parameters.

Dense(8, "relu")     Dense(8, activation=LeakyReLU(0.1))     Conv2D(4, 3, activation=Softmax(axis=1))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neuralc.grammar.binding import Given, bind
from neuralc.grammar.diagnostics import Diagnostic, suggest
from neuralc.grammar.parameters import Converted, Named, Unfit
from neuralc.grammar.values import Applied, Evaluated, plain

ACTIVATIONS: tuple[str, ...] = (
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "sigmoid", "hard_sigmoid",
    "sparse_sigmoid", "log_sigmoid", "tanh", "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink", "softmax",
    "log_softmax", "sparsemax", "softplus", "sparse_plus", "squareplus", "softsign", "hard_swish", "glu", "exponential",
    "linear",
)  # fmt: skip
"""Functions by the names of `keras.activations`, with its defaults; as a layer, each takes its parameters too."""

_NAMES = Named(
    "activation",
    "E0202",
    ACTIVATIONS,
    {name.replace("_", ""): name for name in ACTIVATIONS if "_" in name}
    | {"swish": "silu", "hard_silu": "hard_swish", "hardsilu": "hard_swish"}
    | {"exp": "exponential", "identity": "linear", "none": "linear"},
)


@dataclass(frozen=True)
class ActivationLayer:
    """An activation layer that another layer applies to its result."""

    name: str
    arguments: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class ActivationKind:
    """The name of a function, or a call of an activation layer."""

    description: str = "the name of an activation, or an activation layer"
    options: tuple[str, ...] = ACTIVATIONS

    def convert(self, value: Evaluated) -> Converted:
        call = plain(value)
        return _layer(call) if isinstance(call, Applied) else _NAMES.convert(value)


def _layer(call: Applied) -> Converted:
    """Raises Unfit for a call of something else, or with arguments that the layer does not take."""
    from neuralc.grammar.signatures.activations import SIGNATURES

    known = {name.lower(): each for each in SIGNATURES for name in (each.name, *each.aliases)}
    signature = known.get(call.name.lower())
    if signature is None:
        message = f"`{call.name}` is no activation layer"
        raise Unfit("E0202", message, suggest(call.name, [each.name for each in SIGNATURES]), whole=True)
    if any(parameter.name.endswith("_initializer") for parameter in signature.parameters):
        message = f"`{signature.name}` has weights of its own"
        raise Unfit("E0305", message, f"write it as a layer behind this one: `{signature.name}()`", whole=True)
    messages: list[Diagnostic] = []
    given = [Given(name, argument, span) for name, argument, span in call.arguments]
    bound = bind(f"`{signature.name}`", signature.parameters, (), given, call.span, messages.append)
    if bound is None:
        raise Unfit.of(next(found for found in messages if found.severity == "error"))
    return Converted(ActivationLayer(signature.name, dict(bound.values)))
