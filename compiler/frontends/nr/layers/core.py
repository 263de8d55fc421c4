"""Dense maps, reshaping, activations by name."""

from __future__ import annotations

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.shared import Lowering, known, weight
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound


def dense(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if len(shape) < 2:
        raise ShapeError(f"it needs an axis besides the batch, its input is {shown(x)}")
    units: int = arguments["units"]
    kernel = weight(site, arguments, "kernel", (known(shape[-1], "the last axis"), units), x)
    bias = [weight(site, arguments, "bias", (units,), x)] if arguments["use_bias"] else []
    return activate(site, site.add(graph.DenseOp.of(x, kernel, *bias)), arguments["activation"])


def flatten(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if arguments["data_format"] == "channels_first" and len(shape) > 2:
        # Keras: the order of the result is that of channels last, whatever the input has.
        x = site.add(graph.TransposeOp.of(x, perm=(0, *range(2, len(shape)), 1)), "channels_last")
    result = tensor_type((shape[0], product(shape[1:])), element_of(x.type))
    return site.add(graph.ReshapeOp.of(x, result=result))


def identity(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return site.add(graph.IdentityOp.of(x))


def activation(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return activate(site, x, arguments["activation"])


LOWERINGS: dict[str, Lowering] = {
    "Dense": dense,
    "Output": dense,
    "Flatten": flatten,
    "Identity": identity,
    "Activation": activation,
}
