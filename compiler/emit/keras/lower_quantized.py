"""Between floats and small integers, by arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import DequantizeOp, QuantizeOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.keras.common import cast, dtype_name, operands
from neuralc.emit.python.expressions import Expression, binary, call, name
from neuralc.emit.python.nodes import Kind
from neuralc.emit.python.values import Values


def _along(op: QuantizeOp | DequantizeOp, values: Expression) -> Expression:
    """A scale or zero point as it broadcasts over x."""
    shape, own = shape_of(op.x.type), shape_of(op.scale.type)
    axis, block = normalize_axis(op.literal("axis"), max(len(shape), 1)), op.literal("block_size")
    if block:
        before = ", ".join([":"] * axis + [f":{shape[axis]}"])
        whole = isinstance(own[axis], int) and isinstance(shape[axis], int) and own[axis] * block == shape[axis]
        repeated = call("ops.repeat", values, block, axis=axis)
        return repeated if whole else name(f"{repeated}[{before}]")
    if own in ((), (1,)):
        return values if own == () or len(shape) > 0 else call("ops.reshape", values, ())
    return call("ops.reshape", values, tuple(-1 if i == axis else 1 for i in range(len(shape))))


def _quantize(values: Values, op: QuantizeOp) -> None:
    element = element_of(op.result.type)
    values.helpers.add("to_integer")

    def render(x: Sequence[Expression]) -> Expression:
        steps = call("ops.cast", call("ops.round", binary("/", x[0], _along(op, x[1]))), "float64")
        moved = binary("+", steps, call("ops.cast", _along(op, x[2]), "float64"))
        return call("to_integer", moved, dtype_name(element))

    values.define(op, Kind.OTHER, operands(values, op), render)


def _dequantize(values: Values, op: DequantizeOp) -> None:
    """The difference in doubles, which hold every difference of integers of 32 bits."""
    element = element_of(op.result.type)

    def render(x: Sequence[Expression]) -> Expression:
        integers = [call("ops.cast", each, "float64") for each in (x[0], _along(op, x[2]))]
        return binary("*", cast(binary("-", *integers), element), _along(op, x[1]))

    values.define(op, Kind.OTHER, operands(values, op), render)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    DequantizeOp: _dequantize,
    QuantizeOp: _quantize,
}
