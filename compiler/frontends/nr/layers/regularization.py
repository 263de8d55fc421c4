"""What only training does: kept in the model, the value itself at inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.site import LayerError, Site, Values, shown
from neuralc.grammar.binding import Bound
from neuralc.grammar.configured import Configured
from neuralc.grammar.initializers import REGULARIZER


def dropout(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return _dropped(site, arguments, x, "zeros", _shared(x, arguments["noise_shape"]))


def alpha_dropout(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return _dropped(site, arguments, x, "alpha", _shared(x, arguments["noise_shape"]))


def gaussian_dropout(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return _dropped(site, arguments, x, "gaussian")


def _spatial_dropout(rank: int) -> Lowering:
    """Channels are dropped at all places of an image of `rank` dims alike."""

    def lower(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        if len(shape_of(x.type)) != rank + 2:
            raise ShapeError(f"it takes values of {rank + 2} axes, its input is {shown(x)}")
        first = rank > 1 and arguments["data_format"] == "channels_first"
        places = range(2, rank + 2) if first else range(1, rank + 1)
        return _dropped(site, arguments, x, "zeros", tuple(places))

    return lower


def _dropped(site: Site, arguments: Bound, x: SSAValue, kind: str, shared: Sequence[int] = ()) -> SSAValue:
    properties = {"kind": kind, "rate": arguments["rate"], "shared": tuple(shared)}
    return site.add(graph.DropoutOp.of(x, **properties, **_seed(arguments)))


def _seed(arguments: Bound) -> dict[str, Any]:
    return {} if arguments["seed"] is None else {"seed": arguments["seed"]}


def _shared(x: SSAValue, noise_shape: Sequence[int | None] | None) -> tuple[int, ...]:
    """The axes along which one choice stands for all places. Raises ShapeError for a choice that does not broadcast."""
    if noise_shape is None:
        return ()
    shape = shape_of(x.type)
    fits = len(noise_shape) == len(shape) and all(n in (None, 1, m) for n, m in zip(noise_shape, shape, strict=True))
    if not fits:
        raise ShapeError(f"a `noise_shape` of {_written(noise_shape)} does not broadcast to its input {shown(x)}")
    return tuple(axis for axis, size in enumerate(noise_shape) if size == 1)


def _written(sizes: Sequence[int | None]) -> str:
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def gaussian_noise(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return site.add(graph.GaussianNoiseOp.of(x, stddev=arguments["stddev"], **_seed(arguments)))


def activity_regularization(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
    return site.add(graph.ActivityRegularizerOp.of(x, l1=arguments["l1"], l2=arguments["l2"]))


def penalized(lower: Lowering) -> Lowering:
    """A layer that takes an `activity_regularizer`, with what training adds to the loss for each of its results."""

    def layer(site: Site, arguments: Bound, *values: SSAValue, **named: SSAValue | Values) -> SSAValue | Values:
        result = lower(site, arguments, *values, **named)
        penalty = arguments["activity_regularizer"]
        if isinstance(result, SSAValue):
            return penalize(site, penalty, result)
        return tuple(penalize(site, penalty, value) for value in result)

    return layer


def penalize(site: Site, penalty: Configured | None, x: SSAValue) -> SSAValue:
    """A value, with what training adds to the loss for it. Raises LayerError for a penalty that is of weights alone."""
    if penalty is None:
        return x
    factors = REGULARIZER.arguments(penalty)
    if not factors.keys() <= {"l1", "l2"}:
        help = 'write "l1", "l2" or L1L2(...)'
        raise LayerError(f"a result is penalized by its L1 and L2 norm, not by `{penalty.name}`", "E0702", help)
    result = site.add(graph.ActivityRegularizerOp.of(x, **factors), "penalized")
    site.put_mask(result, site.mask(x))
    return result


LOWERINGS: dict[str, Lowering] = {
    "Dropout": dropout,
    **{f"SpatialDropout{rank}D": _spatial_dropout(rank) for rank in (1, 2, 3)},
    "GaussianNoise": gaussian_noise,
    "GaussianDropout": gaussian_dropout,
    "AlphaDropout": alpha_dropout,
    "ActivityRegularization": activity_regularization,
}
