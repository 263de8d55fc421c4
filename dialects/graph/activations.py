"""Activation functions: layers that keep the shape of their operand and work value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, TensorType
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.elementwise import UnaryOp, accept
from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, format_shape, shape_of


@irdl_op_definition
class ReluOp(UnaryOp):
    """max(x, 0); NaN stays NaN."""

    name = "graph.relu"
    ACCEPTS: ClassVar = "numbers"


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
    """min(max(alpha * x + beta, 0), 1) (ONNX HardSigmoid); the defaults are relu6(x + 3) / 6 (Keras 3)."""

    name = "graph.hard_sigmoid"
    alpha = prop_def(FloatAttr)
    beta = prop_def(FloatAttr)
    DEFAULTS: ClassVar = {"alpha": 1 / 6, "beta": 0.5}


@irdl_op_definition
class HardSwishOp(UnaryOp):
    """x * relu6(x + 3) / 6 (Howard et al. 2019)."""

    name = "graph.hard_swish"


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
        accept(cls.name, "floats", types)
        x, alpha = shape_of(types[0]), shape_of(types[1])
        if len(alpha) > len(x) or broadcast(x, alpha) != x:
            raise ShapeError(f"alpha {format_shape(alpha)} does not broadcast to {format_shape(x)}")
        return types[0]
