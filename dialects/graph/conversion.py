"""Values as another element type: converted, or the same bits read anew."""

from __future__ import annotations

from xdsl.dialects.builtin import TensorType, i1
from xdsl.irdl import irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, element_bytes, element_of, format_shape, numpy_dtype, shape_of


class _Converted(PlainOp):
    """What both have: an operand, and a result type of the same shape, which is given."""

    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    def verify_(self) -> None:
        before, after = shape_of(self.x.type), shape_of(self.result.type)
        if before != after:
            raise VerifyException(f"{self.name} keeps the shape {format_shape(before)}, not {format_shape(after)}")
        try:
            numpy_dtype(element_of(self.x.type)), numpy_dtype(element_of(self.result.type))
        except ShapeError as problem:
            raise VerifyException(str(problem)) from problem


@irdl_op_definition
class CastOp(_Converted):
    """x as the element type of the result (ONNX Cast).

    Floats round to nearest even; a float becomes an integer by truncation, saturated, NaN as 0; wider integers keep
    their low bits; a truth value is x != 0, and as a number it is 0 or 1."""

    name = "graph.cast"


@irdl_op_definition
class BitcastOp(_Converted):
    """The bits of x read as another element type of the same width (ONNX BitCast); a truth value is no such type.

    Which NaN it is is not kept: each has the bits of the positive quiet one."""

    name = "graph.bitcast"

    def verify_(self) -> None:
        super().verify_()
        before, after = element_of(self.x.type), element_of(self.result.type)
        if i1 in (before, after):
            raise VerifyException(f"a bitcast of {before} to {after}: i1 has no bits of its own in memory")
        if element_bytes(before) != element_bytes(after):
            raise VerifyException(f"a bitcast keeps the width: {before} to {after}")
