"""Layers that every network has: dense maps, reshaping, activations by name."""

from __future__ import annotations

from neuralc.grammar.parameters import Parameter, Parameters, Whole
from neuralc.grammar.signatures.base import (
    ACTIVATION,
    ACTIVATION_ARGUMENT,
    BIAS_INIT,
    FORMAT,
    KERNEL_INIT,
    KERNEL_TRAINING,
    LORA,
    USE_BIAS,
    Signature,
)

_DENSE: Parameters = (
    Parameter("units", Whole(1), doc="size of the last axis of the result"),
    ACTIVATION_ARGUMENT,
    USE_BIAS,
    KERNEL_INIT,
    BIAS_INIT,
    *KERNEL_TRAINING,
    *LORA,
)

SIGNATURES: tuple[Signature, ...] = (
    Signature("Dense", _DENSE, "Keras 3 Dense", "activation(x . kernel + bias) over the last axis"),
    Signature("Output", _DENSE, "Keras 3 Dense", "a Dense layer that ends the network"),
    Signature("Flatten", (FORMAT,), "Keras 3 Flatten", "all axes but the batch become one, in row-major order"),
    Signature("Identity", (), "Keras 3 Identity", "the value itself"),
    Signature(
        "Activation",
        (Parameter("activation", ACTIVATION, doc="name of the function"),),
        "Keras 3 Activation",
        "an activation function as a layer of its own",
    ),
)
