"""Convolutions."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, tensor_type
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.shared import Lowering, data_format, image, pads, weight
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound


def conv2d(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    form = data_format(arguments)
    channels, size = image(x, form)
    filters: int = arguments["filters"]
    groups: int = arguments["groups"]
    for what, count in (("input channels", channels), ("filters", filters)):
        if count % groups:
            raise ShapeError(f"{count} {what} cannot be divided into {groups} groups")
    window, strides, dilations = arguments["kernel_size"], arguments["strides"], arguments["dilation_rate"]
    kernel = weight(site, arguments, "kernel", (*window, channels // groups, filters), x)
    bias = [weight(site, arguments, "bias", (filters,), x)] if arguments["use_bias"] else []
    op = graph.ConvOp.of(
        x,
        kernel,
        *bias,
        strides=strides,
        dilations=dilations,
        pads=pads(arguments["padding"], size, window, strides, dilations),
        groups=groups,
        data_format=form,
    )
    return activate(site, site.add(op), arguments["activation"])


def depthwise_conv2d(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Keras keeps the kernel as [kh, kw, channels, multiplier]; a grouped conv reads it as [kh, kw, 1, all]."""
    form = data_format(arguments)
    channels, size = image(x, form)
    multiplier: int = arguments["depth_multiplier"]
    filters = channels * multiplier
    window, strides, dilations = arguments["kernel_size"], arguments["strides"], arguments["dilation_rate"]
    kernel = weight(site, arguments, "kernel", (*window, channels, multiplier), x, key="depthwise")
    flat = site.add(
        graph.ReshapeOp.of(kernel, result=tensor_type((*window, 1, filters), element_of(x.type))), "kernel.grouped"
    )
    bias = [weight(site, arguments, "bias", (filters,), x)] if arguments["use_bias"] else []
    op = graph.ConvOp.of(
        x,
        flat,
        *bias,
        strides=strides,
        dilations=dilations,
        pads=pads(arguments["padding"], size, window, strides, dilations),
        groups=channels,
        data_format=form,
    )
    return activate(site, site.add(op), arguments["activation"])


LOWERINGS: dict[str, Lowering] = {"Conv2D": conv2d, "DepthwiseConv2D": depthwise_conv2d}
