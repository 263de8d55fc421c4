"""The signature table: every layer of the language, its parameters, defaults and the source of its definition.

Definitions are those of Keras 3 where Keras has the layer, of PyTorch where only PyTorch has it, of a cited paper
otherwise. Positional order is Keras's too, with one exception that the language inherits: the third positional argument
of a convolution is its activation, `Conv2D(32, (3, 3), "relu")`.
"""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.grammar.signatures import (
    activations,
    attention,
    blocks,
    convolution,
    core,
    graph_networks,
    merge,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    shape,
    special,
    transformer,
    vision,
)
from neuralc.grammar.signatures.base import ACTIVATIONS, COMMON, MANY, ONE, Inputs, Signature, snake_case

__all__ = [
    "ACTIVATIONS",
    "COMMON",
    "FAMILIES",
    "MANY",
    "ONE",
    "SIGNATURES",
    "Inputs",
    "Signature",
    "find",
    "layer_names",
    "snake_case",
]

FAMILIES: Mapping[str, tuple[Signature, ...]] = {
    "core": core.SIGNATURES,
    "preprocessing": preprocessing.SIGNATURES,
    "convolution": convolution.SIGNATURES,
    "pooling": pooling.SIGNATURES,
    "shape": shape.SIGNATURES,
    "normalization": normalization.SIGNATURES,
    "regularization": regularization.SIGNATURES,
    "activations": activations.SIGNATURES,
    "recurrent": recurrent.SIGNATURES,
    "blocks": (*blocks.SIGNATURES, *vision.SIGNATURES),
    "merge": merge.SIGNATURES,
    "special": special.SIGNATURES,
    "graph networks": graph_networks.SIGNATURES,
    "attention": (*attention.SIGNATURES, *transformer.SIGNATURES),
}
"""Family -> layers, in the order of the documents."""

SIGNATURES: tuple[Signature, ...] = tuple(signature for family in FAMILIES.values() for signature in family)


_SIGNATURES = {name.lower(): signature for signature in SIGNATURES for name in (signature.name, *signature.aliases)}


def find(name: str) -> Signature | None:
    """The signature of a layer by its name in any case."""
    return _SIGNATURES.get(name.lower())


def layer_names() -> list[str]:
    """Every layer name of the language, for suggestions."""
    return [name for signature in SIGNATURES for name in (signature.name, *signature.aliases)]
