"""How each layer becomes graph ops: one function a layer, found by its name in `LOWERINGS`; a file a family.

A function takes the site of the layer, its arguments and its input values, and gives its result or results. Shapes that
do not fit raise ShapeError; the caller adds the layer and its place.
"""

from __future__ import annotations

from neuralc.frontends.nr.layers import (
    activations,
    blocks,
    convolution,
    core,
    merge,
    normalization,
    pooling,
    positions,
    preprocessing,
    regularization,
    shape,
)
from neuralc.frontends.nr.layers.shared import Lowering

__all__ = ["LOWERINGS", "Lowering"]

LOWERINGS: dict[str, Lowering] = {
    **core.LOWERINGS,
    **positions.LOWERINGS,
    **preprocessing.LOWERINGS,
    **convolution.LOWERINGS,
    **pooling.LOWERINGS,
    **shape.LOWERINGS,
    **normalization.LOWERINGS,
    **regularization.LOWERINGS,
    **activations.LOWERINGS,
    **blocks.LOWERINGS,
    **merge.LOWERINGS,
}
"""Every layer of the signature table; a test compares the two."""
