"""Convolutions."""

from __future__ import annotations

from neuralc.grammar.parameters import Pair, Parameter, Whole
from neuralc.grammar.signatures.base import (
    ACTIVATION_ARGUMENT,
    ACTIVITY_REGULARIZER,
    BIAS_INIT,
    FORMAT,
    INITIALIZER,
    KERNEL_INIT,
    KERNEL_TRAINING,
    PADDING,
    USE_BIAS,
    Signature,
    constraint,
    p,
    regularizer,
)

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "Conv2D",
        (
            Parameter("filters", Whole(1), doc="channels of the result"),
            Parameter("kernel_size", Pair(), doc="height and width of the window"),
            ACTIVATION_ARGUMENT,
            p("strides", Pair(), (1, 1), "step of the window"),
            p("padding", PADDING, "valid", "`same` keeps ceil(size / stride)"),
            FORMAT,
            p("dilation_rate", Pair(), (1, 1), "distance between the taps of the window"),
            p("groups", Whole(1), 1, "channel groups that are convolved separately"),
            USE_BIAS,
            KERNEL_INIT,
            BIAS_INIT,
            *KERNEL_TRAINING,
        ),
        "Keras 3 Conv2D",
        "2-D cross-correlation over height and width",
    ),
    Signature(
        "DepthwiseConv2D",
        (
            Parameter("kernel_size", Pair(), doc="height and width of the window"),
            ACTIVATION_ARGUMENT,
            p("strides", Pair(), (1, 1), "step of the window"),
            p("padding", PADDING, "valid", "`same` keeps ceil(size / stride)"),
            p("depth_multiplier", Whole(1), 1, "results per input channel"),
            FORMAT,
            p("dilation_rate", Pair(), (1, 1), "distance between the taps of the window"),
            USE_BIAS,
            p("depthwise_initializer", INITIALIZER, "glorot_uniform", "how an untrained kernel starts"),
            BIAS_INIT,
            regularizer("depthwise"),
            regularizer("bias"),
            ACTIVITY_REGULARIZER,
            constraint("depthwise"),
            constraint("bias"),
        ),
        "Keras 3 DepthwiseConv2D",
        "each channel is convolved on its own",
    ),
)
