"""Which places `start:end:step` takes of a dim, where any of them may be symbolic."""

from __future__ import annotations

from neuralc.dialects.dims import as_dim, simplest
from neuralc.frontends.sizes import Bounds, Size, floor_quotient

UNBOUNDED = (1 << 31) - 1
"""Places from here on stand for the end of a dim (INT_MAX; exporters also write the one of 64 bits)."""


def extent(bounds: Bounds, size: Size, start: Size, end: Size, step: int) -> tuple[Size, Size]:
    """The first place and the number of places. Raises Undecided."""
    if step > 0:
        first = _clamped(bounds, size, start, 0, size)
        last = _clamped(bounds, size, end, 0, size)
        way = as_dim(last) - first
    else:
        first = _clamped(bounds, size, start, 0, simplest(as_dim(size) - 1))
        last = _clamped(bounds, size, end, -1, simplest(as_dim(size) - 1))
        way = as_dim(first) - last
    count = floor_quotient(simplest(way + (abs(step) - 1)), abs(step))
    count = bounds.larger(count, 0)
    return (0 if count == 0 else first), count


def _clamped(bounds: Bounds, size: Size, place: Size, low: Size, high: Size) -> Size:
    if isinstance(place, int) and place >= UNBOUNDED:
        return high
    if isinstance(place, int) and place <= -UNBOUNDED:
        return low
    if bounds.less(place, 0):
        place = simplest(as_dim(place) + size)
    return bounds.larger(bounds.smaller(place, high), low)
