"""Between floats and small integers, between the places of a tensor, and at places that data decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    DeformConvOp,
    DequantizeOp,
    FoldOp,
    GridSampleOp,
    LrnOp,
    MaxRoiPoolOp,
    QuantizeOp,
    RoiAlignOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import Shape, element_of, numpy_dtype, shape_of
from neuralc.emit.jax.lower_functions import operands, shown_axis
from neuralc.emit.python.expressions import Expression, Value, call, method, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.sized_lists import sized_shape
from neuralc.emit.python.values import Values

# -- quantization ------------------------------------------------------------------------------------------------------


def _quantize(values: Values, op: QuantizeOp) -> None:
    dtype = name(f"jnp.{numpy_dtype(element_of(op.result.type)).name}")
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
    x, *rest = operands(values, op)
    shape, block = shape_of(op.operands[0].type), op.literal("block_size")
    whole = not block and rest[0].shape in ((), (1,))
    axis = 0 if whole else normalize_axis(op.literal("axis"), len(shape))
    along = [_along(values, node, axis, block, shape) for node in rest]
    values.helpers.add(helper)
    values.define(op, Kind.OTHER, [x, *along], render)


def _along(values: Values, node: Node, axis: int, block: int, shape: Shape) -> Node:
    if block:
        size = shape[axis]
        if not isinstance(size, int):
            return values.add(Kind.VIEW, [node], lambda x: call("jnp.repeat", x[0], block, axis=axis), shape)
        cut = f"[{':, ' * axis}:{size}]" if size % block else ""
        return values.add(
            Kind.VIEW, [node], lambda x: name(f"{call('jnp.repeat', x[0], block, axis=axis)}{cut}"), shape
        )
    behind = len(shape) - 1 - axis
    if not node.shape or (node.shape == (1,) and shape) or behind == 0:
        return node
    sizes = (-1, *[1] * behind)
    return values.add(Kind.VIEW, [node], lambda x: method(x[0], "reshape", *sizes), (*node.shape, *[1] * behind))


# -- images ------------------------------------------------------------------------------------------------------------


def _lrn(values: Values, op: LrnOp) -> None:
    axis = shown_axis(op.literal("axis"), len(shape_of(op.x.type)))
    numbers = [op.literal(key) for key in ("size", "alpha", "beta", "bias")]
    _apply(values, op, "local_response_norm", *numbers, axis)


def _apply(values: Values, op: Operation, function: str, *more: Value, **options: Value) -> None:
    values.helpers.add(function)
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call(function, *x, *more, **options))


def _pairs(pads: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    rank = len(pads) // 2
    return tuple(zip(pads[:rank], pads[rank:], strict=True))


def _fold(values: Values, op: FoldOp) -> None:
    found = sized_shape(values, op, op.sizes.data)
    if found is None:
        return
    rest = [op.literal(key) for key in ("window", "strides", "dilations")]
    values.helpers.add("fold")
    values.define(
        op,
        Kind.OTHER,
        [values.operand(op, 0), *found.nodes],
        lambda x: call("fold", x[0], tuple(found.written(x[1:])), *rest, _pairs(op.literal("pads"))),
    )


def _grid_sample(values: Values, op: GridSampleOp) -> None:
    _apply(
        values,
        op,
        "grid_sample",
        op.literal("mode"),
        op.literal("padding_mode"),
        align_corners=bool(op.literal("align_corners")),
    )


def _roi_align(values: Values, op: RoiAlignOp) -> None:
    samples = op.literal("sampling_ratio")
    options: dict[str, Value] = {"scale": op.literal("spatial_scale")}
    options |= {"samples": samples} if samples else {}
    options["half_pixel"] = bool(op.literal("half_pixel"))
    if op.literal("mode") == "maximum":
        options["maximum"] = True
    _apply(values, op, "roi_align" if samples else "adaptive_roi_align", op.literal("sizes"), **options)


def _max_roi_pool(values: Values, op: MaxRoiPoolOp) -> None:
    _apply(values, op, "max_roi_pool", op.literal("sizes"), op.literal("spatial_scale"))


def _deform_conv(values: Values, op: DeformConvOp) -> None:
    nodes = operands(values, op)
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

    values.define(op, Kind.LAYER, nodes, render)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    DeformConvOp: _deform_conv,
    DequantizeOp: _dequantize,
    FoldOp: _fold,
    GridSampleOp: _grid_sample,
    LrnOp: _lrn,
    MaxRoiPoolOp: _max_roi_pool,
    QuantizeOp: _quantize,
    RoiAlignOp: _roi_align,
}
