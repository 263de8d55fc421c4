"""Layers that add or take away places of one to three spatial axes."""

from __future__ import annotations

from neuralc.grammar.parameters import Borders, OneOf, Parameters, Tuple
from neuralc.grammar.signatures.base import FORMAT, Signature, p
from neuralc.grammar.signatures.spatial import image, input_of

_RANKS = (1, 2, 3)
_INTERPOLATIONS = OneOf(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"))


def _up_sampling(rank: int) -> Signature:
    size = p("size", Tuple(rank), (2,) * rank, "how many places each one becomes")
    between = p("interpolation", _INTERPOLATIONS, "nearest", "how values between places are found")
    parameters: Parameters = {1: (size, FORMAT), 2: (size, FORMAT, between), 3: (size, FORMAT)}[rank]
    doc = "each place as many times as `size` says"
    if rank == 2:
        doc += (
            ", or values read between places, whose centers are half a place from the edge: `bilinear`, `bicubic` "
            "(Keys 1981 with -0.75, as PyTorch has it), `lanczos3` and `lanczos5` (windows of 3 and 5 places)"
        )
    return Signature(
        f"UpSampling{rank}D",
        parameters,
        f"Keras 3 UpSampling{rank}D",
        doc,
        shapes=f"{image(rank)} -> {image(rank, places='size * ')}",
        example=f"{input_of(rank)} layers: UpSampling{rank}D(2)",
    )


def _zero_padding(rank: int) -> Signature:
    padding = p("padding", Borders(rank), ((1, 1),) * rank, "zeros before and behind each axis")
    return Signature(
        f"ZeroPadding{rank}D",
        (padding, FORMAT),
        f"Keras 3 ZeroPadding{rank}D",
        "zeros around the input",
        shapes=f"{image(rank)} -> {image(rank, places='new_')}",
        example=f"{input_of(rank)} layers: ZeroPadding{rank}D(1)",
    )


def _cropping(rank: int) -> Signature:
    # Keras's own defaults: Cropping2D alone crops nothing.
    default = 0 if rank == 2 else 1
    cropping = p("cropping", Borders(rank), ((default, default),) * rank, "places taken away before and behind")
    return Signature(
        f"Cropping{rank}D",
        (cropping, FORMAT),
        f"Keras 3 Cropping{rank}D",
        "the input without its borders",
        shapes=f"{image(rank)} -> {image(rank, places='new_')}",
        example=f"{input_of(rank)} layers: Cropping{rank}D(1)",
    )


SIGNATURES: tuple[Signature, ...] = tuple(
    signature(rank) for signature in (_up_sampling, _zero_padding, _cropping) for rank in _RANKS
)
