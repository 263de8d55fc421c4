"""QuantizeLinear and DequantizeLinear; in parts where ONNX has no such integers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xdsl.dialects.builtin import i8, i16, i32
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.onnx.element_types import f64, u8, u16
from neuralc.emit.onnx.lower_logic import saturated
from neuralc.emit.onnx.values import Values

SINCE: Mapping[Any, int] = {i8: 17, u8: 17, i16: 21, u16: 21}
"""The operator set from which on the narrow type is taken."""


def _quantize(values: Values, op: graph.QuantizeOp) -> None:
    x, scale, zero = values.operands(op)
    narrow, own = element_of(op.zero_point.type), element_of(op.x.type)
    if narrow in SINCE and own != f64 and element_of(op.scale.type) == own:
        values.writer.scope.opset.need(max(SINCE[narrow], 21 if op.literal("block_size") else 17))
        values.define(op, "QuantizeLinear", x, scale, zero, **_axis(op))
        return
    by, moved = (_along(values, op, name) for name in (scale, zero))
    rounded = values("Round", values("Div", x, by))
    values.result(op, saturated(values, values("Add", values.cast(rounded, f64), values.cast(moved, f64)), narrow))


def _dequantize(values: Values, op: graph.DequantizeOp) -> None:
    x, scale, zero = values.operands(op)
    narrow, own = element_of(op.x.type), element_of(op.scale.type)
    if narrow in (*SINCE, i32) and own != f64:
        values.writer.scope.opset.need(max(SINCE.get(narrow, 17), 21 if op.literal("block_size") else 17))
        operands = (x, scale) if narrow == i32 and _is_zero(op) else (x, scale, zero)
        values.define(op, "DequantizeLinear", *operands, **_axis(op))
        return
    by, moved = (_along(values, op, name) for name in (scale, zero))
    difference = values("Sub", values.cast(x, f64), values.cast(moved, f64))
    values.result(op, values.cast(values("Mul", difference, values.cast(by, f64)), own))


def _is_zero(op: graph.DequantizeOp) -> bool:
    owner = op.zero_point.owner
    return isinstance(owner, graph.ConstantOp) and owner.literal("value") == 0


def _axis(op: graph.QuantizeOp | graph.DequantizeOp) -> dict[str, Any]:
    """The axis where there is more than one scale; 1 is what ONNX takes anyway."""
    if op.literal("block_size"):
        return {"axis": op.literal("axis"), "block_size": op.literal("block_size")}
    if shape_of(op.scale.type) in ((), (1,)):
        return {}
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    return {} if axis == 1 else {"axis": axis}


def _along(values: Values, op: graph.QuantizeOp | graph.DequantizeOp, name: str) -> str:
    """A scale or zero point as it broadcasts over x. Raises LookupError for blocks along a symbolic size."""
    shape, x = shape_of(op.scale.type), shape_of(op.x.type)
    if shape in ((), (1,)) and not op.literal("block_size"):
        return values.reshape(name, shape, ())
    axis = normalize_axis(op.literal("axis"), len(x))
    if not op.literal("block_size"):
        return values.unsqueeze(name, range(1, len(x) - axis))
    size = x[axis]
    if not isinstance(size, int):
        raise LookupError(f"blocks along a symbolic size {size}")
    return values("Gather", name, values.integers([i // op.literal("block_size") for i in range(size)]), axis=axis)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    graph.DequantizeOp: _dequantize,
    graph.QuantizeOp: _quantize,
}
