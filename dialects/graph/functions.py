"""Mathematical functions of one value.

Outside of the domain of a function the result is NaN (IEEE 754-2019, clause 9.2.1).
"""

from __future__ import annotations

from typing import ClassVar

from xdsl.irdl import irdl_op_definition

from neuralc.dialects.graph.elementwise import UnaryOp


@irdl_op_definition
class IdentityOp(UnaryOp):
    """x."""

    name = "graph.identity"
    ACCEPTS: ClassVar = "values"


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
    ACCEPTS: ClassVar = "numbers"


@irdl_op_definition
class AbsOp(UnaryOp):
    """|x|."""

    name = "graph.abs"
    ACCEPTS: ClassVar = "numbers"


@irdl_op_definition
class ErfOp(UnaryOp):
    """The error function."""

    name = "graph.erf"


@irdl_op_definition
class SignOp(UnaryOp):
    """-1, 0 or 1 by the sign of x; NaN stays NaN."""

    name = "graph.sign"
    ACCEPTS: ClassVar = "numbers"


@irdl_op_definition
class CeilOp(UnaryOp):
    """The least integral number that is not below x."""

    name = "graph.ceil"


@irdl_op_definition
class FloorOp(UnaryOp):
    """The largest integral number that is not above x."""

    name = "graph.floor"


@irdl_op_definition
class RoundOp(UnaryOp):
    """The nearest integral number, half-way cases to the even one (IEEE 754 roundToIntegralTiesToEven, ONNX Round)."""

    name = "graph.round"


@irdl_op_definition
class SinOp(UnaryOp):
    """Sine of an angle in radians."""

    name = "graph.sin"


@irdl_op_definition
class CosOp(UnaryOp):
    """Cosine of an angle in radians."""

    name = "graph.cos"


@irdl_op_definition
class TanOp(UnaryOp):
    """Tangent of an angle in radians."""

    name = "graph.tan"


@irdl_op_definition
class AsinOp(UnaryOp):
    """The angle in [-pi/2, pi/2] whose sine is x."""

    name = "graph.asin"


@irdl_op_definition
class AcosOp(UnaryOp):
    """The angle in [0, pi] whose cosine is x."""

    name = "graph.acos"


@irdl_op_definition
class AtanOp(UnaryOp):
    """The angle in [-pi/2, pi/2] whose tangent is x."""

    name = "graph.atan"


@irdl_op_definition
class SinhOp(UnaryOp):
    """(exp(x) - exp(-x)) / 2."""

    name = "graph.sinh"


@irdl_op_definition
class CoshOp(UnaryOp):
    """(exp(x) + exp(-x)) / 2."""

    name = "graph.cosh"


@irdl_op_definition
class AsinhOp(UnaryOp):
    """The number whose sinh is x."""

    name = "graph.asinh"


@irdl_op_definition
class AcoshOp(UnaryOp):
    """The number of at least 0 whose cosh is x."""

    name = "graph.acosh"


@irdl_op_definition
class AtanhOp(UnaryOp):
    """The number whose tanh is x."""

    name = "graph.atanh"
