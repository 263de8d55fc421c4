"""Pooling over windows and over whole images."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, Optional, Pair, Parameters
from neuralc.grammar.signatures.base import FORMAT, PADDING, Signature, p

_POOL: Parameters = (
    p("pool_size", Pair(), (2, 2), "height and width of the window"),
    p("strides", Optional(Pair()), None, "step of the window; its size unless said"),
    p("padding", PADDING, "valid", "`same` keeps ceil(size / stride)"),
    FORMAT,
)
_GLOBAL_POOL: Parameters = (FORMAT, p("keepdims", Flag(), False, "keep height and width with size 1"))

SIGNATURES: tuple[Signature, ...] = (
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
)
