"""Rotary position embedding: pairs of features turn by an angle that grows with their place (Su et al. 2021).

    angle(place, i) = place / scaling * wavelength ** (-2 i / features)      for the pairs i = 0, 1, ..

A place is large and an angle matters to a small part of a turn, so turns are counted in double precision and the whole
ones left out before anything is rounded to the type of the values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import f32, f64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import ShapeError, element_of, is_float, shape_of
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.layers.values import cast, number, part, reshape, same, scaled
from neuralc.frontends.nr.layers.values import positions as steps_of
from neuralc.frontends.nr.site import Site, shown
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound

Directions: TypeAlias = tuple[SSAValue, SSAValue]
"""cos and sin of the angles of each place and pair."""


@dataclass(frozen=True)
class Rotation:
    """How features turn: which pairs, how fast, along which axes."""

    wavelength: float = 10000.0
    scaling: float = 1.0
    interleaved: bool = False
    """Pairs are neighbours (2 i, 2 i + 1), as in the paper's equation 34; else (i, i + features / 2)."""
    sequence: int = 1
    features: int = -1

    def of(self, site: Site, x: SSAValue, places: SSAValue) -> SSAValue:
        """x with its pairs turned; `places` (numbers) broadcast to x with a size of 1 for the features."""
        return self.turned(site, x, self.directions(site, x, places))

    def directions(self, site: Site, x: SSAValue, places: SSAValue) -> Directions:
        """cos and sin of the angles, in the type of x; angles of 16 bits would be too coarse."""
        axis, pairs = self._pairs(x)
        index = cast(site, steps_of(site, pairs, axis, len(shape_of(x.type)), "pair"), f64, "pair")
        speed = site.add(graph.ExpOp.of(scaled(site, index, -math.log(self.wavelength) / pairs, "speed")), "speed")
        speed = scaled(site, speed, 1.0 / (2.0 * math.pi * self.scaling), "speed")
        turns = site.add(graph.MulOp.of(cast(site, places, f64, "places"), speed), "turns")
        rest = site.add(graph.SubOp.of(turns, site.add(graph.RoundOp.of(turns), "turns")), "turns")
        element = element_of(x.type)
        angle = cast(site, scaled(site, rest, 2.0 * math.pi, "angle"), f64 if element == f64 else f32, "angle")
        cosine, sine = site.add(graph.CosOp.of(angle), "cosine"), site.add(graph.SinOp.of(angle), "sine")
        return cast(site, cosine, element, "cosine"), cast(site, sine, element, "sine")

    def turned(self, site: Site, x: SSAValue, directions: Directions) -> SSAValue:
        """x with its pairs turned by angles whose cos and sin are known."""
        cosine, sine = directions
        axis, pairs = self._pairs(x)
        starts, step = ((0, 1), 2) if self.interleaved else ((0, pairs), 1)
        first, second = (part(site, x, axis, start, pairs, step, "pairs") for start in starts)

        def mul(lhs: SSAValue, rhs: SSAValue) -> SSAValue:
            return site.add(graph.MulOp.of(lhs, rhs), "turned")

        both = [
            site.add(graph.SubOp.of(mul(first, cosine), mul(second, sine)), "turned"),
            site.add(graph.AddOp.of(mul(second, cosine), mul(first, sine)), "turned"),
        ]
        if not self.interleaved:
            return site.add(graph.ConcatOp.of(*both, axis=axis))
        shape = shape_of(x.type)
        pair: list[Size] = [*shape[:axis], pairs, 1, *shape[axis + 1 :]]
        both = [reshape(site, each, pair, "pairs") for each in both]
        return reshape(site, site.add(graph.ConcatOp.of(*both, axis=axis + 1), "pairs"), shape)

    def _pairs(self, x: SSAValue) -> tuple[int, int]:
        """The axis of the features, and how many pairs they are. Raises ShapeError for an odd number."""
        axis = normalize_axis(self.features, len(shape_of(x.type)))
        count = known(shape_of(x.type)[axis], "the features")
        if count % 2:
            raise ShapeError(f"features turn in pairs, {count} of them leave one alone")
        return axis, count // 2


def rotary_embedding(
    site: Site, arguments: Bound, x: SSAValue, positions: SSAValue | None = None, start: SSAValue | None = None
) -> SSAValue:
    rank = len(shape_of(x.type))
    if rank < 3 or not is_float(element_of(x.type)):
        raise ShapeError(f"it takes floats (batch, steps, .., features), its input is {shown(x)}")
    sequence = normalize_axis(arguments["sequence_axis"], rank)
    features = normalize_axis(arguments["feature_axis"], rank)
    if 0 in (sequence, features) or sequence == features:
        raise ShapeError(f"steps and features are two axes behind the batch, not {sequence} and {features}")
    rotation = Rotation(
        arguments["max_wavelength"], arguments["scaling_factor"], arguments["interleaved"], sequence, features
    )
    return rotation.of(site, x, _places(site, x, sequence, arguments["start_index"], positions, start))


def _places(
    site: Site, x: SSAValue, axis: int, first: int, places: SSAValue | None, start: SSAValue | None
) -> SSAValue:
    """The places of the steps: those given, or 0, 1, 2, .. from the start."""
    shape = shape_of(x.type)
    wide: list[Size] = [1] * len(shape)
    if places is not None:
        if start is not None or first != 0:
            raise ShapeError("the steps have `positions`, or a start and follow each other")
        if len(shape_of(places.type)) != 2:
            raise ShapeError(f"`positions` are (batch, steps), not {shown(places)}")
        for mine, size in zip((0, axis), shape_of(places.type), strict=True):
            same(site, f"`positions` {shown(places)} and {shown(x)}", size, shape[mine])
        wide[0], wide[axis] = shape_of(places.type)
        return reshape(site, cast(site, places, f64, "places"), wide, "places")
    steps = cast(site, steps_of(site, shape[axis], axis, len(shape)), f64, "places")
    if first:
        steps = site.add(graph.AddOp.of(steps, number(site, float(first), steps, "start")), "places")
    if start is None:
        return steps
    if shape_of(start.type) not in ((shape[0],), (shape[0], 1)):
        raise ShapeError(f"`start` is one number for each sequence, (batch,), not {shown(start)}")
    wide[0] = shape[0]
    return site.add(graph.AddOp.of(steps, reshape(site, cast(site, start, f64, "start"), wide, "start")), "places")


LOWERINGS: dict[str, Lowering] = {"RotaryEmbedding": rotary_embedding}
