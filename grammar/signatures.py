"""The signature table: every layer of the language, its parameters, defaults and the source of its definition.

Definitions are those of Keras 3 where Keras has the layer. Positional order is Keras's too, with one exception that the
language inherits: the third positional argument of a convolution is its activation, `Conv2D(32, (3, 3), "relu")`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from neuralc.grammar.parameters import (
    Flag,
    Identifier,
    Kind,
    Named,
    NotYet,
    OneOf,
    Optional,
    Pair,
    Parameter,
    Parameters,
    Real,
    Several,
    Whole,
)

ACTIVATIONS: tuple[str, ...] = (
    "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "softmax", "log_softmax",
    "softplus", "softsign", "hard_sigmoid", "hard_swish", "exponential", "linear",
)  # fmt: skip
"""Functions by the names of `keras.activations`; as a layer, each takes its parameters too."""

INITIALIZERS: tuple[str, ...] = (
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
    "random_normal", "random_uniform", "truncated_normal", "zeros", "ones",
)  # fmt: skip

ACTIVATION = Optional(
    Named(
        "activation",
        "E0202",
        ACTIVATIONS,
        {"swish": "silu", "hard_silu": "hard_swish", "exp": "exponential", "identity": "linear", "none": "linear"},
    )
)
INITIALIZER = Named(
    "initializer",
    "E0202",
    INITIALIZERS,
    {name.replace("_", ""): name for name in INITIALIZERS} | {"zero": "zeros", "one": "ones"},
)
PADDING = OneOf(("valid", "same"))
DATA_FORMAT = Optional(OneOf(("channels_last", "channels_first")))


@dataclass(frozen=True)
class Signature:
    """What a layer takes, and where its meaning is defined."""

    name: str
    parameters: Parameters
    source: str
    doc: str
    aliases: tuple[str, ...] = ()
    block: bool = False

    @cached_property
    def scope(self) -> str:
        """The snake-case name Keras gives an unnamed layer: `conv2d`, `batch_normalization`."""
        return snake_case(self.name)

    @cached_property
    def all_parameters(self) -> Parameters:
        return self.parameters + COMMON

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.all_parameters if p.name == name), None)


def snake_case(name: str) -> str:
    """`keras.src.utils.naming.to_snake_case`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _p(name: str, kind: Kind, default: Any, doc: str = "") -> Parameter:
    return Parameter(name, kind, default, doc)


COMMON: Parameters = (
    _p("name", Optional(Identifier()), None, "name of the layer and of its weights"),
    _p("trainable", NotYet(True), True, "whether training changes the weights"),
    _p("dtype", NotYet(), None, "element type of the layer"),
)
"""What every layer takes, by name only."""


def _untreated(*names: str) -> Parameters:
    return tuple(Parameter(name, NotYet(), None) for name in names)


_KERNEL_TRAINING = _untreated(
    "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"
)
_USE_BIAS = _p("use_bias", Flag(), True, "add a bias per output channel")
_KERNEL_INIT = _p("kernel_initializer", INITIALIZER, "glorot_uniform", "how an untrained kernel starts")
_BIAS_INIT = _p("bias_initializer", INITIALIZER, "zeros", "how an untrained bias starts")
_ACTIVATION = _p("activation", ACTIVATION, None, "function applied to the result")
_FORMAT = _p("data_format", DATA_FORMAT, None, "where the channels are; last unless said")

_DENSE: Parameters = (
    Parameter("units", Whole(1), doc="size of the last axis of the result"),
    _ACTIVATION,
    _USE_BIAS,
    _KERNEL_INIT,
    _BIAS_INIT,
    *_KERNEL_TRAINING,
    *_untreated("lora_rank", "lora_alpha"),
)

_POOL: Parameters = (
    _p("pool_size", Pair(), (2, 2), "height and width of the window"),
    _p("strides", Optional(Pair()), None, "step of the window; its size unless said"),
    _p("padding", PADDING, "valid", "`same` keeps ceil(size / stride)"),
    _FORMAT,
)
_GLOBAL_POOL: Parameters = (_FORMAT, _p("keepdims", Flag(), False, "keep height and width with size 1"))


def _activation(name: str, doc: str, *parameters: Parameter, source: str | None = None, aliases: tuple[str, ...] = ()
                ) -> Signature:  # fmt: skip
    return Signature(name, parameters, source or f"Keras 3 {name}", doc, aliases)


SIGNATURES: tuple[Signature, ...] = (
    # --- core --------------------------------------------------------------------------------------------------------
    Signature("Dense", _DENSE, "Keras 3 Dense", "activation(x . kernel + bias) over the last axis"),
    Signature("Output", _DENSE, "Keras 3 Dense", "a Dense layer that ends the network"),
    Signature("Flatten", (_FORMAT,), "Keras 3 Flatten", "all axes but the batch become one, in row-major order"),
    Signature("Identity", (), "Keras 3 Identity", "the value itself"),
    Signature(
        "Activation",
        (Parameter("activation", ACTIVATION, doc="name of the function"),),
        "Keras 3 Activation",
        "an activation function as a layer of its own",
    ),
    # --- convolution -------------------------------------------------------------------------------------------------
    Signature(
        "Conv2D",
        (
            Parameter("filters", Whole(1), doc="channels of the result"),
            Parameter("kernel_size", Pair(), doc="height and width of the window"),
            _ACTIVATION,
            _p("strides", Pair(), (1, 1), "step of the window"),
            _p("padding", PADDING, "valid", "`same` keeps ceil(size / stride)"),
            _FORMAT,
            _p("dilation_rate", Pair(), (1, 1), "distance between the taps of the window"),
            _p("groups", Whole(1), 1, "channel groups that are convolved separately"),
            _USE_BIAS,
            _KERNEL_INIT,
            _BIAS_INIT,
            *_KERNEL_TRAINING,
        ),
        "Keras 3 Conv2D",
        "2-D cross-correlation over height and width",
    ),
    Signature(
        "DepthwiseConv2D",
        (
            Parameter("kernel_size", Pair(), doc="height and width of the window"),
            _ACTIVATION,
            _p("strides", Pair(), (1, 1), "step of the window"),
            _p("padding", PADDING, "valid", "`same` keeps ceil(size / stride)"),
            _p("depth_multiplier", Whole(1), 1, "results per input channel"),
            _FORMAT,
            _p("dilation_rate", Pair(), (1, 1), "distance between the taps of the window"),
            _USE_BIAS,
            _p("depthwise_initializer", INITIALIZER, "glorot_uniform", "how an untrained kernel starts"),
            _BIAS_INIT,
            *_untreated(
                "depthwise_regularizer",
                "bias_regularizer",
                "activity_regularizer",
                "depthwise_constraint",
                "bias_constraint",
            ),
        ),
        "Keras 3 DepthwiseConv2D",
        "each channel is convolved on its own",
    ),
    # --- pooling -----------------------------------------------------------------------------------------------------
    Signature("MaxPooling2D", _POOL, "Keras 3 MaxPooling2D", "largest value under a window", ("MaxPool2D",)),
    Signature("AveragePooling2D", _POOL, "Keras 3 AveragePooling2D", "mean under a window", ("AvgPool2D",)),
    Signature(
        "GlobalAveragePooling2D",
        _GLOBAL_POOL,
        "Keras 3 GlobalAveragePooling2D",
        "mean over height and width",
        ("GlobalAvgPool2D",),
    ),
    Signature(
        "GlobalMaxPooling2D",
        _GLOBAL_POOL,
        "Keras 3 GlobalMaxPooling2D",
        "maximum over height and width",
        ("GlobalMaxPool2D",),
    ),
    # --- normalization and regularization ----------------------------------------------------------------------------
    Signature(
        "BatchNormalization",
        (
            _p("axis", Whole(), -1, "the axis of the channels"),
            _p("momentum", Real(0, 1), 0.99, "weight of the old moving statistics in training"),
            _p("epsilon", Real(0, open_low=True), 0.001, "added to the variance"),
            _p("center", Flag(), True, "add beta"),
            _p("scale", Flag(), True, "multiply by gamma"),
            _p("beta_initializer", INITIALIZER, "zeros"),
            _p("gamma_initializer", INITIALIZER, "ones"),
            _p("moving_mean_initializer", INITIALIZER, "zeros"),
            _p("moving_variance_initializer", INITIALIZER, "ones"),
            *_untreated("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint"),
            Parameter("synchronized", NotYet(False), False),
        ),
        "Keras 3 BatchNormalization",
        "gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta",
        ("BatchNorm",),
    ),
    Signature(
        "Dropout",
        (
            Parameter("rate", Real(0, 1, open_high=True), doc="fraction of values dropped in training"),
            Parameter("noise_shape", NotYet(), None),
            _p("seed", Optional(Whole()), None, "seed of the random choice in training"),
        ),
        "Keras 3 Dropout",
        "drops values in training, the value itself at inference",
    ),
    # --- activations -------------------------------------------------------------------------------------------------
    _activation(
        "ReLU",
        "max(x, 0)",
        _p("max_value", Optional(Real(0)), None, "largest result"),
        _p("negative_slope", Real(0), 0.0, "slope below 0"),
        Parameter("threshold", NotYet(0), 0),
    ),
    _activation(
        "LeakyReLU", "x where x >= 0, negative_slope * x elsewhere", _p("negative_slope", Real(0), 0.3, "slope")
    ),
    _activation(
        "PReLU",
        "x where x >= 0, alpha * x elsewhere; alpha is learned",
        _p("alpha_initializer", INITIALIZER, "zeros"),
        Parameter("alpha_regularizer", NotYet(), None),
        Parameter("alpha_constraint", NotYet(), None),
        _p("shared_axes", Optional(Several(Whole(1))), None, "axes along which alpha is shared; the batch is axis 0"),
    ),
    _activation("ELU", "x where x > 0, alpha * (exp(x) - 1) elsewhere", _p("alpha", Real(0), 1.0, "scale below 0")),
    _activation("SELU", "scaled ELU of Klambauer et al. 2017", source="keras.activations.selu"),
    _activation(
        "GELU",
        "x * Phi(x)",
        _p("approximate", Flag(), False, "use the tanh form"),
        source="keras.activations.gelu",
    ),
    _activation("SiLU", "x * sigmoid(x)", source="keras.activations.silu", aliases=("Swish",)),
    _activation("Mish", "x * tanh(softplus(x))", source="keras.activations.mish"),
    _activation("Sigmoid", "1 / (1 + exp(-x))", source="keras.activations.sigmoid"),
    _activation("Tanh", "hyperbolic tangent", source="keras.activations.tanh"),
    _activation("Softmax", "exp(x) / sum(exp(x)) along an axis", _p("axis", Whole(), -1, "the axis that sums to 1")),
    _activation(
        "LogSoftmax",
        "logarithm of softmax",
        _p("axis", Whole(), -1, "the axis whose exponentials sum to 1"),
        source="keras.activations.log_softmax",
    ),
    _activation("Softplus", "log(1 + exp(x))", source="keras.activations.softplus"),
    _activation("Softsign", "x / (1 + |x|)", source="keras.activations.softsign"),
    _activation("HardSigmoid", "relu6(x + 3) / 6", source="keras.activations.hard_sigmoid"),
    _activation("HardSwish", "x * relu6(x + 3) / 6", source="keras.activations.hard_silu", aliases=("HardSiLU",)),
    _activation("Exponential", "exp(x)", source="keras.activations.exponential"),
    _activation("Linear", "x", source="keras.activations.linear"),
    # --- blocks ------------------------------------------------------------------------------------------------------
    Signature(
        "ResidualConnection",
        (
            _p(
                "shortcut",
                OneOf(("identity", "projection")),
                "identity",
                "`projection` lets the block change the shape: a 1x1 convolution without bias joins the input",
            ),
        ),
        "He et al. 2016, Deep Residual Learning, eq. 1 and 2",
        "block(x) + x",
        ("Residual",),
        block=True,
    ),
)

WITHOUT_MEANING: tuple[str, ...] = (
    "Reshape", "Permute", "RepeatVector", "Lambda", "Masking", "Embedding", "PositionalEncoding", "CustomShape",
    "Rescaling", "Normalization", "Resizing", "CenterCrop", "Cast",
    "Conv1D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D",
    "DepthwiseConv1D",
    "MaxPooling1D", "MaxPooling3D", "AveragePooling1D", "AveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling3D",
    "GlobalAveragePooling1D", "GlobalAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
    "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D",
    "Cropping2D", "Cropping3D",
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization",
    "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "ActivityRegularization",
    "SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
    "ConvGRU2D", "RNN", "Bidirectional", "TimeDistributed",
    "Attention", "AdditiveAttention", "MultiHeadAttention", "GroupedQueryAttention", "RotaryEmbedding",
    "TransformerEncoder", "TransformerDecoder", "Transformer", "AxialAttention", "NonLocalBlock",
    "Inception", "SqueezeExcitation", "Capsule", "SpatialTransformer", "GraphConv", "GraphAttention",
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot",
    "DynamicLayer", "QuantumLayer", "ProbabilisticDense",
)  # fmt: skip
"""Layers the language has and this version does not compile yet: naming one is an error that says so."""


def _by_name(signatures: Iterable[Signature]) -> dict[str, Signature]:
    return {name.lower(): signature for signature in signatures for name in (signature.name, *signature.aliases)}


_SIGNATURES = _by_name(SIGNATURES)
_WITHOUT_MEANING = {name.lower(): name for name in WITHOUT_MEANING}


def find(name: str) -> Signature | None:
    """The signature of a layer by its name in any case."""
    return _SIGNATURES.get(name.lower())


def without_meaning(name: str) -> str | None:
    """The proper name of a layer that has no meaning yet."""
    return _WITHOUT_MEANING.get(name.lower())


def layer_names() -> list[str]:
    """Every layer name of the language, for suggestions."""
    names = [name for signature in SIGNATURES for name in (signature.name, *signature.aliases)]
    return names + list(WITHOUT_MEANING)
