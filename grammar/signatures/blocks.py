"""Layers that hold other layers."""

from __future__ import annotations

from neuralc.grammar.parameters import OneOf
from neuralc.grammar.signatures.base import Signature, p

_SOURCE = "He et al. 2016, Deep Residual Learning, eq. 1 and 2"
_PROJECTION = "`projection` lets the block change the shape: a 1x1 convolution without bias joins the input"

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        "ResidualConnection",
        (p("shortcut", OneOf(("identity", "projection")), "identity", _PROJECTION),),
        _SOURCE,
        "block(x) + x",
        block="required",
        shapes="any -> the same; with a projection, what the block gives",
        masking="handle",
        example='input: (8, 8, 4) layers: ResidualConnection { Conv2D(4, 3, "relu", padding="same") }',
    ),
    Signature(
        "Residual",
        (
            p(
                "shortcut",
                OneOf(("auto", "identity", "projection")),
                "auto",
                f"{_PROJECTION}; `auto` is one where the shape changes, of the center where no stride fits",
            ),
        ),
        _SOURCE,
        "block(x) + x, where the block may change the shape",
        block="required",
        shapes="any -> what the block gives",
        masking="handle",
        example='input: (8, 8, 4) layers: Residual(shortcut="projection") { Conv2D(8, 3, padding="same") }',
    ),
)
