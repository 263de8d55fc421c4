"""Activation functions as layers, with their parameters."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import f16, i1
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import broadcast, normalize_axis
from neuralc.dialects.types import ShapeError, element_of, shape_of
from neuralc.frontends.nr.activations import APPLY, constant
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound


def relu(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    """Keras: min(x, max_value) where x > threshold, negative_slope * (x - threshold) elsewhere."""
    slope, largest, threshold = (arguments[name] for name in ("negative_slope", "max_value", "threshold"))
    if threshold == 0.0 and largest in (None, 6.0) and (largest is None or slope == 0.0):
        if largest is not None:
            return site.add(graph.Relu6Op.of(x))
        return site.add(graph.LeakyReluOp.of(x, alpha=slope) if slope else graph.ReluOp.of(x))
    if threshold == 0.0:
        y = site.add(graph.LeakyReluOp.of(x, alpha=slope) if slope else graph.ReluOp.of(x))
        return _at_most(site, y, largest)
    limit = constant(site, x, threshold, "threshold")
    below = constant(site, x, 0.0)
    if slope:
        distance = site.add(graph.SubOp.of(x, limit))
        below = site.add(graph.MulOp.of(distance, constant(site, x, slope, "negative_slope")))
    return site.add(graph.WhereOp.of(site.add(graph.GreaterOp.of(x, limit)), _at_most(site, x, largest), below))


def _at_most(site: Site, x: SSAValue, largest: float | None) -> SSAValue:
    if largest is None:
        return x
    return site.add(graph.MinimumOp.of(x, constant(site, x, largest, "max_value")))


def leaky_relu(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    slope = arguments["negative_slope"] if arguments["alpha"] is None else arguments["alpha"]
    return site.add(graph.LeakyReluOp.of(x, alpha=slope))


def prelu(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    sizes = list(shape_of(x.type)[1:])
    for axis in arguments["shared_axes"] or ():
        if axis > len(sizes):
            raise ShapeError(f"shared axis {axis} is outside its input {shown(x)}")
        sizes[axis - 1] = 1
    shape = [known(size, f"axis {axis}, which `shared_axes` does not name,") for axis, size in enumerate(sizes, 1)]
    return site.add(graph.PreluOp.of(x, weight(site, arguments, "alpha", shape, x)))


def threshold(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    above = site.add(graph.GreaterOp.of(x, constant(site, x, arguments["threshold"], "threshold")))
    return site.add(graph.WhereOp.of(above, x, constant(site, x, arguments["value"], "value")))


# --- softmax ---------------------------------------------------------------------------------------------------------
def softmax(site: Site, arguments: Bound, x: SSAValue, mask: SSAValue | None = None) -> SSAValue:
    """Keras: where the mask is false, a large negative number stands for x, and 0 for the result."""
    mask = site.mask(x) if mask is None else mask
    if mask is None:
        return _softmax(site, x, arguments["axis"])
    kept = _as_mask(site, x, mask)
    lowest = constant(site, x, -30000.0 if element_of(x.type) == f16 else -1e9, "masked")
    result = _softmax(site, site.add(graph.WhereOp.of(kept, x, lowest)), arguments["axis"])
    return site.add(graph.WhereOp.of(kept, result, constant(site, x, 0.0)))


def _softmax(site: Site, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    rank = len(shape_of(x.type))
    along = sorted({normalize_axis(axis, rank) for axis in axes})
    if len(along) != len(axes):
        raise ShapeError(f"`axis` names one axis twice: {', '.join(map(str, axes))}")
    if len(along) == 1:
        return site.add(graph.SoftmaxOp.of(x, axis=axes[0]))
    largest = site.add(graph.ReduceOp.of(x, kind="maximum", axes=tuple(along), keepdims=True), "largest")
    powers = site.add(graph.ExpOp.of(site.add(graph.SubOp.of(x, largest))))
    total = site.add(graph.ReduceOp.of(powers, kind="sum", axes=tuple(along), keepdims=True), "total")
    return site.add(graph.DivOp.of(powers, total))


def _as_mask(site: Site, x: SSAValue, mask: SSAValue) -> SSAValue:
    """A mask of truth values; of numbers, those above 0.5 are true. Raises ShapeError where it does not broadcast."""
    shape, places = shape_of(x.type), shape_of(mask.type)
    try:
        fits = broadcast(shape, places) == shape
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(f"its mask {shown(mask)} does not broadcast to {shown(x)}")
    if element_of(mask.type) == i1:
        return mask
    return site.add(graph.GreaterOp.of(mask, constant(site, mask, 0.5)), "mask")


def _function(name: str, **renamed: str) -> Lowering:
    """An activation layer whose parameters are those of the function; `renamed` says what they are called there."""

    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        return APPLY[name](site, x, **{ours: arguments[theirs] for ours, theirs in renamed.items()})

    return lower


LOWERINGS: dict[str, Lowering] = {
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "PReLU": prelu,
    "ELU": _function("elu", alpha="alpha"),
    "CELU": _function("celu", alpha="alpha"),
    "SELU": _function("selu"),
    "GELU": _function("gelu", approximate="approximate"),
    "SiLU": _function("silu"),
    "Mish": _function("mish"),
    "Sigmoid": _function("sigmoid"),
    "LogSigmoid": _function("log_sigmoid"),
    "Tanh": _function("tanh"),
    "Softmax": softmax,
    "LogSoftmax": _function("log_softmax", axis="axis"),
    "Softplus": _function("softplus"),
    "Softsign": _function("softsign"),
    "HardSigmoid": _function("hard_sigmoid"),
    "HardSwish": _function("hard_swish"),
    "ReLU6": _function("relu6"),
    "Hardtanh": _function("hard_tanh", min_val="min_val", max_val="max_val"),
    "Hardshrink": _function("hard_shrink", threshold="lambd"),
    "Softshrink": _function("soft_shrink", threshold="lambd"),
    "Tanhshrink": _function("tanh_shrink"),
    "Threshold": threshold,
    "GLU": _function("glu", axis="axis"),
    "Exponential": _function("exponential"),
    "Linear": _function("linear"),
}
