"""Layers that read an image at places that data decides, and the adjoint of cutting it into patches.

| op                 | operands                          | definition |
|--------------------|-----------------------------------|------------|
| graph.roi_align    | x, rois [R, 4], batch_indices [R] | He et al. 2017 (ONNX RoiAlign, torchvision) |
| graph.max_roi_pool | x, rois [R, 5]                    | Girshick 2015 (ONNX MaxRoiPool) |
| graph.deform_conv  | x, offset, kernel, mask?, bias?   | Zhu et al. 2018 (ONNX DeformConv, torchvision) |
| graph.fold         | x [N, C * window, places]         | the adjoint of unfolding (ONNX Col2Im, torch.nn.Fold) |

Images are NCHW.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def, var_operand_def
from xdsl.traits import Pure

from neuralc.dialects.dims import as_dim, product, simplest
from neuralc.dialects.graph.shapes import (
    require_float,
    require_number,
    require_vector,
    spatial_extents,
    static_shape,
    window_extent,
)
from neuralc.dialects.syntax import IntsAttr, PlainOp
from neuralc.dialects.types import DimsAttr, Shape, ShapeError, element_of, format_shape, shape_of, tensor_type

ROI_MODES = ("average", "maximum")


def _image(op: str, type_: Attribute) -> Shape:
    shape = shape_of(type_)
    if len(shape) != 4:
        raise ShapeError(f"{op} takes images NCHW, got shape {format_shape(shape)}")
    return shape


def _regions(rois: Attribute, columns: int, sizes: Sequence[int]) -> Shape:
    shape = shape_of(rois)
    if len(shape) != 2 or shape[1] != columns:
        raise ShapeError(f"regions are [count, {columns}], got {format_shape(shape)}")
    if len(sizes) != 2 or min(sizes) < 1:
        raise ShapeError(f"sizes are a height and a width of at least 1, got {list(sizes)}")
    return shape


@irdl_op_definition
class RoiAlignOp(PlainOp):
    """Each region, divided into `sizes` bins: the mean or the maximum of bilinear samples in a bin.

    rois: [x1, y1, x2, y2] times `spatial_scale`, less half a pixel with `half_pixel` (torchvision: aligned); without it
    a region is at least one pixel wide. A bin has `sampling_ratio` squared samples; with 0, ceil(region size / bins)
    along each dim. Samples more than one pixel outside the image are 0. `maximum` takes the largest of the four
    weighted corners of each sample, as ONNX RoiAlign-16 defines it.
    """

    name = "graph.roi_align"
    x = operand_def(TensorType)
    rois = operand_def(TensorType)
    batch_indices = operand_def(TensorType)
    sizes = prop_def(IntsAttr)
    spatial_scale = prop_def(FloatAttr)
    sampling_ratio = prop_def(IntegerAttr)
    half_pixel = prop_def(IntegerAttr)
    mode = prop_def(StringAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"spatial_scale": 1.0, "sampling_ratio": 0, "half_pixel": True, "mode": "average"}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element, x = require_float("roi_align", types[:2]), _image("roi_align", types[0])
        rois = _regions(types[1], 4, properties["sizes"])
        require_vector("batch_indices", types[2:], rois[0])
        if element_of(types[2]) != i64:
            raise ShapeError(f"batch_indices are i64, not {element_of(types[2])}")
        if properties["mode"] not in ROI_MODES:
            raise ShapeError(f"mode is one of {', '.join(ROI_MODES)}, not {properties['mode']}")
        if properties["sampling_ratio"] < 0:
            raise ShapeError("sampling_ratio is at least 0")
        return tensor_type((rois[0], x[1], *properties["sizes"]), element)


@irdl_op_definition
class MaxRoiPoolOp(PlainOp):
    """Each region, divided into `sizes` bins of whole pixels: the largest value in a bin, 0 in an empty one.

    rois: [batch index, x1, y1, x2, y2]; corners times `spatial_scale` are rounded half away from zero, both inside.
    """

    name = "graph.max_roi_pool"
    x = operand_def(TensorType)
    rois = operand_def(TensorType)
    sizes = prop_def(IntsAttr)
    spatial_scale = prop_def(FloatAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"spatial_scale": 1.0}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element, x = require_float("max_roi_pool", types), _image("max_roi_pool", types[0])
        rois = _regions(types[1], 5, properties["sizes"])
        return tensor_type((rois[0], x[1], *properties["sizes"]), element)


@irdl_op_definition
class DeformConvOp(PlainOp):
    """A convolution whose taps read x, bilinearly and 0 outside, at places moved by `offset` and weighted by `mask`.

    kernel: [kh, kw, in/groups, out]; offset: [N, offset_groups * kh * kw * 2, OH, OW], (y, x) of each tap; mask of four
    dims: [N, offset_groups * kh * kw, OH, OW]; bias: [out]. Channels are divided evenly among the offset groups.
    """

    name = "graph.deform_conv"
    x = operand_def(TensorType)
    offset = operand_def(TensorType)
    kernel = operand_def(TensorType)
    rest = var_operand_def(TensorType)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    groups = prop_def(IntegerAttr)
    offset_groups = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (0, 0, 0, 0),
        "groups": 1,
        "offset_groups": 1,
    }

    @property
    def mask(self) -> SSAValue | None:
        """The operand of four dims behind the kernel, if there is one."""
        return next((value for value in self.rest if len(shape_of(value.type)) == 4), None)

    @property
    def bias(self) -> SSAValue | None:
        """The vector at the end, if there is one."""
        return next((value for value in self.rest if len(shape_of(value.type)) == 1), None)

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element, x = require_float("deform_conv", types), _image("deform_conv", types[0])
        kernel = static_shape("a deform_conv kernel", types[2])
        if len(kernel) != 4:
            raise ShapeError(f"a deform_conv kernel is [height, width, in / groups, out], got {format_shape(kernel)}")
        kh, kw, depth, out = kernel
        lists = [properties[name] for name in ("strides", "dilations", "pads")]
        groups, offset_groups = properties["groups"], properties["offset_groups"]
        extents = spatial_extents(x, "NCHW", (kh, kw), *lists)
        if min(groups, offset_groups) < 1 or x[1] != depth * groups or out % groups or depth * groups % offset_groups:
            raise ShapeError(
                f"input has {x[1]} channels, the kernel {format_shape(kernel)} with groups {groups} takes "
                f"{depth * groups}, in {offset_groups} groups of offsets"
            )
        taps = offset_groups * kh * kw
        expected = [("offset", types[1], 2 * taps)]
        ranks = [len(shape_of(type_)) for type_ in types[3:]]
        if ranks not in ([], [1], [4], [4, 1]):
            raise ShapeError("behind the kernel stand a mask of four dims, a bias of one, or both in this order")
        if 4 in ranks:
            expected.append(("mask", types[3], taps))
        for name, type_, channels in expected:
            if shape_of(type_) != (wanted := (x[0], channels, *extents)):
                raise ShapeError(f"{name} is {format_shape(shape_of(type_))}, expected {format_shape(wanted)}")
        if 1 in ranks:
            require_vector("bias", types[-1:], out)
        return tensor_type((x[0], out, *extents), element)


@irdl_op_definition
class FoldOp(PlainOp):
    """Patches added up where they lie in an image of `sizes`: x[n, c * taps + t, l] goes to tap t of window l.

    Places of one to three spatial dims; the windows are those of graph.conv with the same lists.
    """

    name = "graph.fold"
    x = operand_def(TensorType)
    sizes = prop_def(DimsAttr)
    window = prop_def(IntsAttr)
    strides = prop_def(IntsAttr)
    dilations = prop_def(IntsAttr)
    pads = prop_def(IntsAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element, x, sizes = require_number("fold", types), shape_of(types[0]), properties["sizes"].data
        extents = fold_extents(**properties)
        taps = math.prod(properties["window"])
        places = simplest(product(extents))
        if len(x) != 3 or x[2] != places or not as_dim(x[1]).divisible_by(taps):
            raise ShapeError(f"patches are [N, C * {taps}, {places}], got {format_shape(x)}")
        return tensor_type((x[0], simplest(as_dim(x[1]) // taps), *map(simplest, sizes)), element)


def fold_extents(**properties: Any) -> list[Any]:
    """How many windows fit along each spatial dim of graph.fold. Raises ShapeError."""
    sizes, window, pads = properties["sizes"].data, properties["window"], properties["pads"]
    strides, dilations, rank = properties["strides"], properties["dilations"], len(window)
    if not len(sizes) == len(strides) == len(dilations) == rank or len(pads) != 2 * rank or not 1 <= rank <= 3:
        raise ShapeError("sizes, window, strides and dilations have one entry per spatial dim, pads two")
    if min(*window, *strides, *dilations) < 1 or min(pads) < 0:
        raise ShapeError("window, strides and dilations are at least 1, pads at least 0")
    return [
        window_extent(simplest(size), window[i], strides[i], dilations[i], pads[i], pads[i + rank])
        for i, size in enumerate(sizes)
    ]
