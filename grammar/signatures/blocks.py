"""Layers that hold other layers."""

from __future__ import annotations

from neuralc.grammar.parameters import OneOf
from neuralc.grammar.signatures.base import Signature, p

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "ResidualConnection",
        (
            p(
                "shortcut",
                OneOf(("identity", "projection")),
                "identity",
                "`projection` lets the block change the shape: a 1x1 convolution without bias joins the input",
            ),
        ),
        "He et al. 2016, Deep Residual Learning, eq. 1 and 2",
        "block(x) + x",
        ("Residual",),
        block="required",
        shapes="any -> what the block makes of it",
        example='input: (8, 8, 4) layers: ResidualConnection { Conv2D(4, 3, padding="same") } Flatten() Dense(3)',
    ),
)
