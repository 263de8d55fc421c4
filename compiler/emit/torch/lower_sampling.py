"""Between floats and small integers, and at places of an image that data decides: mostly functions of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    ArgMaxPoolOp,
    DeformConvOp,
    DequantizeOp,
    FoldOp,
    GridSampleOp,
    MaxRoiPoolOp,
    QuantizeOp,
    RoiAlignOp,
)
from neuralc.dialects.graph.shapes import SPATIAL, normalize_axis
from neuralc.dialects.types import Shape, element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.python.expressions import Expression, Value, call, method, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.sized_lists import sized_shape
from neuralc.emit.python.values import Values
from neuralc.emit.torch.layers import square, symmetric_padding
from neuralc.emit.torch.lower_pools import entries_of_axes, padding_of_axes
from neuralc.emit.torch.lower_scatter import naturals

# -- quantization ------------------------------------------------------------------------------------------------------


def _quantize(values: Values, op: QuantizeOp) -> None:
    dtype = name(f"torch.{numpy_dtype(element_of(op.result.type)).name}")
    _scaled(values, op, lambda x: call("quantize", *x, dtype), "quantize")


def _dequantize(values: Values, op: DequantizeOp) -> None:
    _scaled(values, op, lambda x: call("dequantize", *x), "dequantize")


def _scaled(
    values: Values,
    op: QuantizeOp | DequantizeOp,
    render: Callable[[Sequence[Expression]], Expression],
    helper: str,
) -> None:
    """Scale and zero point as they broadcast over x: all of it, along an axis, or in blocks."""
    x, *rest = naturals(values, op)
    shape, block = shape_of(op.operands[0].type), op.literal("block_size")
    whole = not block and rest[0].shape in ((), (1,))
    axis = 0 if whole else normalize_axis(op.literal("axis"), len(shape))
    along = [_along(values, node, axis, block, shape) for node in rest]
    values.helpers.add(helper)
    values.define(op, Kind.OTHER, [x, *along], render)


def _along(values: Values, node: Node, axis: int, block: int, shape: Shape) -> Node:
    if block:
        size = shape[axis]
        cut = f"[{':, ' * axis}:{size}]" if isinstance(size, int) and size % block else ""
        return values.add(
            Kind.VIEW, [node], lambda x: name(f"{method(x[0], 'repeat_interleave', block, dim=axis)}{cut}"), shape
        )
    behind = len(shape) - 1 - axis
    if not node.shape or (node.shape == (1,) and shape) or behind == 0:
        return node
    sizes = (-1, *[1] * behind)
    return values.add(Kind.VIEW, [node], lambda x: method(x[0], "reshape", *sizes), (*node.shape, *[1] * behind))


# -- images ------------------------------------------------------------------------------------------------------------


def _apply(values: Values, op: Operation, function: str, *more: Value, **options: Value) -> None:
    values.helpers.add(function)
    values.define(op, Kind.OTHER, naturals(values, op), lambda x: call(function, *x, *more, **options))


def _fold(values: Values, op: FoldOp) -> None:
    """F.fold knows images of floats, and padding that is alike on both sides."""
    found = sized_shape(values, op, op.sizes.data)
    if found is None:
        return
    window, strides, dilations, pads = (op.literal(key) for key in ("window", "strides", "dilations", "pads"))
    padding = symmetric_padding(pads)
    x = naturals(values, op)
    if len(window) == 2 and padding is not None and is_float(element_of(op.x.type)):
        options: dict[str, Value] = {}
        for key, value, usual in (("dilation", dilations, 1), ("padding", padding, 0), ("stride", strides, 1)):
            if any(entry != usual for entry in value):
                options[key] = square(value)
        values.define(
            op,
            Kind.OTHER,
            [*x, *found.nodes],
            lambda x: call("F.fold", x[0], tuple(found.written(x[1:])), square(window), **options),
        )
        return
    rank = len(window)
    around = tuple(zip(pads[:rank], pads[rank:], strict=True))
    values.helpers.add("fold")
    values.define(
        op,
        Kind.OTHER,
        [*x, *found.nodes],
        lambda x: call("fold", x[0], tuple(found.written(x[1:])), window, strides, dilations, around),
    )


def _grid_sample(values: Values, op: GridSampleOp) -> None:
    """Cubic and mirrored reads of torch are others than those of ONNX."""
    mode, padding, aligned = (op.literal(key) for key in ("mode", "padding_mode", "align_corners"))
    modes = {"linear": "bilinear", "nearest": "nearest"}
    if len(shape_of(op.x.type)) not in (4, 5) or mode not in modes or padding == "reflection":
        _apply(values, op, "grid_sample", mode, padding, align_corners=bool(aligned))
        return
    options: dict[str, Value] = {} if mode == "linear" else {"mode": modes[mode]}
    if padding != "zeros":
        options["padding_mode"] = padding
    options["align_corners"] = bool(aligned)
    values.define(op, Kind.OTHER, naturals(values, op), lambda x: call("F.grid_sample", *x, **options))


def _roi_align(values: Values, op: RoiAlignOp) -> None:
    options: dict[str, Value] = {"scale": op.literal("spatial_scale"), "samples": op.literal("sampling_ratio")}
    options["half_pixel"] = bool(op.literal("half_pixel"))
    if op.literal("mode") == "maximum":
        options["maximum"] = True
    _apply(values, op, "roi_align", op.literal("sizes"), **options)


def _max_roi_pool(values: Values, op: MaxRoiPoolOp) -> None:
    _apply(values, op, "max_roi_pool", op.literal("sizes"), op.literal("spatial_scale"))


def _deform_conv(values: Values, op: DeformConvOp) -> None:
    options: dict[str, Value] = {
        "strides": op.literal("strides"),
        "dilation": op.literal("dilations"),
        "padding": op.literal("pads")[:2],
    }
    options |= {key: op.literal(key) for key in ("groups", "offset_groups") if op.literal(key) != 1}
    values.helpers.add("deform_conv")

    def render(x: Sequence[Expression]) -> Expression:
        if op.mask is None and op.bias is not None:
            return call("deform_conv", *x[:3], bias=x[3], **options)
        return call("deform_conv", *x, **options)

    values.define(op, Kind.LAYER, naturals(values, op), render)


def _arg_max_pool(values: Values, op: ArgMaxPoolOp) -> None:
    axes = tuple(range(len(shape_of(op.x.type))))
    padding = padding_of_axes(values, op, axes)
    if padding is None:
        return
    order = list(axes)
    if op.literal("column_major"):
        spatial = SPATIAL[op.literal("data_format")]
        order[spatial[0] : spatial[-1] + 1] = reversed(spatial)
    window, strides, dilations = (entries_of_axes(op, key, axes) for key in ("window", "strides", "dilations"))
    _apply(values, op, "arg_max_pool", window, strides, padding, dilations, tuple(order))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ArgMaxPoolOp: _arg_max_pool,
    DeformConvOp: _deform_conv,
    DequantizeOp: _dequantize,
    FoldOp: _fold,
    GridSampleOp: _grid_sample,
    MaxRoiPoolOp: _max_roi_pool,
    QuantizeOp: _quantize,
    RoiAlignOp: _roi_align,
}
