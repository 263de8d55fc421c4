"""Normalization."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, shape_of, tensor_type
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound


def batch_normalization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    axis = normalize_axis(arguments["axis"], len(shape))
    channels = (known(shape[axis], "the normalized axis"),)

    def scale_or_shift(name: str, wanted: bool, neutral: float) -> SSAValue:
        if wanted:
            return weight(site, arguments, name, channels, x)
        constant = graph.ConstantOp.of(result=tensor_type(channels, element_of(x.type)), value=neutral)
        return site.add(constant, name)

    gamma = scale_or_shift("gamma", arguments["scale"], 1.0)
    beta = scale_or_shift("beta", arguments["center"], 0.0)
    mean = weight(site, arguments, "moving_mean", channels, x, trainable=False)
    variance = weight(site, arguments, "moving_variance", channels, x, trainable=False)
    op = graph.BatchNormOp.of(
        x, gamma, beta, mean, variance, epsilon=arguments["epsilon"], momentum=arguments["momentum"], axis=axis
    )
    return site.add(op)


LOWERINGS: dict[str, Lowering] = {"BatchNormalization": batch_normalization}
