"""Places of an array as Python indexes it: numbers, slices, and blocks of an axis in another order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from neuralc.emit.python.expressions import Expression, call, literal, name
from neuralc.emit.weight_sources import Runs, Source


@dataclass(frozen=True)
class Blocks:
    """Blocks of `size` places along an axis, in this order."""

    order: tuple[int, ...]
    size: int


Place: TypeAlias = int | range | Blocks | None
"""Places along an axis; None stands for all."""


def places_of(source: Source) -> tuple[Place, ...] | None:
    """The index of what is read of an array, as short as it can be; None where no index of numpy reads it."""
    if source.is_whole:
        return ()
    places = [_place(runs, size) for runs, size in zip(source.places, source.shape, strict=True)]
    while places[-1] is None:
        del places[-1]
    # Numbers and lists stand next to each other, else numpy puts their axes in front.
    odd = [axis for axis, place in enumerate(places) if isinstance(place, int | Blocks)]
    lists = sum(isinstance(place, Blocks) for place in places)
    adjacent = odd == list(range(odd[0], odd[0] + len(odd))) if odd else True
    return tuple(places) if lists == 0 or (lists == 1 and adjacent) else None


def _place(runs: Runs, size: int) -> Place:
    if sum(map(len, runs)) == 1:
        return runs[0].start
    if len(runs) == 1:
        return None if len(runs[0]) == size else runs[0]
    width = math.gcd(*(number for run in runs for number in (run.start, len(run))))
    order = tuple(start // width for run in runs for start in range(run.start, run.stop, width))
    return Blocks(order, width)


def index_of(places: Sequence[Place]) -> Expression:
    """The index as it is written, with the helper function `blocks` of the file."""
    written = tuple(_written(place) for place in places)
    return written[0] if len(written) == 1 else name(literal(written))


def _written(place: Place) -> Expression:
    match place:
        case Blocks():
            return call("blocks", *place.order, size=place.size)
        case range():
            return name(f"slice({place.start}, {place.stop})" if place.start else f"slice({place.stop})")
        case _:
            return name("slice(None)" if place is None else str(place))


def numbers_of(place: int | range | Blocks) -> set[int]:
    match place:
        case Blocks():
            return {block * place.size + number for block in place.order for number in range(place.size)}
        case range():
            return set(place)
        case int():
            return {place}
