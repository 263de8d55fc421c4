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
    positions,
    preprocessing,
    probabilistic,
    quantum,
    recurrent,
    regularization,
    rotary,
    shape,
    transformer,
    vision,
    wrappers,
)
from neuralc.frontends.nr.layers.shared import Brought, Lowering
from neuralc.grammar.plugins import layer_plugin
from neuralc.grammar.signatures import Signature

__all__ = ["LOWERINGS", "Lowering", "lowering_of"]

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
    **recurrent.LOWERINGS,
    **wrappers.LOWERINGS,
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
    **probabilistic.LOWERINGS,
    **graph_conv.LOWERINGS,
    **graph_attention.LOWERINGS,
    **capsule.LOWERINGS,
}
"""Every layer of the signature table; a test compares the two."""


def lowering_of(signature: Signature) -> Lowering:
    """The function of a layer of the table, or of one that a plugin or another front end brings."""
    if isinstance(signature, Brought):
        return signature.lower
    found = LOWERINGS.get(signature.name)
    if found is not None:
        penalty = signature.parameter("activity_regularizer")
        return found if penalty is None or signature.name in heads.LOWERINGS else regularization.penalized(found)
    plugin = layer_plugin(signature.name)
    if plugin is None or plugin.lower is None:
        raise ValueError(f"no function writes the layer {signature.name}")
    return plugin.lower
