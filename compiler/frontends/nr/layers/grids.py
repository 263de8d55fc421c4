"""Sampling grids: where each place of a result is read, in coordinates from -1 to 1 (PyTorch affine_grid)."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import element_of, shape_of
from neuralc.frontends.nr.layers.values import cast, number, part, positions, reshape, scaled, size_of
from neuralc.frontends.nr.site import Site
from neuralc.frontends.sizes import Size


def affine_grid(site: Site, theta: SSAValue, sizes: Sequence[Size], align_corners: bool) -> SSAValue:
    """theta [batch, k, k + 1] . (coordinates, 1) at each place of `sizes` -> [batch, *sizes, k].

    As in the grids of graph.grid_sample, the last axis is the first coordinate."""
    rank = len(sizes)
    batch = shape_of(theta.type)[0]

    def column(index: int) -> SSAValue:
        """A column of theta, [batch, 1.., k]."""
        return reshape(site, part(site, theta, 2, index, 1, suffix="theta"), (batch, *[1] * rank, rank), "theta")

    grid = column(rank)
    for axis, size in enumerate(sizes):
        places = coordinates(site, size, theta, align_corners)
        wide: list[Size] = [1] * (rank + 2)
        wide[axis + 1] = size
        product = graph.MulOp.of(reshape(site, places, wide, "grid"), column(rank - 1 - axis))
        grid = site.add(graph.AddOp.of(grid, site.add(product, "grid")), "grid")
    return grid


def coordinates(site: Site, size: Size, like: SSAValue, align_corners: bool) -> SSAValue:
    """The coordinates of the places of an axis: from -1 to 1 of the first and the last, or of their outer edges."""
    doubled = scaled(site, cast(site, positions(site, size), element_of(like.type), "places"), 2.0, "places")
    if align_corners:
        # 2 i / (n - 1) - 1, and 0 for a place that is alone.
        between = as_dim(size) - 1
        count, first = between.max(1), between.min(1)
    else:
        # (2 i + 1) / n - 1
        doubled = site.add(graph.AddOp.of(doubled, number(site, 1.0, doubled, "places")), "places")
        count, first = as_dim(size), as_dim(1)
    ratio = site.add(graph.DivOp.of(doubled, size_of(site, count, doubled)), "grid")
    return site.add(graph.SubOp.of(ratio, size_of(site, first, doubled)), "grid")
