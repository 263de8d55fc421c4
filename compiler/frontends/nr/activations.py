"""Activation functions by their Keras names: how each is written in ops of the graph level.

`activate` applies one by its name, with the defaults of `keras.activations`; layers that take their parameters call
`APPLY` themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import DimsAttr, ShapeError, element_of, element_type_of, shape_of, tensor_type
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.activation_kind import ActivationLayer

Function: TypeAlias = Callable[..., SSAValue]
"""`f(site, x, **parameters)` gives the result."""


def activate(site: Site, x: SSAValue, activation: str | ActivationLayer | None) -> SSAValue:
    """Applies the activation of a layer; None and `linear` leave the value as it is."""
    if activation is None or activation == "linear":
        return x
    if isinstance(activation, ActivationLayer):
        return site.layer("activation", activation.name, x, **activation.arguments)
    return APPLY[activation](site, x)


def constant(site: Site, like: SSAValue, value: float, name: str = "") -> SSAValue:
    """A number of the element type of a value."""
    return site.add(graph.ConstantOp.of(result=tensor_type((), element_of(like.type)), value=value), name)


def _op(name: str, op: type[PlainOp], **defaults: Any) -> Function:
    def apply(site: Site, x: SSAValue, **properties: Any) -> SSAValue:
        return site.add(op.of(x, **{**defaults, **properties}), name)

    return apply


def clip(site: Site, x: SSAValue, low: float, high: float) -> SSAValue:
    """min(max(x, low), high)."""
    above = site.add(graph.MaximumOp.of(x, constant(site, x, low, "low")))
    return site.add(graph.MinimumOp.of(above, constant(site, x, high, "high")))


# --- functions of each value -----------------------------------------------------------------------------------------
def celu(site: Site, x: SSAValue, alpha: float = 1.0) -> SSAValue:
    """max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0) (Barron 2017)."""
    if alpha == 1.0:
        return site.add(graph.EluOp.of(x, alpha=1.0), "celu")
    scale = constant(site, x, alpha, "alpha")
    scaled = site.add(graph.EluOp.of(site.add(graph.DivOp.of(x, scale)), alpha=1.0))
    positive = site.add(graph.GreaterOp.of(x, constant(site, x, 0.0)))
    return site.add(graph.WhereOp.of(positive, x, site.add(graph.MulOp.of(scaled, scale))), "celu")


def hard_tanh(site: Site, x: SSAValue, min_val: float = -1.0, max_val: float = 1.0) -> SSAValue:
    return clip(site, x, min_val, max_val)


def hard_shrink(site: Site, x: SSAValue, threshold: float = 0.5) -> SSAValue:
    """0 where |x| <= threshold, x elsewhere."""
    limit = constant(site, x, threshold, "threshold")
    small = site.add(graph.LessEqualOp.of(site.add(graph.AbsOp.of(x)), limit))
    return site.add(graph.WhereOp.of(small, constant(site, x, 0.0), x), "hard_shrink")


def soft_shrink(site: Site, x: SSAValue, threshold: float = 0.5) -> SSAValue:
    """x moved toward 0 by the threshold, no further than 0."""
    return site.add(graph.SubOp.of(x, clip(site, x, -threshold, threshold)), "soft_shrink")


def tanh_shrink(site: Site, x: SSAValue) -> SSAValue:
    return site.add(graph.SubOp.of(x, site.add(graph.TanhOp.of(x))), "tanh_shrink")


def log_sigmoid(site: Site, x: SSAValue) -> SSAValue:
    """log(1 / (1 + exp(-x))) = -softplus(-x)."""
    return site.add(graph.NegOp.of(site.add(graph.SoftplusOp.of(site.add(graph.NegOp.of(x))))), "log_sigmoid")


def sparse_plus(site: Site, x: SSAValue) -> SSAValue:
    """0 up to -1, (x + 1)^2 / 4 up to 1, x beyond."""
    one = constant(site, x, 1.0, "one")
    raised = site.add(graph.AddOp.of(site.add(graph.MaximumOp.of(x, site.add(graph.NegOp.of(one)))), one))
    quarter = site.add(graph.MulOp.of(site.add(graph.MulOp.of(raised, raised)), constant(site, x, 0.25, "quarter")))
    return site.add(graph.WhereOp.of(site.add(graph.LessOp.of(x, one)), quarter, x), "sparse_plus")


def squareplus(site: Site, x: SSAValue, b: float = 4.0) -> SSAValue:
    """(x + sqrt(x^2 + b)) / 2 (Barron 2021)."""
    square = site.add(graph.AddOp.of(site.add(graph.MulOp.of(x, x)), constant(site, x, b, "b")))
    total = site.add(graph.AddOp.of(x, site.add(graph.SqrtOp.of(square))))
    return site.add(graph.MulOp.of(total, constant(site, x, 0.5, "half")), "squareplus")


# --- functions along an axis -----------------------------------------------------------------------------------------
def glu(site: Site, x: SSAValue, axis: int = -1) -> SSAValue:
    """The first half along the axis, times the sigmoid of the second (Dauphin et al. 2017)."""
    shape = shape_of(x.type)
    axis = normalize_axis(axis, len(shape))
    size = shape[axis]
    if not isinstance(size, int) or size % 2:
        raise ShapeError(f"the gated axis {axis} of {shown(x)} is no even number")
    half = tensor_type([size // 2 if i == axis else n for i, n in enumerate(shape)], element_of(x.type))
    first, second = (
        site.add(
            graph.SliceOp.of(
                x,
                result=half,
                starts=DimsAttr(tuple(as_dim(start if i == axis else 0) for i in range(len(shape)))),
                steps=(1,) * len(shape),
            )
        )
        for start in (0, size // 2)
    )
    return site.add(graph.MulOp.of(first, site.add(graph.SigmoidOp.of(second))), "glu")


def sparsemax(site: Site, x: SSAValue, axis: int = -1) -> SSAValue:
    """max(x - tau, 0), tau such that the result sums to 1 along the axis (Martins and Astudillo 2016, algorithm 1).

    Keras 3.15 adds up the cumulative sums of the support for tau, so that its result sums to less than 1; here tau is
    the paper's.
    """
    shape, element = shape_of(x.type), element_of(x.type)
    axis = normalize_axis(axis, len(shape))
    size = as_dim(shape[axis])
    ordered = site.add(graph.TopKOp.of(x, k=DimsAttr((size,)), axis=axis), "sorted")
    total = site.add(graph.CumulateOp.of(ordered, kind="sum", axis=axis))
    excess = site.add(graph.SubOp.of(total, constant(site, x, 1.0, "one")))
    ranks = site.add(graph.IotaOp.of(result=tensor_type((size,), _INDEX)))
    ranks = site.add(graph.CastOp.of(ranks, result=tensor_type((size,), element)))
    along = tensor_type([shape[axis] if i == axis else 1 for i in range(len(shape))], element)
    ranks = site.add(graph.ReshapeOp.of(site.add(graph.AddOp.of(ranks, constant(site, x, 1.0))), result=along), "ranks")
    # Of the means (sum - 1) / rank the support has those below its values; tau is the largest of all.
    means = site.add(graph.DivOp.of(excess, ranks), "means")
    tau = site.add(graph.ReduceOp.of(means, kind="maximum", axes=(axis,), keepdims=True), "tau")
    return site.add(graph.ReluOp.of(site.add(graph.SubOp.of(x, tau))), "sparsemax")


_INDEX = element_type_of("int64")

APPLY: Mapping[str, Function] = {
    "relu": _op("relu", graph.ReluOp),
    "relu6": _op("relu6", graph.Relu6Op),
    "leaky_relu": _op("leaky_relu", graph.LeakyReluOp, alpha=0.2),
    "elu": _op("elu", graph.EluOp, alpha=1.0),
    "celu": celu,
    "selu": _op("selu", graph.SeluOp),
    "gelu": _op("gelu", graph.GeluOp, approximate=False),
    "silu": _op("silu", graph.SiluOp),
    "mish": _op("mish", graph.MishOp),
    "sigmoid": _op("sigmoid", graph.SigmoidOp),
    "hard_sigmoid": _op("hard_sigmoid", graph.HardSigmoidOp),
    "sparse_sigmoid": _op("sparse_sigmoid", graph.HardSigmoidOp, alpha=0.5, beta=0.5),
    "log_sigmoid": log_sigmoid,
    "tanh": _op("tanh", graph.TanhOp),
    "hard_tanh": hard_tanh,
    "tanh_shrink": tanh_shrink,
    "soft_shrink": soft_shrink,
    "hard_shrink": hard_shrink,
    "softmax": _op("softmax", graph.SoftmaxOp, axis=-1),
    "log_softmax": _op("log_softmax", graph.LogSoftmaxOp, axis=-1),
    "sparsemax": sparsemax,
    "softplus": _op("softplus", graph.SoftplusOp),
    "sparse_plus": sparse_plus,
    "squareplus": squareplus,
    "softsign": _op("softsign", graph.SoftsignOp),
    "hard_swish": _op("hard_swish", graph.HardSwishOp),
    "glu": glu,
    "exponential": _op("exponential", graph.ExpOp),
    "linear": _op("linear", graph.IdentityOp),
}
"""Every name of `grammar.activation_kind.ACTIVATIONS`."""
