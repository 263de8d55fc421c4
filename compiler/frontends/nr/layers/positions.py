"""PositionalEncoding: what tells one time step from another, as waves or as learned vectors."""

from __future__ import annotations

import math

from xdsl.dialects.builtin import f64, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.activations import constant
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.values import cast, part, positions, reshape, size_of
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound


def positional_encoding(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    shape = shape_of(x.type)
    if len(shape) < 3:
        raise ShapeError(f"it takes sequences (batch, ..., steps, features), its input is {shown(x)}")
    steps, depth, longest = shape[-2], known(shape[-1], "the number of features"), arguments["max_length"]
    if longest is not None:
        _limit(site, steps, longest)
    before = _before(site, steps) if arguments["stateful"] else None
    if not arguments["learned"]:
        places = _places(site, steps, before)
        waves = _waves(site, places, (steps, depth), arguments["max_wavelength"], element_of(x.type))
        return site.add(graph.AddOp.of(x, waves))
    if longest is None:
        raise LayerError("learned positions need `max_length`", "E0301", "write `max_length=...`")
    table = site.weight("embeddings", (longest, depth), x, arguments["initializer"])
    if before is not None:
        rows = site.add(graph.GatherOp.of(table, _places(site, steps, before), axis=0), "positions")
    else:
        rows = part(site, table, 0, 0, steps, suffix="positions")
    return site.add(graph.AddOp.of(x, rows))


def _before(site: Site, steps: Size) -> SSAValue:
    """How many steps earlier runs have seen; those of this one are counted for the next."""
    length = site.state("length", tensor_type((), i64))
    site.keep("length", site.add(graph.AddOp.of(length, size_of(site, steps, length)), "length"))
    return length


def _places(site: Site, steps: Size, before: SSAValue | None) -> SSAValue:
    places = positions(site, steps)
    return places if before is None else site.add(graph.AddOp.of(places, before), "places")


def _limit(site: Site, steps: Size, longest: int) -> None:
    try:
        site.at_most(steps, longest)
    except ShapeError:
        raise ShapeError(f"its input has {steps} steps, `max_length` is {longest}") from None


def _waves(site: Site, places: SSAValue, shape: tuple[Size, int], wavelength: float, element: Attribute) -> SSAValue:
    """Vaswani et al. 2017, section 3.5. Angles are of double precision: step 5000 is no less exact than step 5."""
    steps, depth = shape
    step = _doubles(site, places, (steps, 1))
    feature = _doubles(site, positions(site, depth), (1, depth))
    two = constant(site, feature, 2.0)
    odd = site.add(graph.RemainderOp.of(feature, two), "odd")
    pair = site.add(graph.SubOp.of(feature, odd))
    slope = constant(site, pair, -math.log(wavelength) / depth, "slope")
    frequency = site.add(graph.ExpOp.of(site.add(graph.MulOp.of(pair, slope))), "frequency")
    angle = site.add(graph.MulOp.of(step, frequency), "angle")
    even = site.add(graph.LessOp.of(odd, constant(site, odd, 0.5)))
    sine, cosine = site.add(graph.SinOp.of(angle)), site.add(graph.CosOp.of(angle))
    waves = site.add(graph.WhereOp.of(even, sine, cosine), "waves")
    return site.add(graph.CastOp.of(waves, result=tensor_type(shape, element)), "waves")


def _doubles(site: Site, numbers: SSAValue, shape: tuple[Size, Size]) -> SSAValue:
    """Whole numbers as doubles along one axis of a matrix."""
    return cast(site, reshape(site, numbers, shape), f64)


LOWERINGS: dict[str, Lowering] = {"PositionalEncoding": positional_encoding}
