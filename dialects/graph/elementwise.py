"""Elementwise ops of the graph level: unary functions, and binary ones with numpy's broadcasting.

Each class states its definition; shapes are those of the operand, or of the broadcast operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, element_of, format_shape, is_float, shape_of, tensor_type


class UnaryOp(PlainOp):
    """A function of one operand, value by value."""

    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        if cls is not IdentityOp and not is_float(element_of(types[0])) and cls not in (NegOp, AbsOp, ReluOp):
            raise ShapeError(f"{cls.name} needs floats, got {element_of(types[0])}")
        return types[0]


class BinaryOp(PlainOp):
    """A function of two operands of one element type, broadcast to a common shape."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = element_of(types[0])
        if element_of(types[1]) != element:
            raise ShapeError(f"{cls.name}: operands are of types {element} and {element_of(types[1])}")
        return tensor_type(broadcast(shape_of(types[0]), shape_of(types[1])), element)


@irdl_op_definition
class ReluOp(UnaryOp):
    """max(x, 0); NaN stays NaN."""

    name = "graph.relu"


@irdl_op_definition
class Relu6Op(UnaryOp):
    """min(max(x, 0), 6)."""

    name = "graph.relu6"


@irdl_op_definition
class LeakyReluOp(UnaryOp):
    """x where x >= 0, alpha * x elsewhere (Keras LeakyReLU, negative_slope)."""

    name = "graph.leaky_relu"
    alpha = prop_def(FloatAttr)
    DEFAULTS: ClassVar = {"alpha": 0.3}


@irdl_op_definition
class EluOp(UnaryOp):
    """x where x > 0, alpha * (exp(x) - 1) elsewhere (Clevert et al. 2015)."""

    name = "graph.elu"
    alpha = prop_def(FloatAttr)
    DEFAULTS: ClassVar = {"alpha": 1.0}


@irdl_op_definition
class SeluOp(UnaryOp):
    """scale * elu(x, alpha) with the constants of Klambauer et al. 2017."""

    name = "graph.selu"


@irdl_op_definition
class GeluOp(UnaryOp):
    """x * Phi(x); with `approximate` the tanh form of Hendrycks and Gimpel 2016."""

    name = "graph.gelu"
    approximate = prop_def(IntegerAttr)
    DEFAULTS: ClassVar = {"approximate": False}


@irdl_op_definition
class SiluOp(UnaryOp):
    """x * sigmoid(x) (swish)."""

    name = "graph.silu"


@irdl_op_definition
class MishOp(UnaryOp):
    """x * tanh(softplus(x)) (Misra 2019)."""

    name = "graph.mish"


@irdl_op_definition
class SigmoidOp(UnaryOp):
    """1 / (1 + exp(-x))."""

    name = "graph.sigmoid"


@irdl_op_definition
class TanhOp(UnaryOp):
    """Hyperbolic tangent."""

    name = "graph.tanh"


@irdl_op_definition
class SoftplusOp(UnaryOp):
    """log(1 + exp(x)), computed without overflow."""

    name = "graph.softplus"


@irdl_op_definition
class SoftsignOp(UnaryOp):
    """x / (1 + |x|)."""

    name = "graph.softsign"


@irdl_op_definition
class HardSigmoidOp(UnaryOp):
    """relu6(x + 3) / 6 (Keras 3)."""

    name = "graph.hard_sigmoid"


@irdl_op_definition
class HardSwishOp(UnaryOp):
    """x * relu6(x + 3) / 6 (Howard et al. 2019)."""

    name = "graph.hard_swish"


@irdl_op_definition
class ExpOp(UnaryOp):
    """e to the power of x."""

    name = "graph.exp"


@irdl_op_definition
class LogOp(UnaryOp):
    """Natural logarithm."""

    name = "graph.log"


@irdl_op_definition
class SqrtOp(UnaryOp):
    """Square root."""

    name = "graph.sqrt"


@irdl_op_definition
class RsqrtOp(UnaryOp):
    """1 / sqrt(x)."""

    name = "graph.rsqrt"


@irdl_op_definition
class NegOp(UnaryOp):
    """-x."""

    name = "graph.neg"


@irdl_op_definition
class AbsOp(UnaryOp):
    """|x|."""

    name = "graph.abs"


@irdl_op_definition
class ErfOp(UnaryOp):
    """The error function."""

    name = "graph.erf"


@irdl_op_definition
class IdentityOp(UnaryOp):
    """x."""

    name = "graph.identity"


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
    """lhs / rhs."""

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
class PreluOp(PlainOp):
    """x where x >= 0, alpha * x elsewhere; alpha is a weight that broadcasts over the leading dims (Keras PReLU)."""

    name = "graph.prelu"
    x = operand_def(TensorType)
    alpha = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        x, alpha = shape_of(types[0]), shape_of(types[1])
        if len(alpha) > len(x) or broadcast(x, alpha) != x:
            raise ShapeError(f"alpha {format_shape(alpha)} does not broadcast to {format_shape(x)}")
        return types[0]


def _all(base: type[PlainOp]) -> list[type[PlainOp]]:
    return sorted(base.__subclasses__(), key=lambda op: op.name)


UNARY: list[type[PlainOp]] = _all(UnaryOp)
BINARY: list[type[PlainOp]] = _all(BinaryOp)
