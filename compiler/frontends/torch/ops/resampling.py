"""Images at other sizes and other places."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects import graph
from neuralc.dialects.types import tensor_type
from neuralc.frontends.sizes import Size
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

Sizes = Sequence[Size] | None

NEAREST = ("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d")
EXACT = ("_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d")


@aten(*NEAREST, *EXACT, makes=("graph.resize",))
def nearest(node: Node, x: Value, output_size: Sizes, *scales: float | Sequence[float] | None) -> Value:
    """The place at i / scale, or at the center of i, rounded down."""
    exact = node.op in EXACT
    return _resized(
        node, x, scales, mode="nearest", coordinates="half_pixel" if exact else "asymmetric",
        nearest_mode="round_prefer_ceil" if exact else "floor",
    )  # fmt: skip


MODES = {
    "upsample_linear1d": "linear", "upsample_bilinear2d": "linear", "upsample_trilinear3d": "linear",
    "upsample_bicubic2d": "cubic",
}  # fmt: skip


@aten(*MODES, makes=("graph.resize",))
def weighted(
    node: Node, x: Value, output_size: Sizes, align_corners: bool, *scales: float | Sequence[float] | None
) -> Value:
    coordinates = "align_corners" if align_corners else "half_pixel"
    return _resized(node, x, () if align_corners else scales, mode=MODES[node.op], coordinates=coordinates)


@aten("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa", makes=("graph.resize",))
def antialiased(
    node: Node, x: Value, output_size: Sizes, align_corners: bool, *scales: float | Sequence[float] | None
) -> Value:
    """Places outside do not count, and the cubic has the coefficient of Pillow."""
    if align_corners:
        node.refuse("with align_corners")
    mode = "linear" if "bilinear" in node.op else "cubic"
    return _resized(
        node, x, scales, mode=mode, coordinates="half_pixel", antialias=True, cubic_coeff_a=-0.5, exclude_outside=True
    )


def _resized(
    node: Node, x: Value, scales: Sequence[float | Sequence[float] | None], **properties: str | bool | float
) -> Value:
    """Scales are given for each spatial dim, in a list, or not at all."""
    node.needs_float(x)
    known: list[float] = []
    for each in scales:
        if isinstance(each, list | tuple):
            known += [float(scale) for scale in each]
        elif isinstance(each, int | float):
            known.append(float(each))
    given = {"scales": (1.0, 1.0, *known)} if known and len(known) == x.rank - 2 else {}
    return node.emit(graph.ResizeOp, x, result=tensor_type(node.shape, x.element), **properties, **given)


PADDINGS = ("zeros", "border", "reflection")
INTERPOLATIONS = ("linear", "nearest", "cubic")


@aten("grid_sampler", "grid_sampler_2d", "grid_sampler_3d", makes=("graph.grid_sample",))
def grid_sampler(
    node: Node, x: Value, grid: Value, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Value:
    return node.emit(
        graph.GridSampleOp, x, grid, mode=INTERPOLATIONS[interpolation_mode], padding_mode=PADDINGS[padding_mode],
        align_corners=align_corners,
    )  # fmt: skip
