"""Layers that look at a neighbourhood, over one to three spatial dims, and those that sample images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from support.layers.program import Layer, Program, elements, floats, images, numbers, reshaped, static, unrounded
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, product
from neuralc.dialects.graph.shapes import CHANNEL, CHANNELS_FIRST, CHANNELS_LAST, SPATIAL
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import DimsAttr, Shape, element_of, shape_of, tensor_type


def _geometry(program: Program, x: SSAValue, ranks: Sequence[int] = (2,)) -> dict[str, Any] | None:
    """Geometry of a window that fits a value, None where the value is no image."""
    shape = shape_of(x.type)
    places = len(shape) - 2
    if places not in ranks:
        return None
    data_format = program.choice((CHANNELS_LAST[places], CHANNELS_FIRST[places]))
    extents = [shape[axis] for axis in SPATIAL[data_format]]
    if not all(isinstance(extent, int) and extent > 1 for extent in extents):
        return None
    window = tuple(program.integer(1, min(3, static(extent))) for extent in extents)
    pads = tuple(program.integer(0, size - 1) for size in (*window, *window))
    strides = tuple(program.integer(1, 2) for _ in window)
    return {"window": window, "pads": pads, "strides": strides, "data_format": data_format}


def _channels(shape: Shape, geometry: dict[str, Any]) -> int | None:
    channels = shape[CHANNEL[geometry["data_format"]]]
    return channels if isinstance(channels, int) and 0 < channels <= 16 else None


def _line_or_volume(program: Program, x: SSAValue) -> SSAValue:
    """An image as a line of its pixels, or as a volume of one channel."""
    shape = shape_of(x.type)
    if program.flag():
        return reshaped(x, shape[0], product(shape[1:3]), shape[3])
    return reshaped(x, *shape, 1)


def _conv(program: Program, x: SSAValue, ranks: Sequence[int]) -> SSAValue | None:
    geometry = _geometry(program, x, ranks)
    channels = _channels(shape_of(x.type), geometry) if geometry else None
    if geometry is None or channels is None:
        return None
    window = geometry.pop("window")
    groups = channels if program.chance(0.3) else 1
    out = groups * program.integer(1, 2) if groups > 1 else program.integer(1, 6)
    depth = channels // groups
    scale = (int(as_dim(depth).value) * len(window) * 2) ** -0.5
    operands = [x, program.weight("conv.kernel", *window, depth, out, scale=scale, like=x)]
    if program.flag():
        operands.append(program.weight("conv.bias", out, like=x))
    dilations = tuple(program.integer(1, 2) for _ in window)
    return graph.ConvOp.of(*operands, **geometry, dilations=dilations, groups=groups).result


@images
@numbers
def conv(program: Program, x: SSAValue) -> SSAValue | None:
    return _conv(program, x, (2,))


@images
@numbers
def conv_any(program: Program, x: SSAValue) -> SSAValue | None:
    return _conv(program, _line_or_volume(program, x), (1, 3))


@images
@numbers
def conv_transpose(program: Program, x: SSAValue) -> SSAValue | None:
    geometry = _geometry(program, x, (1, 2, 3))
    channels = _channels(shape_of(x.type), geometry) if geometry else None
    if geometry is None or channels is None:
        return None
    window, pads = geometry.pop("window"), geometry.pop("pads")
    groups = channels if program.chance(0.3) else 1
    kernel = program.weight("conv.kernel", *window, channels, program.integer(1, 3), scale=0.3, like=x)
    padding = tuple(program.integer(0, stride - 1) for stride in geometry["strides"])
    small = tuple(min(pad, 1) for pad in pads)
    return graph.ConvTransposeOp.of(x, kernel, **geometry, pads=small, output_padding=padding, groups=groups).result


@images
@numbers
def max_pool(program: Program, x: SSAValue) -> SSAValue | None:
    geometry = _geometry(program, x)
    return graph.MaxPoolOp.of(x, **geometry).result if geometry else None


@images
@floats
def average_pool(program: Program, x: SSAValue) -> SSAValue | None:
    geometry = _geometry(program, x)
    return graph.AveragePoolOp.of(x, **geometry, count_include_pad=program.flag()).result if geometry else None


@images
@numbers
def pool_any(program: Program, x: SSAValue) -> SSAValue | None:
    """Pools of lines and volumes, dilated or with a last window that is not full."""
    x = _line_or_volume(program, x) if program.flag() else x
    geometry = _geometry(program, x, (1, 2, 3))
    if geometry is None:
        return None
    geometry |= {"ceil_mode": program.flag(), "dilations": tuple(program.integer(1, 2) for _ in geometry["window"])}
    if is_integer(element_of(x.type)) or program.flag():
        return graph.MaxPoolOp.of(x, **geometry).result
    return graph.AveragePoolOp.of(x, **geometry).result


@images
@numbers
@unrounded
def arg_max_pool(program: Program, x: SSAValue) -> SSAValue | None:
    geometry = _geometry(program, x, (1, 2, 3))
    return graph.ArgMaxPoolOp.of(x, **geometry, column_major=program.flag()).result if geometry else None


@images
@floats
def deform_conv(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    channels, height, width = (static(size) for size in shape[1:])
    kh, kw = min(2, height), min(2, width)
    if channels > 8:
        return None
    kernel = program.weight("deform.kernel", kh, kw, channels, program.integer(1, 3), scale=0.3)
    oh, ow = height - kh + 1, width - kw + 1
    offset = program.weight("deform.offset", 2 * kh * kw, oh, ow)
    offset = graph.ExpandOp.of(offset, result=tensor_type((shape[0], 2 * kh * kw, oh, ow), program.element)).result
    return graph.DeformConvOp.of(x, offset, kernel).result


@images
@floats
def roi_align(program: Program, x: SSAValue) -> SSAValue | None:
    if 1 in shape_of(x.type)[2:]:
        return None
    batch, mode = program.constant((2,), 0, i64), program.choice(("average", "maximum"))
    rois, sizes = _regions_of_interest(program)
    return graph.RoiAlignOp.of(x, rois, batch, sizes=sizes, sampling_ratio=2, mode=mode).result


@images
@floats
def max_roi_pool(program: Program, x: SSAValue) -> SSAValue | None:
    if 1 in shape_of(x.type)[2:]:
        return None
    rois, sizes = _regions_of_interest(program)
    numbered = graph.ConcatOp.of(program.constant((2, 1), 0.0), rois, axis=1).result
    return graph.MaxRoiPoolOp.of(x, numbered, sizes=sizes).result


def _regions_of_interest(program: Program) -> tuple[SSAValue, tuple[int, int]]:
    """Two regions of the first image, and how many places each gives."""
    low = graph.AbsOp.of(program.weight("rois.low", 2, 2)).result
    size = graph.AbsOp.of(program.weight("rois.size", 2, 2, positive=True)).result
    rois = graph.ConcatOp.of(low, graph.AddOp.of(low, size).result, axis=1).result
    return rois, (program.integer(1, 3), program.integer(1, 3))


@numbers
def fold(program: Program, x: SSAValue) -> SSAValue | None:
    """[batch, channels * window, places] as an image of windows beside each other."""
    shape = shape_of(x.type)
    inner = elements(shape[1:])
    if len(shape) < 2 or any(not isinstance(size, int) for size in shape[1:]) or inner % 2 or inner == 0:
        return None
    x = reshaped(x, shape[0], 2, inner // 2)
    sizes = DimsAttr((as_dim(1), as_dim(inner // 2 + 1)))
    window = {"window": (1, 2), "strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0)}
    return graph.FoldOp.of(x, sizes=sizes, **window).result


PLAIN: Sequence[Layer] = (conv, conv, max_pool, average_pool)
LAYERS: Sequence[Layer] = (
    conv_any, conv_transpose, pool_any, arg_max_pool, deform_conv, roi_align, max_roi_pool, fold,
)  # fmt: skip
