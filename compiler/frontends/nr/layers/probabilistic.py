"""ProbabilisticDense: a dense map whose weights are normal distributions (Blundell et al. 2015).

    w = mean + log(1 + exp(rho)) * noise

The noise is drawn in training, and for the keys that are given; without a key the model uses the means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from zlib import crc32

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import product
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.random_bits import normals
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.values import reshape, same
from neuralc.frontends.nr.site import Site, shown
from neuralc.grammar.binding import Bound


def probabilistic_dense(site: Site, arguments: Bound, x: SSAValue, key: SSAValue | None = None) -> SSAValue:
    shape = shape_of(x.type)
    if len(shape) < 2:
        raise ShapeError(f"it needs features besides the batch, its input is {shown(x)}")
    units: int = arguments["units"]
    weights = [Weight(site, arguments, "kernel", (known(shape[-1], "the last axis"), units), x)]
    if arguments["use_bias"]:
        weights.append(Weight(site, arguments, "bias", (units,), x))
    if key is None:
        result = site.add(graph.DenseOp.of(x, *(each.trained() for each in weights)))
        return activate(site, result, arguments["activation"])
    key = _keys(site, key, x)
    kernel, *bias = (each.drawn(key) for each in weights)
    wide = reshape(site, x, (shape[0], product(shape[1:-1]), shape[-1]), "x")
    result = site.add(graph.MatmulOp.of(wide, kernel), "drawn")
    for drawn in bias:
        result = site.add(graph.AddOp.of(result, reshape(site, drawn, (shape[0], 1, units), "bias")), "drawn")
    return activate(site, reshape(site, result, (*shape[:-1], units)), arguments["activation"])


class Weight:
    """A weight of which each number is a normal distribution."""

    def __init__(self, site: Site, arguments: Bound, name: str, shape: Sequence[int], like: SSAValue) -> None:
        self.site, self.name, self.shape = site, name, tuple(shape)
        self.mean = site.weight(f"{name}_mean", shape, like, arguments[f"{name}_initializer"])
        rho = site.weight(f"{name}_rho", shape, like, arguments["rho_initializer"])
        self.deviation = site.add(graph.SoftplusOp.of(rho), f"{name}_deviation")
        self.stream = arguments["stream"]

    def trained(self) -> SSAValue:
        """The mean, and in training with noise of the deviation."""
        zeros = graph.ConstantOp.of(result=tensor_type(self.shape, element_of(self.mean.type)), value=0.0)
        noise = self.site.layer("noise", "GaussianNoise", self.site.add(zeros, "noise"), stddev=1.0)
        return self._with(noise)

    def drawn(self, key: SSAValue) -> SSAValue:
        """[batch, *shape]: the weight of each member of the batch."""
        noise = normals(
            self.site.sub(self.name), key, math.prod(self.shape), self._stream(), element_of(self.mean.type)
        )
        return self._with(reshape(self.site, noise, (*shape_of(key.type), *self.shape), "noise"))

    def _with(self, noise: SSAValue) -> SSAValue:
        scaled = self.site.add(graph.MulOp.of(self.deviation, noise), f"{self.name}_noise")
        return self.site.add(graph.AddOp.of(self.mean, scaled), self.name)

    def _stream(self) -> int:
        """Of the path of the weight, or of the number that was given; the bias has one of its own."""
        if self.stream is None:
            return crc32(self.site.inner(self.name).encode())
        return 2 * int(self.stream) + (self.name == "bias")


def _keys(site: Site, key: SSAValue, x: SSAValue) -> SSAValue:
    """One key for each member of the batch. Raises ShapeError for what is no integer."""
    shape = shape_of(key.type)
    if not is_integer(element_of(key.type)) or not shape or shape[1:] not in ((), (1,)):
        raise ShapeError(f"`key` is an integer for each sample, (batch,), not {element_of(key.type)} {shown(key)}")
    same(site, "the batches of x and of `key`", shape_of(x.type)[0], shape[0])
    return reshape(site, key, shape_of(key.type)[:1], "key")


LOWERINGS: dict[str, Lowering] = {"ProbabilisticDense": probabilistic_dense}
