"""How each layer becomes graph ops: one function a layer, found by its name in `LOWERINGS`; a file a family.

A function takes the site of the layer, its arguments and its input values, and gives its result or results. Shapes that
do not fit raise ShapeError; the caller adds the layer and its place.
"""

from __future__ import annotations

from neuralc.frontends.nr.layers import (
    activations,
    attention,
    blocks,
    capsule,
    convolution,
    core,
    dynamic,
    graph_attention,
    graph_conv,
    heads,
    image_attention,
    merge,
    normalization,
    pooling,
    quantum,
    regularization,
    rotary,
    shape,
    transformer,
    vision,
)
from neuralc.frontends.nr.layers.shared import Lowering

__all__ = ["LOWERINGS", "Lowering"]

LOWERINGS: dict[str, Lowering] = {
    **core.LOWERINGS,
    **convolution.LOWERINGS,
    **pooling.LOWERINGS,
    **shape.LOWERINGS,
    **normalization.LOWERINGS,
    **regularization.LOWERINGS,
    **activations.LOWERINGS,
    **blocks.LOWERINGS,
    **merge.LOWERINGS,
    **attention.LOWERINGS,
    **heads.LOWERINGS,
    **rotary.LOWERINGS,
    **transformer.LOWERINGS,
    **image_attention.LOWERINGS,
    **vision.LOWERINGS,
    **dynamic.LOWERINGS,
    **quantum.LOWERINGS,
    **graph_conv.LOWERINGS,
    **graph_attention.LOWERINGS,
    **capsule.LOWERINGS,
}
"""Every layer of the signature table; a test compares the two."""
