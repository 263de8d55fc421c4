"""What recurrent cells compute in one step, of linear maps that are dense or convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import element_of, tensor_type
from neuralc.frontends.nr.activations import activate
from neuralc.frontends.nr.layers.recurrence import Step
from neuralc.frontends.nr.layers.steps import parts
from neuralc.frontends.nr.site import Site, Values
from neuralc.grammar.binding import Bound


class Maps(Protocol):
    """The linear maps of a cell; those of the input were made for all steps before."""

    @property
    def axis(self) -> int:
        """Where the gates stand in a value of one step."""
        ...

    def recurrent(self, site: Site, h: SSAValue, first: int = 0, count: int | None = None) -> SSAValue:
        """The recurrent map of some gates, with its own bias where it has one."""
        ...


Rule: TypeAlias = Callable[[Maps, Bound], Step]


def rnn(maps: Maps, arguments: Bound) -> Step:
    """h' = g(x + R h)."""

    def step(site: Site, slices: Values, states: Values) -> tuple[SSAValue, Values]:
        sum_ = _add(site, slices[0], maps.recurrent(site, states[0]))
        h = activate(site, sum_, arguments["activation"])
        return h, (h,)

    return step


def lstm(maps: Maps, arguments: Bound) -> Step:
    """i, f, o = f(x + R h); c' = f c + i g(x + R h); h' = o g(c') (Keras; Gers et al. 2000)."""
    gate, function = arguments["recurrent_activation"], arguments["activation"]

    def step(site: Site, slices: Values, states: Values) -> tuple[SSAValue, Values]:
        h, c = states
        i, forget, new, o = parts(site, _add(site, slices[0], maps.recurrent(site, h)), 4, maps.axis)
        kept = _mul(site, activate(site, forget, gate), c)
        added = _mul(site, activate(site, i, gate), activate(site, new, function))
        c = _add(site, kept, added)
        h = _mul(site, activate(site, o, gate), activate(site, c, function))
        return h, (h, c)

    return step


def gru(maps: Maps, arguments: Bound) -> Step:
    """z, r = f(x + R h); n = g(x + r (R h)), or g(x + R (r h)); h' = z h + (1 - z) n (Keras; Cho et al. 2014)."""
    gate, function, after = arguments["recurrent_activation"], arguments["activation"], arguments["reset_after"]

    def step(site: Site, slices: Values, states: Values) -> tuple[SSAValue, Values]:
        (h,) = states
        z, r, n = parts(site, slices[0], 3, maps.axis)
        inner = parts(site, maps.recurrent(site, h, 0, 3 if after else 2), 3 if after else 2, maps.axis)
        z, r = (activate(site, _add(site, x, y), gate) for x, y in zip((z, r), inner, strict=False))
        reset = _mul(site, r, inner[2]) if after else maps.recurrent(site, _mul(site, r, h), 2, 1)
        h = mixed(site, z, h, activate(site, _add(site, n, reset), function))
        return h, (h,)

    return step


def conv_gru(maps: Maps, arguments: Bound) -> Step:
    """z, r = f(x + U h); n = g(x + U (r h)); h' = (1 - z) h + z n (Ballas et al. 2016, GRU-RCN)."""
    gate, function = arguments["recurrent_activation"], arguments["activation"]

    def step(site: Site, slices: Values, states: Values) -> tuple[SSAValue, Values]:
        (h,) = states
        z, r, n = parts(site, slices[0], 3, maps.axis)
        inner = parts(site, maps.recurrent(site, h, 0, 2), 2, maps.axis)
        z, r = (activate(site, _add(site, x, y), gate) for x, y in zip((z, r), inner, strict=True))
        new = activate(site, _add(site, n, maps.recurrent(site, _mul(site, r, h), 2, 1)), function)
        h = mixed(site, z, new, h)
        return h, (h,)

    return step


def mixed(site: Site, z: SSAValue, x: SSAValue, y: SSAValue) -> SSAValue:
    """z x + (1 - z) y."""
    one = site.add(graph.ConstantOp.of(result=tensor_type((), element_of(z.type)), value=1.0))
    rest = site.add(graph.SubOp.of(one, z))
    return _add(site, _mul(site, z, x), _mul(site, rest, y))


def _add(site: Site, x: SSAValue, y: SSAValue) -> SSAValue:
    return site.add(graph.AddOp.of(x, y))


def _mul(site: Site, x: SSAValue, y: SSAValue) -> SSAValue:
    return site.add(graph.MulOp.of(x, y))
