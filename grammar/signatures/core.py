"""Layers that every network has: dense maps, reshaping, tokens and their positions, masks, activations by name."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, NotYet, Optional, Parameter, Parameters, Real, Several, Size, Whole
from neuralc.grammar.signatures.base import (
    ACTIVATION,
    ACTIVATION_ARGUMENT,
    BIAS_INIT,
    FORMAT,
    INITIALIZER,
    KERNEL_INIT,
    KERNEL_TRAINING,
    LORA,
    USE_BIAS,
    Signature,
    constraint,
    p,
    regularizer,
)

_QUANTIZATION = Parameter("quantization_config", NotYet(), None)
_DENSE: Parameters = (
    Parameter("units", Whole(1), doc="size of the last axis of the result"),
    ACTIVATION_ARGUMENT,
    USE_BIAS,
    KERNEL_INIT,
    BIAS_INIT,
    *KERNEL_TRAINING,
    *LORA,
    _QUANTIZATION,
)
_MAPS = "(batch, ..., n) -> (batch, ..., units)"

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "Dense",
        _DENSE,
        "Keras 3 Dense",
        "activation(x . kernel + bias) over the last axis",
        shapes=_MAPS,
        masking="keep",
        example='input: (16) layers: Dense(8, "relu") Dense(3)',
    ),
    Signature(
        "Output",
        _DENSE,
        "Keras 3 Dense",
        "a Dense layer that ends the network",
        shapes=_MAPS,
        masking="keep",
        example='input: (16) layers: Dense(8, "relu") Output(3, "softmax")',
    ),
    Signature(
        "Flatten",
        (FORMAT,),
        "Keras 3 Flatten",
        "all axes but the batch become one, in row-major order with the channels last",
        shapes="(batch, ...) -> (batch, product of the others)",
        example="input: (8, 8, 3) layers: Conv2D(4, 3) Flatten() Dense(3)",
    ),
    Signature(
        "Reshape",
        (
            Parameter(
                "target_shape",
                Several(Size()),
                doc="shape of the result without the batch; one size may be -1: what is left",
            ),
        ),
        "Keras 3 Reshape",
        "the same values in row-major order under another shape",
        shapes="(batch, ...) -> (batch, *target_shape)",
        example="input: (16) layers: Reshape((4, -1)) Flatten() Dense(3)",
    ),
    Signature(
        "Permute",
        (Parameter("dims", Several(Whole(1)), doc="the axes of the input in the order of the result; the batch is 0"),),
        "Keras 3 Permute",
        "axes in another order",
        shapes="(batch, ...) -> (batch, axis dims[0] of the input, axis dims[1], ...)",
        example="input: (10, 16) layers: Permute((2, 1)) Flatten() Dense(3)",
    ),
    Signature(
        "RepeatVector",
        (Parameter("n", Whole(1), doc="how often"),),
        "Keras 3 RepeatVector",
        "the same vector n times",
        shapes="(batch, features) -> (batch, n, features)",
        example="input: (16) layers: Dense(8) RepeatVector(4) Flatten() Dense(3)",
    ),
    Signature(
        "Embedding",
        (
            Parameter("input_dim", Whole(1), doc="how many tokens there are"),
            Parameter("output_dim", Whole(1), doc="size of the vector of a token"),
            p("embeddings_initializer", INITIALIZER, "random_uniform", "how untrained vectors start"),
            regularizer("embeddings"),
            constraint("embeddings"),
            p("mask_zero", Flag(), False, "token 0 is padding: the result carries a mask of the others"),
            Parameter("weights", NotYet(), None),
            *LORA,
            _QUANTIZATION,
            p("input_length", Optional(Whole(1)), None, "has no effect, as in Keras 3: the input says its length"),
        ),
        "Keras 3 Embedding",
        "the vector of each token; a token outside 0 .. input_dim - 1 is an error of the run",
        shapes="(batch, ...) of integers, or of floats that are cut to integers -> (batch, ..., output_dim)",
        masking="handle",
        example="input: (10) int32 layers: Embedding(1000, 16) Flatten() Dense(3)",
    ),
    Signature(
        "PositionalEncoding",
        (
            p("max_length", Optional(Whole(1)), None, "longest sequence; where positions are learned it is needed"),
            p("learned", Flag(), False, "add a weight of max_length vectors instead of waves"),
            p("max_wavelength", Real(0, open_low=True), 10000.0, "base of the wavelengths"),
            p("initializer", INITIALIZER, "glorot_uniform", "how untrained positions start"),
        ),
        "Vaswani et al. 2017, section 3.5; parameters as KerasHub's SinePositionEncoding and PositionEmbedding",
        "x + p, p[t, 2 i] = sin(t / max_wavelength^(2 i / n)), p[t, 2 i + 1] = cos(t / max_wavelength^(2 i / n))",
        shapes="(batch, ..., steps, n) -> the same",
        masking="keep",
        example="input: (10) int32 layers: Embedding(1000, 16) PositionalEncoding() Flatten() Dense(3)",
    ),
    Signature(
        "Masking",
        (p("mask_value", Real(), 0.0, "a step is padding where all its features have this value"),),
        "Keras 3 Masking",
        "0 at steps that are padding, x elsewhere; the result carries a mask of the others",
        shapes="(batch, ..., features) -> the same",
        masking="handle",
        example="input: (10, 4) layers: Masking() Flatten() Dense(3)",
    ),
    Signature(
        "Identity",
        (),
        "Keras 3 Identity",
        "the value itself",
        shapes="any -> the same",
        masking="keep",
        example="input: (16) layers: Identity() Dense(3)",
    ),
    Signature(
        "Activation",
        (Parameter("activation", ACTIVATION, doc="name of the function"),),
        "Keras 3 Activation",
        "an activation function as a layer of its own",
        shapes="any -> the same",
        masking="keep",
        example='input: (16) layers: Dense(8) Activation("relu") Dense(3)',
    ),
)
