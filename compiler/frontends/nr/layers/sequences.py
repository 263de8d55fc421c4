"""Layers over (batch, steps, features) that take one sequence alone too, (steps, features), as PyTorch does."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import SSAValue

from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.nr.layers.shared import Lowering
from neuralc.frontends.nr.layers.values import reshape
from neuralc.frontends.nr.site import Site, Values, shown
from neuralc.grammar.binding import Bound


def one_or_many(name: str) -> Callable[[Lowering], Lowering]:
    """Makes a layer over batches of sequences take one alone; `name` is the input whose rank tells which it is."""

    def wrap(lower: Lowering) -> Lowering:
        def lowered(site: Site, arguments: Bound, *values: SSAValue, **named: SSAValue | Values) -> SSAValue | Values:
            first = values[0] if values else named[name]
            if not isinstance(first, SSAValue):
                raise ShapeError(f"`{name}` is one value")
            if len(shape_of(first.type)) < 2:
                raise ShapeError(f"it takes sequences (batch, steps, features), its input is {shown(first)}")
            if len(shape_of(first.type)) > 2:
                return lower(site, arguments, *values, **named)
            site.warn(
                "W0407",
                f"the first axis of {shown(first)} is taken as the steps of one sequence",
                "write `input: (S, features)` for a batch of sequences",
            )
            results = lower(
                site,
                arguments,
                *(_batched(site, x) for x in values),
                **{key: _all_batched(site, x) for key, x in named.items()},
            )
            if isinstance(results, SSAValue):
                return _alone(site, results)
            return tuple(_alone(site, x) for x in results)

        return lowered

    return wrap


def require_sequences(x: SSAValue) -> None:
    """Raises ShapeError for a value with more axes than (batch, steps, features)."""
    if len(shape_of(x.type)) != 3:
        raise ShapeError(f"it takes sequences (batch, steps, features), its input is {shown(x)}")


def _batched(site: Site, x: SSAValue) -> SSAValue:
    return reshape(site, x, (1, *shape_of(x.type)), "batch")


def _all_batched(site: Site, x: SSAValue | Values) -> SSAValue | Values:
    return _batched(site, x) if isinstance(x, SSAValue) else tuple(_batched(site, each) for each in x)


def _alone(site: Site, x: SSAValue) -> SSAValue:
    return reshape(site, x, shape_of(x.type)[1:])
