"""Activation functions as layers."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound


def prelu(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    sizes = list(shape_of(x.type)[1:])
    for axis in arguments["shared_axes"] or ():
        if axis > len(sizes):
            raise ShapeError(f"shared axis {axis} is outside its input {shown(x)}")
        sizes[axis - 1] = 1
    alpha = weight(site, arguments, "alpha", [known(size, "a size") for size in sizes], x)
    return site.add(graph.PreluOp.of(x, alpha))


def relu(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    slope, largest = arguments["negative_slope"], arguments["max_value"]
    if slope == 0.0 and largest == 6.0:
        return site.add(graph.Relu6Op.of(x))
    y = site.add(graph.LeakyReluOp.of(x, alpha=slope) if slope else graph.ReluOp.of(x))
    if largest is None:
        return y
    bound = site.add(graph.ConstantOp.of(result=tensor_type((), element_of(x.type)), value=largest), "max_value")
    return site.add(graph.MinimumOp.of(y, bound))


def _function(name: str, properties: Sequence[tuple[str, str]] = ()) -> Lowering:
    """An activation layer: `properties` pairs a property of the op with the parameter that gives it."""

    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        return activate(site, x, name, {prop: arguments[parameter] for prop, parameter in properties})

    return lower


LOWERINGS: dict[str, Lowering] = {
    "ReLU": relu,
    "LeakyReLU": _function("leaky_relu", (("alpha", "negative_slope"),)),
    "PReLU": prelu,
    "ELU": _function("elu", (("alpha", "alpha"),)),
    "SELU": _function("selu"),
    "GELU": _function("gelu", (("approximate", "approximate"),)),
    "SiLU": _function("silu"),
    "Mish": _function("mish"),
    "Sigmoid": _function("sigmoid"),
    "Tanh": _function("tanh"),
    "Softmax": _function("softmax", (("axis", "axis"),)),
    "LogSoftmax": _function("log_softmax", (("axis", "axis"),)),
    "Softplus": _function("softplus"),
    "Softsign": _function("softsign"),
    "HardSigmoid": _function("hard_sigmoid"),
    "HardSwish": _function("hard_swish"),
    "Exponential": _function("exponential"),
    "Linear": _function("linear"),
}
