"""PositionalEncoding: what tells one time step from another, as waves or as learned vectors."""

from __future__ import annotations

import math

from xdsl.dialects.builtin import f64, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import DimsAttr, ShapeError, element_of, shape_of, tensor_type
from neuralc.frontends.nr.activations import constant
from neuralc.frontends.nr.layers.shared import Lowering, known
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
    if not arguments["learned"]:
        return site.add(graph.AddOp.of(x, _waves(site, steps, depth, arguments["max_wavelength"], element_of(x.type))))
    if longest is None:
        raise LayerError("learned positions need `max_length`", "E0301", "write `max_length=...`")
    table = site.weight("embeddings", (longest, depth), x, arguments["initializer"])
    rows = graph.SliceOp.of(
        table,
        result=tensor_type((steps, depth), element_of(x.type)),
        starts=DimsAttr((as_dim(0), as_dim(0))),
        steps=(1, 1),
    )
    return site.add(graph.AddOp.of(x, site.add(rows, "positions")))


def _limit(site: Site, steps: Size, longest: int) -> None:
    try:
        site.at_most(steps, longest)
    except ShapeError:
        raise ShapeError(f"its input has {steps} steps, `max_length` is {longest}") from None


def _waves(site: Site, steps: Size, depth: int, wavelength: float, element: Attribute) -> SSAValue:
    """Vaswani et al. 2017, section 3.5. Angles are of double precision: step 5000 is no less exact than step 5."""
    step = _counted(site, steps, (steps, 1))
    feature = _counted(site, depth, (1, depth))
    two = constant(site, feature, 2.0)
    odd = site.add(graph.RemainderOp.of(feature, two), "odd")
    pair = site.add(graph.SubOp.of(feature, odd))
    slope = constant(site, pair, -math.log(wavelength) / depth, "slope")
    frequency = site.add(graph.ExpOp.of(site.add(graph.MulOp.of(pair, slope))), "frequency")
    angle = site.add(graph.MulOp.of(step, frequency), "angle")
    even = site.add(graph.LessOp.of(odd, constant(site, odd, 0.5)))
    sine, cosine = site.add(graph.SinOp.of(angle)), site.add(graph.CosOp.of(angle))
    waves = site.add(graph.WhereOp.of(even, sine, cosine), "waves")
    return site.add(graph.CastOp.of(waves, result=tensor_type((steps, depth), element)), "waves")


def _counted(site: Site, count: Size, shape: tuple[Size, Size]) -> SSAValue:
    """0, 1, 2, .. as doubles along one axis of a matrix."""
    numbers = site.add(graph.IotaOp.of(result=tensor_type((count,), i64)))
    matrix = site.add(graph.ReshapeOp.of(numbers, result=tensor_type(shape, i64)))
    return site.add(graph.CastOp.of(matrix, result=tensor_type(shape, f64)))


LOWERINGS: dict[str, Lowering] = {"PositionalEncoding": positional_encoding}
