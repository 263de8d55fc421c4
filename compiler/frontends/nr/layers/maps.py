"""The linear maps of cells that are scanned: of all gates at once, or of each gate where training drops for each.

A map is dense or a convolution; gates stand along the last axis of kernels and biases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of
from neuralc.frontends.nr.layers.steps import dropped, slice_of
from neuralc.frontends.nr.site import Site
from neuralc.grammar.binding import Bound

Map: TypeAlias = Callable[[Site, SSAValue, SSAValue, Sequence[SSAValue]], SSAValue]
"""`apply(site, x, kernel, bias)`: the map by a kernel, and a bias where there is one."""


@dataclass(frozen=True)
class Gates:
    """The maps of one kernel; `axis` is where the gates stand in a result."""

    apply: Map
    kernel: SSAValue
    bias: SSAValue | None
    count: int
    axis: int

    def all(self, site: Site, x: SSAValue) -> SSAValue:
        return self.apply(site, x, self.kernel, [] if self.bias is None else [self.bias])

    def some(self, site: Site, x: SSAValue, first: int, count: int) -> SSAValue:
        """The maps of `count` gates from one on."""
        if count == self.count:
            return self.all(site, x)
        bias = [] if self.bias is None else [self._part(site, self.bias, first, count)]
        return self.apply(site, x, self._part(site, self.kernel, first, count), bias)

    def each(self, site: Site, xs: Sequence[SSAValue], first: int = 0) -> SSAValue:
        """The map of each gate from one on, applied to a value of its own."""
        results = [self.some(site, x, first + index, 1) for index, x in enumerate(xs)]
        return results[0] if len(results) == 1 else site.add(graph.ConcatOp.of(*results, axis=self.axis))

    def _part(self, site: Site, value: SSAValue, first: int, count: int) -> SSAValue:
        axis = len(shape_of(value.type)) - 1
        width = int(str(shape_of(value.type)[axis])) // self.count
        return slice_of(site, value, axis, first * width, count * width)


@dataclass(frozen=True)
class RecurrentMaps:
    """The maps of the state; `kept` are what training keeps of it for each gate, where it drops any."""

    gates: Gates
    kept: Sequence[SSAValue] = ()

    @property
    def axis(self) -> int:
        return self.gates.axis

    def recurrent(self, site: Site, h: SSAValue, first: int = 0, count: int | None = None) -> SSAValue:
        count = self.gates.count if count is None else count
        if not self.kept:
            return self.gates.some(site, h, first, count)
        own = [site.add(graph.MulOp.of(h, kept)) for kept in self.kept[first : first + count]]
        return self.gates.each(site, own, first)


def of_inputs(
    site: Site, gates: Gates, arguments: Bound, x: SSAValue, steps: Sequence[int], *, alike: bool
) -> SSAValue:
    """The maps of the input of all steps, whose axes are `steps`; training drops for all gates alike or for each."""
    rate = arguments["dropout"]
    if not rate or alike:
        return gates.all(site, dropped(site, x, rate, steps, seed_of(arguments)))
    return gates.each(site, [dropped(site, x, rate, steps, seed_of(arguments, gate)) for gate in range(gates.count)])


def of_state(site: Site, gates: Gates, arguments: Bound, state: Attribute) -> RecurrentMaps:
    """The maps of a state; what training drops of it is the same at all steps."""
    rate = arguments["recurrent_dropout"]
    if not rate:
        return RecurrentMaps(gates)
    ones = site.add(graph.ConstantOp.of(result=state, value=1.0))
    seeds = [seed_of(arguments, gates.count + gate) for gate in range(gates.count)]
    return RecurrentMaps(gates, [dropped(site, ones, rate, (), seed) for seed in seeds])


def seed_of(arguments: Bound, number: int = 0) -> dict[str, int]:
    """The property `seed` of what is dropped, where the layer has one; each choice of a layer has its own."""
    return {} if arguments["seed"] is None else {"seed": arguments["seed"] + number}
