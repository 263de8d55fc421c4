"""Activation functions as layers."""

from __future__ import annotations

from neuralc.grammar.parameters import Flag, Optional, Parameter, Real, Several, Whole
from neuralc.grammar.signatures.base import INITIALIZER, ONE, Inputs, Signature, constraint, p, regularizer


def _activation(
    name: str,
    doc: str,
    *parameters: Parameter,
    source: str | None = None,
    aliases: tuple[str, ...] = (),
    inputs: Inputs = ONE,
    shapes: str = "any -> the same",
    arguments: str = "",
) -> Signature:
    return Signature(
        name,
        parameters,
        source or f"Keras 3 {name}",
        doc,
        aliases,
        inputs=inputs,
        shapes=shapes,
        masking="keep",
        example=f"input: (16) layers: Dense(8) {name}({arguments}) Dense(3)",
    )


_AXIS = "the axis, or the axes, that sum to 1"

SIGNATURES: tuple[Signature, ...] = (
    _activation(
        "ReLU",
        "min(x, max_value) where x > threshold, negative_slope * (x - threshold) elsewhere",
        p("max_value", Optional(Real(0)), None, "largest result"),
        p("negative_slope", Real(0), 0.0, "slope up to the threshold"),
        p("threshold", Real(0), 0.0, "where values begin to pass"),
    ),
    _activation(
        "LeakyReLU",
        "x where x >= 0, negative_slope * x elsewhere",
        p("negative_slope", Real(0), 0.3, "slope below 0"),
        p("alpha", Optional(Real(0)), None, "the former name of negative_slope"),
    ),
    _activation(
        "PReLU",
        "x where x >= 0, alpha * x elsewhere; alpha is learned",
        p("alpha_initializer", INITIALIZER, "zeros", "how untrained slopes start"),
        regularizer("alpha"),
        constraint("alpha"),
        p("shared_axes", Optional(Several(Whole(1))), None, "axes along which alpha is shared; the batch is axis 0"),
    ),
    _activation("ELU", "x where x > 0, alpha * (exp(x) - 1) elsewhere", p("alpha", Real(0), 1.0, "scale below 0")),
    _activation(
        "CELU",
        "x where x > 0, alpha * (exp(x / alpha) - 1) elsewhere",
        p("alpha", Real(0, open_low=True), 1.0, "scale below 0"),
        source="keras.activations.celu",
    ),
    _activation("SELU", "scaled ELU of Klambauer et al. 2017", source="keras.activations.selu"),
    _activation(
        "GELU", "x * Phi(x)", p("approximate", Flag(), False, "use the tanh form"), source="keras.activations.gelu"
    ),
    _activation("SiLU", "x * sigmoid(x)", source="keras.activations.silu", aliases=("Swish",)),
    _activation("Mish", "x * tanh(softplus(x))", source="keras.activations.mish"),
    _activation("Sigmoid", "1 / (1 + exp(-x))", source="keras.activations.sigmoid"),
    _activation("LogSigmoid", "log(1 / (1 + exp(-x)))", source="keras.activations.log_sigmoid"),
    _activation("Tanh", "hyperbolic tangent", source="keras.activations.tanh"),
    _activation(
        "Softmax",
        "exp(x) / sum(exp(x)) along an axis; 0 where the mask is false",
        p("axis", Several(Whole()), (-1,), _AXIS),
        inputs=Inputs(("x",), ("mask",)),
        shapes="any, a mask that broadcasts to it -> the same",
    ),
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
    _activation("ReLU6", "min(max(x, 0), 6)", source="keras.activations.relu6"),
    _activation(
        "Hardtanh",
        "min(max(x, min_val), max_val)",
        p("min_val", Real(), -1.0, "least result"),
        p("max_val", Real(), 1.0, "largest result"),
        source="PyTorch Hardtanh",
    ),
    _activation(
        "Hardshrink",
        "0 where |x| <= lambd, x elsewhere",
        p("lambd", Real(0), 0.5, "largest value that becomes 0"),
        source="PyTorch Hardshrink",
    ),
    _activation(
        "Softshrink",
        "x moved toward 0 by lambd, no further than 0",
        p("lambd", Real(0), 0.5, "how far values move"),
        source="PyTorch Softshrink",
    ),
    _activation("Tanhshrink", "x - tanh(x)", source="PyTorch Tanhshrink"),
    _activation(
        "Threshold",
        "x where x > threshold, value elsewhere",
        Parameter("threshold", Real(), doc="where values begin to pass"),
        Parameter("value", Real(), doc="the result elsewhere"),
        source="PyTorch Threshold",
        arguments="0.1, 20",
    ),
    _activation(
        "GLU",
        "the first half along an axis, times the sigmoid of the second (Dauphin et al. 2017)",
        p("axis", Whole(), -1, "the axis that is halved; its size is even"),
        source="keras.activations.glu",
        shapes="(batch, ..., 2 n, ...) -> (batch, ..., n, ...)",
    ),
    _activation("Exponential", "exp(x)", source="keras.activations.exponential"),
    _activation("Linear", "x", source="keras.activations.linear"),
)
