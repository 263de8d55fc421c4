"""Truth values and bits: comparisons, logic, bitwise functions, and the choice between two values.

Comparisons with NaN are false, but for `not_equal` (IEEE 754-2019, clause 5.11).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import IntegerAttr, TensorType, i1
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.elementwise import BinaryOp, CompareOp, TestOp, UnaryOp, accept
from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type


@irdl_op_definition
class EqualOp(CompareOp):
    """lhs == rhs."""

    name = "graph.equal"
    ACCEPTS: ClassVar = "values"


@irdl_op_definition
class NotEqualOp(CompareOp):
    """lhs != rhs."""

    name = "graph.not_equal"
    ACCEPTS: ClassVar = "values"


@irdl_op_definition
class LessOp(CompareOp):
    """lhs < rhs."""

    name = "graph.less"


@irdl_op_definition
class LessEqualOp(CompareOp):
    """lhs <= rhs."""

    name = "graph.less_equal"


@irdl_op_definition
class GreaterOp(CompareOp):
    """lhs > rhs."""

    name = "graph.greater"


@irdl_op_definition
class GreaterEqualOp(CompareOp):
    """lhs >= rhs."""

    name = "graph.greater_equal"


@irdl_op_definition
class IsNanOp(TestOp):
    """True where x is NaN."""

    name = "graph.is_nan"


@irdl_op_definition
class IsInfOp(TestOp):
    """True where x is infinite, of the signs that are asked for (ONNX IsInf)."""

    name = "graph.is_inf"
    positive = prop_def(IntegerAttr)
    negative = prop_def(IntegerAttr)
    DEFAULTS: ClassVar = {"positive": True, "negative": True}


@irdl_op_definition
class LogicalNotOp(UnaryOp):
    """True where x is false."""

    name = "graph.logical_not"
    ACCEPTS: ClassVar = "truth values"


@irdl_op_definition
class LogicalAndOp(BinaryOp):
    """True where both are."""

    name = "graph.logical_and"
    ACCEPTS: ClassVar = "truth values"


@irdl_op_definition
class LogicalOrOp(BinaryOp):
    """True where one or both are."""

    name = "graph.logical_or"
    ACCEPTS: ClassVar = "truth values"


@irdl_op_definition
class LogicalXorOp(BinaryOp):
    """True where exactly one is."""

    name = "graph.logical_xor"
    ACCEPTS: ClassVar = "truth values"


@irdl_op_definition
class BitwiseNotOp(UnaryOp):
    """Every bit inverted."""

    name = "graph.bitwise_not"
    ACCEPTS: ClassVar = "integers"


@irdl_op_definition
class BitwiseAndOp(BinaryOp):
    """The bits that both have."""

    name = "graph.bitwise_and"
    ACCEPTS: ClassVar = "integers"


@irdl_op_definition
class BitwiseOrOp(BinaryOp):
    """The bits that one or both have."""

    name = "graph.bitwise_or"
    ACCEPTS: ClassVar = "integers"


@irdl_op_definition
class BitwiseXorOp(BinaryOp):
    """The bits that exactly one has."""

    name = "graph.bitwise_xor"
    ACCEPTS: ClassVar = "integers"


@irdl_op_definition
class ShiftLeftOp(BinaryOp):
    """The bits of lhs moved up by rhs places; a count below zero or beyond the width moves all of them out."""

    name = "graph.shift_left"
    ACCEPTS: ClassVar = "integers"


@irdl_op_definition
class ShiftRightOp(BinaryOp):
    """The bits of lhs moved down by rhs places, the sign of a signed number kept (numpy.right_shift, ONNX BitShift).

    A count below zero or beyond the width moves all of them out."""

    name = "graph.shift_right"
    ACCEPTS: ClassVar = "integers"


@irdl_op_definition
class WhereOp(PlainOp):
    """`on` where the condition is true, `off` elsewhere; all three broadcast (numpy.where, ONNX Where)."""

    name = "graph.where"
    condition = operand_def(TensorType)
    on = operand_def(TensorType)
    off = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if element_of(types[0]) != i1:
            raise ShapeError(f"{cls.name} needs a condition of i1, got {element_of(types[0])}")
        element = accept(cls.name, "values", types[1:])
        condition, on, off = (shape_of(type_) for type_ in types)
        return tensor_type(broadcast(condition, broadcast(on, off)), element)
