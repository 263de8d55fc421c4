"""Pooling over windows, over bins and over everything, of one to three spatial axes."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, Optional, Parameter, Parameters, Tuple
from neuralc.grammar.signatures.base import FORMAT, PADDING, Signature, p
from neuralc.grammar.signatures.spatial import AXES, PLACES, image, input_of

_RANKS = (1, 2, 3)
_SHORT = {"Max": "Max", "Average": "Avg"}
_WHAT = {"Max": "largest value", "Average": "mean"}


def _pooling(kind: str, rank: int) -> Signature:
    parameters: Parameters = (
        p("pool_size", Tuple(rank), (2,) * rank, f"{AXES[rank]} of the window"),
        p("strides", Optional(Tuple(rank)), None, "step of the window; its size unless said"),
        p("padding", PADDING, "valid", "`same` gives ceil(size / stride) places"),
        FORMAT,
    )
    return Signature(
        f"{kind}Pooling{rank}D",
        parameters,
        f"Keras 3 {kind}Pooling{rank}D",
        f"{_WHAT[kind]} under each window; what `same` adds around the input does not count",
        (f"{_SHORT[kind]}Pool{rank}D",),
        shapes=f"{image(rank)} -> {image(rank, places='new_')}",
        example=f'{input_of(rank)} layers: {kind}Pooling{rank}D(3, strides=2, padding="same")',
    )


def _global_pooling(kind: str, rank: int) -> Signature:
    keep = p("keepdims", Flag(), False, f"keep {AXES[rank]} with size 1")
    masked = "; steps that are masked do not count" if (kind, rank) == ("Average", 1) else ""
    return Signature(
        f"Global{kind}Pooling{rank}D",
        (FORMAT, keep),
        f"Keras 3 Global{kind}Pooling{rank}D",
        f"{_WHAT[kind]} over {AXES[rank]}{masked}",
        (f"Global{_SHORT[kind]}Pool{rank}D",),
        shapes=f"{image(rank)} -> (batch, channels)",
        masking="handle" if masked else "drop",
        example=f"{input_of(rank)} layers: Global{kind}Pooling{rank}D()",
    )


def _adaptive_pooling(kind: str, rank: int) -> Signature:
    size = Parameter("output_size", Tuple(rank), doc=f"{AXES[rank]} of the result")
    sizes = ", ".join(f"output_size[{i}]" if rank > 1 else "output_size" for i in range(len(PLACES[rank])))
    return Signature(
        f"Adaptive{kind}Pooling{rank}D",
        (size, FORMAT),
        f"Keras 3 Adaptive{kind}Pooling{rank}D",
        f"{_WHAT[kind]} of each bin: bin i of n goes from floor(i * size / n) to ceil((i + 1) * size / n)",
        (f"Adaptive{_SHORT[kind]}Pool{rank}D",),
        shapes=f"{image(rank)} -> (batch, {sizes}, channels)",
        example=f"{input_of(rank)} layers: Adaptive{kind}Pooling{rank}D(3)",
    )


SIGNATURES: tuple[Signature, ...] = tuple(
    signature(kind, rank)
    for signature in (_pooling, _global_pooling, _adaptive_pooling)
    for kind in ("Max", "Average")
    for rank in _RANKS
)
