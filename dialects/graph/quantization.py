"""Between floats and small integers: x is about (q - zero_point) * scale.

| op               | operands             | definition |
|------------------|----------------------|------------|
| graph.quantize   | x, scale, zero_point | saturate(round_half_even(x / scale) + zero_point) (ONNX QuantizeLinear) |
| graph.dequantize | q, scale, zero_point | (q - zero_point) * scale (ONNX DequantizeLinear) |

Scale and zero point have one shape, which says what shares them: rank 0 or a single value, all of x; a vector, each
place along `axis`; with a `block_size` the rank of x, each block of that many places along `axis`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.graph.shapes import normalize_axis, require_float
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import Shape, ShapeError, element_of, format_shape, shape_of, tensor_type


def _check_scale(types: Sequence[Attribute], axis: int, block_size: int) -> None:
    """Raises ShapeError where scale and zero point do not go with x."""
    x, scale, zero_point = (shape_of(type_) for type_ in types)
    if scale != zero_point:
        raise ShapeError(f"scale is {format_shape(scale)}, the zero point {format_shape(zero_point)}")
    if block_size < 0:
        raise ShapeError(f"a block has at least one place, not {block_size}")
    if not block_size and scale in ((), (1,)):
        return
    along = normalize_axis(axis, len(x))
    expected: Shape = (x[along],)
    if block_size:
        blocks = simplest(as_dim(x[along]).ceildiv(block_size))
        expected = (*x[:along], blocks, *x[along + 1 :])
    if scale != expected:
        raise ShapeError(f"scale is {format_shape(scale)}, {format_shape(x)} takes {format_shape(expected)}")


def _require_integers(op: str, type_: Attribute) -> None:
    if not is_integer(element_of(type_)):
        raise ShapeError(f"{op} needs integers on its narrow side, got {element_of(type_)}")


@irdl_op_definition
class QuantizeOp(PlainOp):
    """saturate(round_half_even(x / scale) + zero_point), in the type of the zero point."""

    name = "graph.quantize"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    zero_point = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    block_size = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": 1, "block_size": 0}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        require_float("quantize", types[:2])
        _require_integers("quantize", types[2])
        _check_scale(types, properties["axis"], properties["block_size"])
        return tensor_type(shape_of(types[0]), element_of(types[2]))


@irdl_op_definition
class DequantizeOp(PlainOp):
    """(x - zero_point) * scale, in the type of the scale; the difference of integers does not wrap around."""

    name = "graph.dequantize"
    x = operand_def(TensorType)
    scale = operand_def(TensorType)
    zero_point = operand_def(TensorType)
    axis = prop_def(IntegerAttr)
    block_size = prop_def(IntegerAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    DEFAULTS: ClassVar = {"axis": 1, "block_size": 0}

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = require_float("dequantize", types[1:2])
        _require_integers("dequantize", types[0])
        if element_of(types[0]) != element_of(types[2]):
            raise ShapeError(f"x is {element_of(types[0])}, its zero point {element_of(types[2])}")
        _check_scale(types, properties["axis"], properties["block_size"])
        return tensor_type(shape_of(types[0]), element)
