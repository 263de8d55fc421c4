"""Arithmetic of two values, with numpy's broadcasting.

Integers wrap around; an integer divided by zero is an error of the run (E0911).
"""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from neuralc.dialects.graph.elementwise import BinaryOp


@irdl_op_definition
class AddOp(BinaryOp):
    """lhs + rhs."""

    name = "graph.add"


@irdl_op_definition
class SubOp(BinaryOp):
    """lhs - rhs."""

    name = "graph.sub"


@irdl_op_definition
class MulOp(BinaryOp):
    """lhs * rhs."""

    name = "graph.mul"


@irdl_op_definition
class DivOp(BinaryOp):
    """lhs / rhs; of integers the quotient truncated toward zero (C, ONNX Div)."""

    name = "graph.div"


@irdl_op_definition
class MaximumOp(BinaryOp):
    """The larger; NaN wins."""

    name = "graph.maximum"


@irdl_op_definition
class MinimumOp(BinaryOp):
    """The smaller; NaN wins."""

    name = "graph.minimum"


@irdl_op_definition
class PowOp(BinaryOp):
    """lhs to the power of rhs (ONNX Pow of operands of one type).

    Of integers it wraps around like the repeated product; a negative power is the reciprocal truncated toward zero:
    0 but for bases 1 and -1 (a base of 0 gives 0)."""

    name = "graph.pow"


@irdl_op_definition
class RemainderOp(BinaryOp):
    """lhs - rhs * floor(lhs / rhs): the remainder with the sign of the divisor (numpy.remainder, ONNX Mod)."""

    name = "graph.remainder"


@irdl_op_definition
class FmodOp(BinaryOp):
    """lhs - rhs * trunc(lhs / rhs): the remainder with the sign of the dividend (C fmod, ONNX Mod with fmod=1)."""

    name = "graph.fmod"
