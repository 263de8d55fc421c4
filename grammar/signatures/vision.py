"""Blocks of networks over images."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, OneOf, Optional, Several, Tuple, Whole
from neuralc.grammar.signatures.base import (
    ACTIVATION,
    BIAS_INIT,
    FORMAT,
    KERNEL_INIT,
    Signature,
    constraint,
    p,
    regularizer,
)

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "Inception",
        (
            p(
                "filters",
                Tuple(6),
                (64, 96, 128, 16, 32, 32),
                "of the 1x1 branch, of the 3x3 and of the 5x5 branch (reduction, result), and of the pool branch",
            ),
            p("activation", ACTIVATION, "relu", "function applied by each convolution"),
            FORMAT,
            p("use_bias", Flag(), True, "add a bias in each convolution"),
            KERNEL_INIT,
            BIAS_INIT,
        ),
        "Szegedy et al. 2015, Going Deeper with Convolutions, figure 2b; the filters of inception (3a) in table 1",
        "four branches over the same places, their channels behind each other",
        shapes="(batch, height, width, in) -> (batch, height, width, sum of the branches)",
        example="input: (28, 28, 3) layers: Inception()",
    ),
    Signature(
        "SqueezeExcitation",
        (
            p("ratio", Whole(1), 16, "how many times fewer channels there are in between; at least one is left"),
            p("activation", ACTIVATION, "relu", "function between both dense maps"),
            p("use_bias", Flag(), True, "add a bias in both dense maps"),
            KERNEL_INIT,
            BIAS_INIT,
            FORMAT,
        ),
        "Hu et al. 2018, Squeeze-and-Excitation Networks, eq. 2 to 4",
        "each channel times sigmoid(W2 . relu(W1 . means of the channels))",
        shapes="(batch, places.., channels) -> the same",
        example="input: (8, 8, 32) layers: SqueezeExcitation()",
    ),
    Signature(
        "Capsule",
        (
            p("num_capsules", Whole(1), 10, "capsules of the result"),
            p("dim_capsules", Whole(1), 16, "features of each"),
            p("routings", Whole(1), 3, "rounds of routing"),
            KERNEL_INIT,
            regularizer("kernel"),
            constraint("kernel"),
        ),
        "Sabour et al. 2017, Dynamic Routing Between Capsules, procedure 1",
        "squash(sum of c_ij W_ij u_i), where c_ij grows with the agreement of W_ij u_i and the result; the "
        "places of an image are capsules",
        shapes="(batch, capsules, in) -> (batch, num_capsules, dim_capsules)",
        example="input: (32, 8) layers: Capsule(num_capsules=4, dim_capsules=6)",
    ),
    Signature(
        "SpatialTransformer",
        (
            p(
                "output_size",
                Optional(Several(Whole(1))),
                None,
                "places along each axis; the input's unless said",
            ),
            p("mode", OneOf(("bilinear", "nearest", "bicubic")), "bilinear", "how values between places are found"),
            p("padding_mode", OneOf(("zeros", "border", "reflection")), "zeros", "what lies outside of the input"),
            p("align_corners", Flag(), False, "-1 and 1 are the centers of the outer places, not their edges"),
            FORMAT,
        ),
        "Jaderberg et al. 2015, Spatial Transformer Networks, eq. 1 to 5; PyTorch affine_grid and grid_sample",
        "the input read where the affine map says that the block finds; a last dense map of the block makes its "
        "numbers, unless it gives them",
        block="required",
        shapes="(batch, places.., channels) -> (batch, output_size.., channels)",
        example="input: (16, 16, 1) layers: SpatialTransformer(output_size=(8, 8)) { Flatten() Dense(8, 'tanh') }",
    ),
)
