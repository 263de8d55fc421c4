"""Residual blocks: the input joins the result, projected where the block changes the shape (He et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.graph.shapes import CHANNELS_LAST
from neuralc.dialects.types import DimsAttr, Shape, ShapeError, element_of, format_shape, shape_of, tensor_type
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound

_KEEP_SHAPE = 'keep the shape (padding="same", equal channels), or write shortcut="projection"'

MOST_STRIDE, MOST_REACH = 4, 16
"""Strides and windows that are tried between sizes that are no numbers."""


def residual(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    (result,) = site.body(x)
    shortcut = x
    if shape_of(result.type) != shape_of(x.type):
        shortcut = _projected(site, arguments["shortcut"], x, result)
    total = site.add(graph.AddOp.of(result, shortcut))
    if site.mask(x) is not None:
        site.put_mask(total, site.mask(result))
    return total


def _projected(site: Site, kind: str, x: SSAValue, result: SSAValue) -> SSAValue:
    """The input in the shape of the result. Raises LayerError where that is not asked for, or no map leads there."""
    changed = f"this block turns {shown(x)} into {shown(result)}"
    if kind == "identity":
        raise LayerError(f"{changed}, so its input cannot be added", "E0404", _KEEP_SHAPE)
    try:
        paths = _paths(shape_of(x.type), shape_of(result.type), crop=kind == "auto")
        shortcut = _project(site.sub("shortcut"), _cropped(site, x, paths), result, paths)
    except ShapeError as problem:
        raise LayerError(f"{changed}, so its input cannot be added; {problem}", "E0404") from None
    if kind == "auto":
        cropped = any(path.is_crop for path in paths)
        how = "a 1x1 convolution" if paths else "a linear map"
        message = f"{changed}: its input joins by {how}{' of its center' if cropped else ''}"
        help = 'padding="same" keeps the borders' if cropped else 'write shortcut="projection" if that is meant'
        site.warn("W0405", message, help)
    return shortcut


# --- from one size to another ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Path:
    """How the places of the input lead to those of the result along an axis: `size` places from `start` on, with a
    stride."""

    start: Size
    size: Size
    stride: int
    is_crop: bool


def _paths(before: Shape, after: Shape, *, crop: bool) -> list[_Path]:
    """One for each spatial axis; none where only the last axis changes and there are no or too many others."""
    nowhere = ShapeError(f"no projection leads from {format_shape(before)} to {format_shape(after)}")
    if len(before) != len(after) or len(before) < 2 or before[0] != after[0]:
        raise nowhere
    if len(before) - 2 not in CHANNELS_LAST:
        if before[:-1] != after[:-1]:
            raise nowhere
        return []
    return [_path(*each, crop=crop) for each in zip(before[1:-1], after[1:-1], strict=True)]


def _path(before: Size, after: Size, *, crop: bool) -> _Path:
    for stride in _strides(before, after):
        if simplest((as_dim(before) - 1) // stride + 1) == after:
            return _Path(0, before, stride, is_crop=False)
    center = _center(before, after) if crop else None
    if center is None:
        raise ShapeError(f"no stride leads from {before} to {after} places")
    return center


def _strides(before: Size, after: Size) -> Sequence[int]:
    if isinstance(before, int) and isinstance(after, int):
        return (-(-before // after),)
    return range(1, MOST_STRIDE + 1)


def _center(before: Size, after: Size) -> _Path | None:
    """The places under the centers of the windows of a convolution without padding that gives `after` places."""
    if isinstance(before, int) and isinstance(after, int):
        if after > before:
            return None
        stride = (before - 1) // (after - 1) if after > 1 else 1
        size = (after - 1) * stride + 1
        return _Path((before - size) // 2, size, stride, is_crop=True)
    for stride in range(1, MOST_STRIDE + 1):
        for reach in range(1, MOST_REACH + 1):
            if simplest((as_dim(before) - reach) // stride + 1) == after:
                return _Path((reach - 1) // 2, simplest((as_dim(after) - 1) * stride + 1), stride, is_crop=True)
    return None


def _cropped(site: Site, x: SSAValue, paths: Sequence[_Path]) -> SSAValue:
    if not any(path.is_crop for path in paths):
        return x
    shape = shape_of(x.type)
    starts = DimsAttr((as_dim(0), *(as_dim(path.start) for path in paths), as_dim(0)))
    result = tensor_type((shape[0], *(path.size for path in paths), shape[-1]), element_of(x.type))
    return site.add(graph.SliceOp.of(x, starts=starts, steps=(1,) * len(shape), result=result), "center")


def _project(site: Site, x: SSAValue, target: SSAValue, paths: Sequence[_Path]) -> SSAValue:
    """He et al. 2016, eq. 2: a linear map of the channels without bias, at the places that remain."""
    inner, outer = (known(shape_of(value.type)[-1], "the number of channels") for value in (x, target))
    if not paths:
        return site.add(graph.DenseOp.of(x, site.weight("kernel", (inner, outer), x, "glorot_uniform")))
    kernel = site.weight("kernel", (*(1 for _ in paths), inner, outer), x, "glorot_uniform")
    return site.add(graph.ConvOp.of(x, kernel, strides=tuple(path.stride for path in paths)))


LOWERINGS: dict[str, Lowering] = {"ResidualConnection": residual, "Residual": residual}
