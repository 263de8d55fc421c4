"""Convolutions over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, tensor_type
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.images import Image, Window, empty, over, padded
from neuralc.frontends.nr.layers.shared import Lowering, adapted, weight
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound


def _window(arguments: Bound) -> Window:
    return Window(arguments["kernel_size"], arguments["strides"], arguments["dilation_rate"])


def _convolve(
    site: Site, arguments: Bound, x: Image, kernel: SSAValue, *bias: SSAValue, groups: int, suffix: str = ""
) -> SSAValue:
    """graph.conv with the window and the padding of the layer."""
    window = _window(arguments)
    around = padded(site, x, window, arguments["padding"])
    op = graph.ConvOp.of(
        around.image.value,
        kernel,
        *bias,
        strides=window.strides,
        dilations=window.dilations,
        pads=around.pads,
        groups=groups,
        data_format=x.data_format,
    )
    return site.add(op, suffix)


def _bias(site: Site, arguments: Bound, x: Image, channels: int) -> list[SSAValue]:
    return [weight(site, arguments, "bias", (channels,), x.value)] if arguments["use_bias"] else []


def _active(rank: int, lower: Callable[[Site, Bound, Image], SSAValue]) -> Lowering:
    """A layer over `rank` spatial axes, with its activation."""

    def layer(site: Site, arguments: Bound, x: Image) -> SSAValue:
        return activate(site, lower(site, arguments, x), arguments["activation"])

    return over(rank, layer)


def conv(site: Site, arguments: Bound, x: Image) -> SSAValue:
    filters: int = arguments["filters"]
    groups: int = arguments["groups"]
    channels, window = x.known_channels, _window(arguments)
    for what, count in (("input channels", channels), ("filters", filters)):
        if count % groups:
            raise ShapeError(f"{count} {what} cannot be divided into {groups} groups")
    nothing = empty(site, x, window, arguments["padding"], filters)
    if nothing is not None:
        return nothing
    kernel = weight(site, arguments, "kernel", (*window.shape, channels // groups, filters), x.value)
    bias = _bias(site, arguments, x, filters)
    return _convolve(site, arguments, x, adapted(site, arguments, "kernel", kernel), *bias, groups=groups)


def depthwise_conv(site: Site, arguments: Bound, x: Image) -> SSAValue:
    filters = x.known_channels * arguments["depth_multiplier"]
    nothing = empty(site, x, _window(arguments), arguments["padding"], filters)
    if nothing is not None:
        return nothing
    kernel = _depthwise_kernel(site, arguments, "kernel", x)
    return _convolve(site, arguments, x, kernel, *_bias(site, arguments, x, filters), groups=x.known_channels)


def _depthwise_kernel(site: Site, arguments: Bound, name: str, x: Image) -> SSAValue:
    """Keras keeps the kernel as [*window, channels, multiplier]; a grouped conv reads it as [*window, 1, all]."""
    window, channels, multiplier = arguments["kernel_size"], x.known_channels, arguments["depth_multiplier"]
    kernel = weight(site, arguments, name, (*window, channels, multiplier), x.value, key="depthwise")
    grouped = tensor_type((*window, 1, channels * multiplier), element_of(x.value.type))
    return site.add(graph.ReshapeOp.of(kernel, result=grouped), f"{name}.grouped")


def separable_conv(site: Site, arguments: Bound, x: Image) -> SSAValue:
    filters: int = arguments["filters"]
    nothing = empty(site, x, _window(arguments), arguments["padding"], filters)
    if nothing is not None:
        return nothing
    channels = x.known_channels
    kernel = _depthwise_kernel(site, arguments, "depthwise_kernel", x)
    mixing = (*(1,) * x.rank, channels * arguments["depth_multiplier"], filters)
    pointwise = weight(site, arguments, "pointwise_kernel", mixing, x.value, key="pointwise")
    bias = _bias(site, arguments, x, filters)
    alone = _convolve(site, arguments, x, kernel, groups=channels, suffix="depthwise")
    return site.add(graph.ConvOp.of(alone, pointwise, *bias, data_format=x.data_format))


def conv_transpose(site: Site, arguments: Bound, x: Image) -> SSAValue:
    """Keras keeps the kernel as [*window, filters, channels]."""
    filters: int = arguments["filters"]
    window, rank = _window(arguments), x.rank
    kernel = weight(site, arguments, "kernel", (*window.shape, filters, x.known_channels), x.value)
    bias = _bias(site, arguments, x, filters)
    cuts = [_cut(arguments, window, i) for i in range(rank)]
    op = graph.ConvTransposeOp.of(
        x.value,
        site.add(graph.TransposeOp.of(kernel, perm=(*range(rank), rank + 1, rank)), "kernel.transposed"),
        *bias,
        strides=window.strides,
        dilations=window.dilations,
        pads=(*(low for low, _ in cuts), *(max(high, 0) for _, high in cuts)),
        output_padding=tuple(max(-high, 0) for _, high in cuts),
        data_format=x.data_format,
    )
    return site.add(op)


def _cut(arguments: Bound, window: Window, i: int) -> tuple[int, int]:
    """How many places of the whole result Keras cuts off at the low and the high end of an axis; a negative number of
    them is added. Raises ShapeError for an output padding of a stride or more."""
    reach, stride = window.reaches[i], window.strides[i]
    more = None if arguments["output_padding"] is None else arguments["output_padding"][i]
    if more is not None and more >= stride:
        raise ShapeError(f"an output padding of {more} is not below the stride {stride}")
    if arguments["padding"] == "valid":
        return 0, -(max(stride - reach, 0) if more is None else more)
    # Places around the spread input of the convolution that makes the result.
    total = stride + reach - 2 if more is None else reach + reach % 2 - 2 + more
    low = min((total + 1) // 2, reach - 1)
    return reach - 1 - low, reach - 1 - (total - low)


LOWERINGS: dict[str, Lowering] = {
    **{f"Conv{rank}D": _active(rank, conv) for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": _active(rank, conv_transpose) for rank in (1, 2, 3)},
    **{f"SeparableConv{rank}D": _active(rank, separable_conv) for rank in (1, 2)},
    **{f"DepthwiseConv{rank}D": _active(rank, depthwise_conv) for rank in (1, 2)},
}
