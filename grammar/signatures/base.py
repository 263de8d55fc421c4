"""What the signature of a layer is made of, and the parameters that families share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from neuralc.grammar.activation_kind import ACTIVATIONS as ACTIVATIONS
from neuralc.grammar.activation_kind import ActivationKind
from neuralc.grammar.initializers import CONSTRAINT, REGULARIZER
from neuralc.grammar.initializers import INITIALIZER as INITIALIZER
from neuralc.grammar.parameters import (
    ALayer,
    Flag,
    Kind,
    LayerPath,
    OneOf,
    Optional,
    Parameter,
    Parameters,
    Real,
    Several,
    Whole,
)

ACTIVATION = Optional(ActivationKind())
POLICIES: tuple[str, ...] = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")
"""The dtype policies of Keras for floats."""
ELEMENTS: tuple[str, ...] = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64",
)  # fmt: skip
"""The types of values, as numpy calls them."""
PADDING = OneOf(("valid", "same"))
DATA_FORMAT = Optional(OneOf(("channels_last", "channels_first")))


@dataclass(frozen=True)
class Inputs:
    """The values a layer takes, by name and in order.

    `required` have to be there; with one of them the running value will do. `optional` may be given by name, or by
    position after the required ones. `several` are those of both that take a tuple of values, such as the states of an
    LSTM. A layer with `many` takes any number of values in the place of its one required input: a merge.
    `flexible` layers take values between their first parentheses too: `Add(a, b)`, `Attention(query, mask=m)`.
    """

    required: tuple[str, ...] = ("x",)
    optional: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    many: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return self.required + self.optional

    @property
    def flexible(self) -> bool:
        return self.many or len(self.names) > 1


ONE = Inputs()
NOTHING = Inputs(required=())
MANY = Inputs(many=True)

BlockUse = Literal["none", "optional", "required", "branches"]
"""Whether a layer takes a block; `branches` is one that holds only `name: { ... }`."""

Masking = Literal["drop", "keep", "handle"]
"""What becomes of a Keras mask that the input carries: gone, passed on to the result, or the lowering's business."""


@dataclass(frozen=True)
class Signature:
    """What a layer takes, and where its meaning is defined."""

    name: str
    parameters: Parameters
    source: str
    """`Keras 3 Dense`, `PyTorch AdaptiveAvgPool2d`, or a paper with its equation."""
    doc: str
    aliases: tuple[str, ...] = ()
    block: BlockUse = "none"
    inputs: Inputs = ONE
    shapes: str = ""
    """Shapes of input and result as the documents show them: `(batch, steps, in) -> (batch, units)`."""
    masking: Masking = "drop"
    retypes: bool = False
    """Whether layers behind it compute in the float type it gives; those of the model's type do so otherwise."""
    example: str = ""
    """A network that uses the layer: `input: ... layers: ...`."""

    @cached_property
    def scope(self) -> str:
        """The snake-case name Keras gives an unnamed layer: `conv2d`, `batch_normalization`."""
        return snake_case(self.name)

    @cached_property
    def all_parameters(self) -> Parameters:
        return self.parameters + COMMON

    @cached_property
    def takes_layers(self) -> bool:
        """Whether a parameter is a layer, as that of `TimeDistributed`."""
        return any(_is_layer(parameter.kind) for parameter in self.parameters)

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.all_parameters if p.name == name), None)


def _is_layer(kind: Kind) -> bool:
    return isinstance(kind, ALayer) or (isinstance(kind, Optional | Several) and _is_layer(kind.kind))


def snake_case(name: str) -> str:
    """`keras.src.utils.naming.to_snake_case`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def p(name: str, kind: Kind, default: Any, doc: str = "") -> Parameter:
    """A parameter with a default."""
    return Parameter(name, kind, default, doc)


NAME = p("name", Optional(LayerPath()), None, "name of the layer and of its weights")
"""What macros and networks take as well, unless they have a parameter of this name."""

COMMON: Parameters = (
    NAME,
    p("trainable", Flag(), True, "whether training changes the weights"),
    p("dtype", Optional(OneOf(POLICIES)), None, "the float type it computes in; `mixed_` keeps its weights in float32"),
)
"""What every layer takes, by name only."""


def regularizer(weight: str) -> Parameter:
    return p(f"{weight}_regularizer", Optional(REGULARIZER), None, f"what training adds to the loss for the {weight}")


def constraint(weight: str) -> Parameter:
    return p(f"{weight}_constraint", Optional(CONSTRAINT), None, f"what training brings the {weight} to after a step")


ACTIVITY_REGULARIZER = p(
    "activity_regularizer", Optional(REGULARIZER), None, "what training adds to the loss for the result, per example"
)
KERNEL_TRAINING: Parameters = (
    regularizer("kernel"),
    regularizer("bias"),
    ACTIVITY_REGULARIZER,
    constraint("kernel"),
    constraint("bias"),
)
LORA: Parameters = (
    p("lora_rank", Optional(Whole(1)), None, "rank of the product of two matrices that training adapts it by"),
    p("lora_alpha", Optional(Real()), None, "the product is scaled by lora_alpha / lora_rank; lora_rank unless said"),
)
"""Low-rank adaptation (Hu et al. 2021): the weight itself is not trained, the sum of it and of a . b is."""
USE_BIAS = p("use_bias", Flag(), True, "add a bias per output channel")
KERNEL_INIT = p("kernel_initializer", INITIALIZER, "glorot_uniform", "how an untrained kernel starts")
BIAS_INIT = p("bias_initializer", INITIALIZER, "zeros", "how an untrained bias starts")
ACTIVATION_ARGUMENT = p("activation", ACTIVATION, None, "function applied to the result")
FORMAT = p("data_format", DATA_FORMAT, None, "where the channels are; last unless said")
