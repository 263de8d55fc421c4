"""Activation functions as layers."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, NotYet, Optional, Parameter, Real, Several, Whole
from neuralc.grammar.signatures.base import INITIALIZER, Signature, constraint, p, regularizer


def _activation(name: str, doc: str, *parameters: Parameter, source: str | None = None, aliases: tuple[str, ...] = ()
                ) -> Signature:  # fmt: skip
    return Signature(name, parameters, source or f"Keras 3 {name}", doc, aliases)


SIGNATURES: tuple[Signature, ...] = (
    _activation(
        "ReLU",
        "max(x, 0)",
        p("max_value", Optional(Real(0)), None, "largest result"),
        p("negative_slope", Real(0), 0.0, "slope below 0"),
        Parameter("threshold", NotYet(0), 0),
    ),
    _activation(
        "LeakyReLU", "x where x >= 0, negative_slope * x elsewhere", p("negative_slope", Real(0), 0.3, "slope")
    ),
    _activation(
        "PReLU",
        "x where x >= 0, alpha * x elsewhere; alpha is learned",
        p("alpha_initializer", INITIALIZER, "zeros"),
        regularizer("alpha"),
        constraint("alpha"),
        p("shared_axes", Optional(Several(Whole(1))), None, "axes along which alpha is shared; the batch is axis 0"),
    ),
    _activation("ELU", "x where x > 0, alpha * (exp(x) - 1) elsewhere", p("alpha", Real(0), 1.0, "scale below 0")),
    _activation("SELU", "scaled ELU of Klambauer et al. 2017", source="keras.activations.selu"),
    _activation(
        "GELU",
        "x * Phi(x)",
        p("approximate", Flag(), False, "use the tanh form"),
        source="keras.activations.gelu",
    ),
    _activation("SiLU", "x * sigmoid(x)", source="keras.activations.silu", aliases=("Swish",)),
    _activation("Mish", "x * tanh(softplus(x))", source="keras.activations.mish"),
    _activation("Sigmoid", "1 / (1 + exp(-x))", source="keras.activations.sigmoid"),
    _activation("Tanh", "hyperbolic tangent", source="keras.activations.tanh"),
    _activation("Softmax", "exp(x) / sum(exp(x)) along an axis", p("axis", Whole(), -1, "the axis that sums to 1")),
    _activation(
        "LogSoftmax",
        "logarithm of softmax",
        p("axis", Whole(), -1, "the axis whose exponentials sum to 1"),
        source="keras.activations.log_softmax",
    ),
    _activation("Softplus", "log(1 + exp(x))", source="keras.activations.softplus"),
    _activation("Softsign", "x / (1 + |x|)", source="keras.activations.softsign"),
    _activation("HardSigmoid", "relu6(x + 3) / 6", source="keras.activations.hard_sigmoid"),
    _activation("HardSwish", "x * relu6(x + 3) / 6", source="keras.activations.hard_silu", aliases=("HardSiLU",)),
    _activation("Exponential", "exp(x)", source="keras.activations.exponential"),
    _activation("Linear", "x", source="keras.activations.linear"),
)
