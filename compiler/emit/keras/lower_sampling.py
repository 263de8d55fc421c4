"""Images that are read where data says, and patches added up: functions of the file, for images NCHW."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import DeformConvOp, FoldOp, GridSampleOp, MaxRoiPoolOp, RoiAlignOp
from neuralc.emit.keras.common import operands
from neuralc.emit.keras.run_sizes import sizes_in
from neuralc.emit.python.expressions import Expression, Value, call
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.values import Values


def _apply(values: Values, op: Operation, function: str, *more: Value, **options: Value) -> None:
    values.helpers.add(function)
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call(function, *x, *more, **options))


def _fold(values: Values, op: FoldOp) -> None:
    sizes = sizes_in(values, op.sizes.data)
    if sizes is None:
        values.refuse(op, "no argument has the sizes of the image")
        return
    geometry = [op.literal(key) for key in ("window", "strides", "dilations")]
    rank, pads = len(op.sizes.data), op.literal("pads")
    padding = tuple(zip(pads[:rank], pads[rank:], strict=True))
    values.helpers.add("fold")
    values.define(
        op,
        Kind.OTHER,
        [values.operand(op, 0), *sizes.nodes],
        lambda x: call("fold", x[0], sizes.tuple(x[1:]), *geometry, padding),
    )


def _grid_sample(values: Values, op: GridSampleOp) -> None:
    modes = op.literal("mode"), op.literal("padding_mode")
    _apply(values, op, "grid_sample", *modes, align_corners=bool(op.literal("align_corners")))


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

    values.define(op, Kind.LAYER, operands(values, op), render)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    DeformConvOp: _deform_conv,
    FoldOp: _fold,
    GridSampleOp: _grid_sample,
    MaxRoiPoolOp: _max_roi_pool,
    RoiAlignOp: _roi_align,
}
