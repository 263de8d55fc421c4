"""Functions value by value, in numpy: arithmetic, mathematical functions, activations."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation

from neuralc.dialects import graph
from neuralc.dialects.interp.evaluator import Evaluator, Semantics
from neuralc.dialects.interp.graph.forms import from_operands, with_properties
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.interp.tensor import DIVISION_BY_ZERO
from neuralc.dialects.scalar import FUNCTIONS
from neuralc.grammar.diagnostics import error

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _divides(name: str) -> Semantics:
    """A quotient or remainder of the scalar table. Raises E0911 where integers are divided by zero."""

    def evaluate(evaluator: Evaluator, op: Operation, lhs: Array, rhs: Array) -> Array:
        if np.issubdtype(rhs.dtype, np.integer) and lhs.size and not np.all(rhs):
            raise error(*DIVISION_BY_ZERO)
        return np.remainder(lhs, rhs) if name == "remainder" else FUNCTIONS[name].evaluate(lhs, rhs)

    return evaluate


def _relu6(x: Array) -> Array:
    return np.minimum(np.maximum(x, 0.0), 6.0)


def _hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    return np.minimum(np.maximum(alpha * x + beta, 0.0), 1.0)


def _sigmoid(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, 0.0)


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _erf(x: Array) -> Array:
    return FUNCTIONS["erf"].evaluate(x)


def _gelu(x: Array, approximate: bool) -> Array:
    if approximate:
        return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))
    return np.asarray(0.5 * x * (1.0 + _erf(x / np.sqrt(2.0))))


def _leaky(x: Array, alpha: Array | float) -> Array:
    return np.where(x >= 0, x, alpha * x)


SEMANTICS: dict[type[Operation], Semantics] = {
    graph.AbsOp: from_operands(np.abs),
    graph.AcosOp: from_operands(np.arccos),
    graph.AcoshOp: from_operands(np.arccosh),
    graph.AddOp: from_operands(np.add),
    graph.AsinOp: from_operands(np.arcsin),
    graph.AsinhOp: from_operands(np.arcsinh),
    graph.AtanOp: from_operands(np.arctan),
    graph.AtanhOp: from_operands(np.arctanh),
    graph.CeilOp: from_operands(np.ceil),
    graph.CosOp: from_operands(np.cos),
    graph.CoshOp: from_operands(np.cosh),
    graph.DivOp: _divides("div"),
    graph.EluOp: with_properties(_elu, "alpha"),
    graph.ErfOp: from_operands(_erf),
    graph.ExpOp: from_operands(np.exp),
    graph.FloorOp: from_operands(np.floor),
    graph.FmodOp: _divides("rem"),
    graph.GeluOp: with_properties(_gelu, "approximate"),
    graph.HardSigmoidOp: with_properties(_hard_sigmoid, "alpha", "beta"),
    graph.HardSwishOp: from_operands(lambda x: x * _relu6(x + 3.0) / 6.0),
    graph.IdentityOp: from_operands(lambda x: x),
    graph.LeakyReluOp: with_properties(_leaky, "alpha"),
    graph.LogOp: from_operands(np.log),
    graph.MaximumOp: from_operands(np.maximum),
    graph.MinimumOp: from_operands(np.minimum),
    graph.MishOp: from_operands(lambda x: x * np.tanh(_softplus(x))),
    graph.MulOp: from_operands(np.multiply),
    graph.NegOp: from_operands(np.negative),
    graph.PowOp: from_operands(FUNCTIONS["pow"].evaluate),
    graph.PreluOp: from_operands(_leaky),
    graph.Relu6Op: from_operands(_relu6),
    graph.ReluOp: from_operands(lambda x: np.maximum(x, 0)),
    graph.RemainderOp: _divides("remainder"),
    graph.RoundOp: from_operands(np.rint),
    graph.RsqrtOp: from_operands(lambda x: 1.0 / np.sqrt(x)),
    graph.SeluOp: from_operands(lambda x: SELU_SCALE * _elu(x, SELU_ALPHA)),
    graph.SigmoidOp: from_operands(_sigmoid),
    graph.SignOp: from_operands(np.sign),
    graph.SiluOp: from_operands(lambda x: x * _sigmoid(x)),
    graph.SinOp: from_operands(np.sin),
    graph.SinhOp: from_operands(np.sinh),
    graph.SoftplusOp: from_operands(_softplus),
    graph.SoftsignOp: from_operands(lambda x: x / (1.0 + np.abs(x))),
    graph.SqrtOp: from_operands(np.sqrt),
    graph.SubOp: from_operands(np.subtract),
    graph.TanOp: from_operands(np.tan),
    graph.TanhOp: from_operands(np.tanh),
    **dict.fromkeys(graph.derived(graph.TrainingOp), from_operands(lambda x: x)),
}
