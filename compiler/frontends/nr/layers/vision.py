"""Blocks of networks over images: inception, squeeze and excitation, and the spatial transformer."""

from __future__ import annotations

from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product, simplest
from neuralc.dialects.graph.shapes import CHANNEL, normalize_axis
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.layers.grids import affine_grid
from neuralc.frontends.nr.layers.images import image
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.values import einsum, reshape
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound

CONVOLUTION = ("activation", "data_format", "use_bias", "kernel_initializer", "bias_initializer")
"""Arguments that the convolutions of an inception block take as they are."""


def inception(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Szegedy et al. 2015, figure 2b. The columns of table 1 name the filters."""
    form = image(x, arguments, 2).data_format
    options = {name: arguments[name] for name in CONVOLUTION}

    def conv(name: str, value: SSAValue, filters: int, size: int) -> SSAValue:
        window = (size, size)
        return site.layer(name, "Conv2D", value, filters=filters, kernel_size=window, padding="same", **options)

    alone, reduced_3x3, filters_3x3, reduced_5x5, filters_5x5, projected = arguments["filters"]
    pooled = site.layer(
        "pool",
        "MaxPooling2D",
        x,
        pool_size=(3, 3),
        strides=(1, 1),
        padding="same",
        data_format=arguments["data_format"],
    )
    branches = [
        conv("conv_1x1", x, alone, 1),
        conv("conv_3x3", conv("reduce_3x3", x, reduced_3x3, 1), filters_3x3, 3),
        conv("conv_5x5", conv("reduce_5x5", x, reduced_5x5, 1), filters_5x5, 5),
        conv("pool_projection", pooled, projected, 1),
    ]
    return site.add(graph.ConcatOp.of(*branches, axis=CHANNEL[form]))


def squeeze_excitation(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Hu et al. 2018, eq. 2 to 4: each channel times sigmoid(W2 . activation(W1 . means of the channels))."""
    shape = shape_of(x.type)
    if len(shape) < 3:
        raise ShapeError(f"it takes values (batch, places.., channels), its input is {shown(x)}")
    axis = normalize_axis(1 if arguments["data_format"] == "channels_first" else -1, len(shape))
    channels = known(shape[axis], "the channels")
    places = tuple(i for i in range(1, len(shape)) if i != axis)
    options: dict[str, Any] = {name: arguments[name] for name in ("use_bias", "kernel_initializer", "bias_initializer")}
    means = site.add(graph.ReduceOp.of(x, kind="mean", axes=places), "squeeze")
    units = max(1, channels // arguments["ratio"])
    squeezed = site.layer("squeeze", "Dense", means, units=units, activation=arguments["activation"], **options)
    gates = site.layer("excite", "Dense", squeezed, units=channels, activation="sigmoid", **options)
    wide = [size if i in (0, axis) else 1 for i, size in enumerate(shape)]
    return site.add(graph.MulOp.of(x, reshape(site, gates, wide, "excite")))


def spatial_transformer(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Jaderberg et al. 2015: the block looks at x and says where the sampler reads, by an affine map (eq. 1)."""
    rank = len(shape_of(x.type)) - 2
    if not 1 <= rank <= 3:
        raise ShapeError(f"it takes images (batch, places.., channels), its input is {shown(x)}")
    of = image(x, arguments, rank)
    sizes = arguments["output_size"] or of.sizes
    if len(sizes) != rank:
        raise ShapeError(f"`output_size` has {len(sizes)} sizes, its input {shown(x)} has {rank} axes of places")
    theta = _theta(site, x, rank)
    grid = affine_grid(site, theta, sizes, arguments["align_corners"])
    last = arguments["data_format"] != "channels_first"
    if last:
        x = site.add(graph.TransposeOp.of(x, perm=(0, rank + 1, *range(1, rank + 1))), "channels_first")
    sampled = graph.GridSampleOp.of(
        x,
        grid,
        mode={"bilinear": "linear", "bicubic": "cubic"}.get(arguments["mode"], arguments["mode"]),
        padding_mode=arguments["padding_mode"],
        align_corners=arguments["align_corners"],
    )
    result = site.add(sampled)
    return site.add(graph.TransposeOp.of(result, perm=(0, *range(2, rank + 2), 1))) if last else result


def _theta(site: Site, x: SSAValue, rank: int) -> SSAValue:
    """The affine map (batch, rank, rank + 1) that the block finds, by a last dense map unless it gives the numbers.

    Untrained, that dense map gives the identity: the sampler reads each place where it is."""
    found = site.body(x, inside="localisation")
    if len(found) != 1:
        raise ShapeError(f"its block gives {len(found)} values, one is needed")
    batch, *rest = shape_of(found[0].type)
    if rest in ([rank, rank + 1], [rank * (rank + 1)]):
        return reshape(site, found[0], (batch, rank, rank + 1), "theta")
    width = known(simplest(product(rest)), "the result of its block")
    flat = reshape(site, found[0], (batch, width), "theta")
    place = site.sub("theta")
    kernel = place.weight("kernel", (width, rank, rank + 1), x, "zeros")
    bias = place.weight("bias", (rank, rank + 1), x, "identity")
    return site.add(graph.AddOp.of(einsum(site, "bf,fij->bij", flat, kernel, suffix="theta"), bias), "theta")


LOWERINGS: dict[str, Lowering] = {
    "Inception": inception,
    "SqueezeExcitation": squeeze_excitation,
    "SpatialTransformer": spatial_transformer,
}
