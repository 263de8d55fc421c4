"""Layers that add or take away places of one to three spatial axes."""

from __future__ import annotations

from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import DimsAttr, ShapeError, element_of, is_float, tensor_type
from neuralc.frontends.nr.layers.images import Image, over
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound
from neuralc.grammar.signatures.spatial import PLACES

INTERPOLATIONS: dict[str, dict[str, Any]] = {
    "nearest": {"mode": "nearest", "coordinates": "asymmetric", "nearest_mode": "floor"},
    "bilinear": {"mode": "linear"},
    "bicubic": {"mode": "cubic"},
    "lanczos3": {"mode": "lanczos3", "exclude_outside": True},
    "lanczos5": {"mode": "lanczos5", "exclude_outside": True},
}
"""The properties of graph.resize by the names of Keras; centers of places are half a place from the edge."""


def up_sampling(site: Site, arguments: Bound, x: Image) -> SSAValue:
    factors: tuple[int, ...] = arguments["size"]
    sizes = [simplest(as_dim(size) * factor) for size, factor in zip(x.sizes, factors, strict=True)]
    scales = [1.0] * len(x.shape)
    for axis, factor in zip(x.axes, factors, strict=True):
        scales[axis] = float(factor)
    interpolation = arguments.get("interpolation") or "nearest"
    element = element_of(x.value.type)
    if interpolation != "nearest" and not is_float(element):
        raise ShapeError(f'interpolation "{interpolation}" needs floats, its input has elements of {element}')
    result = tensor_type(x.resized(sizes), element)
    return site.add(graph.ResizeOp.of(x.value, result=result, scales=tuple(scales), **INTERPOLATIONS[interpolation]))


def zero_padding(site: Site, arguments: Bound, x: Image) -> SSAValue:
    low, high = (x.along([pair[side] for pair in arguments["padding"]]) for side in (0, 1))
    value = 0.0 if is_float(element_of(x.value.type)) else 0
    return site.add(graph.PadOp.of(x.value, low=low, high=high, value=value))


def cropping(site: Site, arguments: Bound, x: Image) -> SSAValue:
    sizes = []
    for name, size, (low, high) in zip(PLACES[x.rank], x.sizes, arguments["cropping"], strict=True):
        left = simplest(as_dim(size) - low - high)
        if isinstance(left, int) and left < 1:
            taken = f"{low} and {high} of {size} places along the {name}"
            raise ShapeError(f"without {taken}, nothing is left of its input {shown(x.value)}")
        sizes.append(left)
    starts = x.along([low for low, _ in arguments["cropping"]])
    result = tensor_type(x.resized(sizes), element_of(x.value.type))
    return site.add(
        graph.SliceOp.of(x.value, starts=DimsAttr(tuple(map(as_dim, starts))), steps=(1,) * len(starts), result=result)
    )


LOWERINGS: dict[str, Lowering] = {
    f"{name}{rank}D": over(rank, lower)
    for name, lower in (("UpSampling", up_sampling), ("ZeroPadding", zero_padding), ("Cropping", cropping))
    for rank in (1, 2, 3)
}
