"""The activations of recurrent layers as nodes, for layers that are written as a Scan."""

from __future__ import annotations

from neuralc.dialects.graph.recurrent import Activation
from neuralc.dialects.interp.graph.elementwise import SELU_ALPHA, SELU_SCALE
from neuralc.emit.onnx.values import Values

PLAIN = {
    "exp": "Exp", "identity": "Identity", "relu": "Relu", "sigmoid": "Sigmoid", "softplus": "Softplus",
    "softsign": "Softsign", "tanh": "Tanh",
}  # fmt: skip
"""Those without numbers that one operator says."""


def apply(values: Values, function: Activation, x: str) -> str:
    """The value of an activation; its numbers are constants of the type of x."""
    name, numbers = function.name, [values.like(number, x) for number in function.numbers]
    zero, one = values.like(0, x), values.like(1, x)
    if name in PLAIN:
        return values.carried(PLAIN[name], x)
    match name, numbers:
        case "affine", [alpha, beta]:
            return values("Add", values("Mul", alpha, x), beta)
        case "hard_sigmoid", [alpha, beta]:
            return values("Clip", values("Add", values("Mul", alpha, x), beta), zero, one)
        case "scaled_tanh", [alpha, beta]:
            return values("Mul", alpha, values("Tanh", values("Mul", beta, x)))
        case "leaky_relu", [alpha]:
            return values.choose(values.test("GreaterOrEqual", x, zero), x, values("Mul", alpha, x))
        case "thresholded_relu", [alpha]:
            return values.choose(values.test("Greater", x, alpha), x, zero)
        case "elu", [alpha]:
            return elu(values, x, alpha)
        case "selu", _:
            return values("Mul", elu(values, x, values.like(SELU_ALPHA, x)), values.like(SELU_SCALE, x))
        case "silu", _:
            return values("Mul", x, values("Sigmoid", x))
        case "gelu", _:
            whole = values("Add", one, values("Erf", values("Mul", x, values.like(0.5**0.5, x))))
            return values("Mul", values("Mul", x, values.like(0.5, x)), whole)
        case _:
            raise LookupError(f"the activation {function}")


def elu(values: Values, x: str, alpha: str) -> str:
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""
    zero = values.like(0, x)
    below = values("Sub", values("Exp", values("Min", x, zero)), values.like(1, x))
    return values.choose(values.test("Greater", x, zero), x, values("Mul", below, alpha))
