"""Reads between places: GridSample, regions of interest, deformable convolution, folding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.onnx.lower_layers import given
from neuralc.emit.onnx.lower_windows import integer_fold
from neuralc.emit.onnx.values import Values, exact_attribute


def _grid_sample(values: Values, op: graph.GridSampleOp) -> None:
    """Of images the names of the modes are those of version 20 as well, under which other ranks are."""
    rank = len(shape_of(op.x.type)) - 2
    mode = op.literal("mode")
    if mode == "cubic" and rank != 2:
        values.refuse(op, "cubic sampling is of images alone")
        return
    values.writer.scope.opset.need(20)
    attributes: dict[str, Any] = {} if mode == "linear" else {"mode": mode}
    if op.literal("padding_mode") != "zeros":
        attributes["padding_mode"] = op.literal("padding_mode")
    if op.literal("align_corners"):
        attributes["align_corners"] = 1
    values.define(op, "GridSample", *values.operands(op), **attributes)


def _roi_align(values: Values, op: graph.RoiAlignOp) -> None:
    x, rois, indices = values.operands(op)
    rows, columns = op.literal("sizes")
    scale = op.literal("spatial_scale")
    if not exact_attribute(element_of(op.x.type), scale):
        rois, scale = values("Mul", rois, values.like(scale, rois)), 1.0
    attributes: dict[str, Any] = {"output_height": rows, "output_width": columns}
    attributes["sampling_ratio"] = op.literal("sampling_ratio")
    attributes["spatial_scale"] = scale
    if not op.literal("half_pixel"):
        attributes["coordinate_transformation_mode"] = "output_half_pixel"
    if op.literal("mode") == "maximum":
        attributes["mode"] = "max"
    values.define(op, "RoiAlign", x, rois, indices, **attributes)


def _max_roi_pool(values: Values, op: graph.MaxRoiPoolOp) -> None:
    values.define(
        op, "MaxRoiPool", *values.operands(op),
        pooled_shape=list(op.literal("sizes")), spatial_scale=op.literal("spatial_scale"),
    )  # fmt: skip


def _deform_conv(values: Values, op: graph.DeformConvOp) -> None:
    x, offset, kernel = (values.operand(op, index) for index in range(3))
    rest = {value: values.operand(op, index) for index, value in enumerate(op.operands) if index > 2}
    bias = rest[op.bias] if op.bias is not None else ""
    mask = [rest[op.mask]] if op.mask is not None else []
    attributes = given(**{name: op.literal(name) for name in ("strides", "dilations", "pads")})
    attributes |= given(group=op.literal("groups"))
    if op.literal("offset_groups") != 1:
        attributes["offset_group"] = op.literal("offset_groups")
    optional = [bias, *mask] if mask or bias else []
    turned = values.transpose(kernel, (3, 2, 0, 1))
    window = list(shape_of(op.kernel.type)[:2])
    values.define(op, "DeformConv", x, turned, offset, *optional, kernel_shape=window, **attributes)


def _fold(values: Values, op: graph.FoldOp) -> None:
    if not is_float(element_of(op.x.type)):
        integer_fold(values, op)
        return
    geometry = {name: op.literal(name) for name in ("window", "strides", "dilations", "pads")}
    x, sizes = values.operand(op, 0), op.sizes.data
    if len(sizes) > 1:
        attributes = given(**{name: geometry[name] for name in ("strides", "dilations", "pads")})
        values.define(op, "Col2Im", x, values.sizes.vector(sizes), values.integers(geometry["window"]), **attributes)
        return
    # onnxruntime reads the places of a line in another order: a line is an image of one row.
    low, high = geometry["pads"]
    attributes = given(strides=(1, *geometry["strides"]), dilations=(1, *geometry["dilations"]), pads=(0, low, 0, high))
    row = values.sizes.vector((Dim.constant(1), *sizes))
    image = values("Col2Im", x, row, values.integers([1, *geometry["window"]]), **attributes)
    values.define(op, "Squeeze", image, values.integers([2]))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.DeformConvOp: _deform_conv,
    graph.FoldOp: _fold,
    graph.GridSampleOp: _grid_sample,
    graph.MaxRoiPoolOp: _max_roi_pool,
    graph.RoiAlignOp: _roi_align,
}
