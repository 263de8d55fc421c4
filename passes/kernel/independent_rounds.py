"""Whether the rounds of a loop of the host program need each other, or threads may go through them side by side.

    kernel.for @t from 0 to N {                            round t writes bytes 64 t to 64 t + 64 of %ys, and nobody
      %x = kernel.view %xs offset t * 16                   writes %xs: the rounds are independent
      %y = kernel.view %ys offset t * 16
      kernel.launch @f[](%x, %y)
    }

Two accesses, one of which writes, do not meet in different rounds when both move on with the counter, or with the
number of the slot, by as much as they reach, or when their bytes lie apart in all rounds. Memory that is allocated in
the body is a round's own: kernel-plan-memory gives each slot a part of the arena for it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import NamedTuple

from xdsl.ir import Operation

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.passes.kernel.hazards import Access, accesses_of
from neuralc.passes.kernel.plan_memory import at_least


@dataclass(frozen=True)
class _Mover:
    """A size that is another one in another round, or in the round of another thread; `end` is above all it can be."""

    name: str
    end: Dim


def dependence(loop: kernel.ForOp, table: Mapping[str, Operation], minima: Mapping[str, int]) -> str | None:
    """Why the rounds of a loop have to be in order; None where they are independent.

    `table` has the kernels by name, `minima` the least value of each dim.
    """
    own = {op.result for op in loop.body.walk() if isinstance(op, kernel.AllocOp)}
    for op in loop.body.walk():
        if isinstance(op, kernel.NextStateOp | kernel.StateOp):
            return "a round uses a state"
        if isinstance(op, kernel.ForOp | kernel.WhileOp | kernel.BranchOp):
            return "a round has loops or choices by a value"
    movers = [_Mover(loop.counter.data, loop.trips.data)]
    if loop.slot_name is not None:
        movers.append(_Mover(loop.slot_name, Dim.constant(loop.slot_count)))
    lows = {**minima, **{mover.name: 0 for mover in movers}}
    found = [access for access in _accesses(loop, table) if access.space not in own and access.space != "status"]
    places = _places(found)
    meeting = _meeting(tuple(places), tuple(movers), frozenset(lows.items()))
    if meeting is None:
        return None
    first, second = (places[place] for place in meeting)
    return f"{_named(first)} in one round and {_named(second)} in another meet"


def _accesses(loop: kernel.ForOp, table: Mapping[str, Operation]) -> Iterator[Access]:
    for op in loop.body.walk():
        if isinstance(op, kernel.LaunchOp) and isinstance(func := table.get(op.callee_name), kernel.FuncOp):
            yield from accesses_of(op, func)


class _Place(NamedTuple):
    """What an access touches; spaces have numbers."""

    space: int
    low: Dim
    high: Dim
    writes: bool


def _places(found: Iterable[Access]) -> dict[_Place, Access]:
    """Each place once, with somebody who touches it: who writes a place may read it as well."""
    spaces: dict[Hashable, int] = {}
    places: dict[_Place, Access] = {}
    for access in found:
        space = spaces.setdefault(access.space, len(spaces))
        place = _Place(space, access.low, access.high, access.writes)
        if place._replace(writes=True) in places:
            continue
        if access.writes:
            places.pop(place._replace(writes=False), None)
        places.setdefault(place, access)
    return places


@lru_cache(maxsize=64)  # the pass that places barriers asks, and the one that verifies what it did
def _meeting(
    places: Sequence[_Place], movers: Sequence[_Mover], lows: frozenset[tuple[str, int]]
) -> tuple[_Place, _Place] | None:
    """Two places that have a byte in common in different rounds."""
    minima = dict(lows)
    spaces: dict[int, list[_Extent]] = {}
    for place in places:
        spaces.setdefault(place.space, []).append(_Extent.of(place, movers, minima))
    for extents in spaces.values():
        for first, second in combinations_with_replacement(extents, 2):
            if (first.place.writes or second.place.writes) and not _apart(first, second, minima):
                return first.place, second.place
    return None


def _named(access: Access) -> str:
    return f"@{access.op.callee_name}" if isinstance(access.op, kernel.LaunchOp) else access.op.name


@dataclass(frozen=True)
class _Extent:
    """Where a place is in other rounds: found once, since each is compared with all others."""

    place: _Place
    behind: Sequence[Dim | None]
    """For each mover where it begins one round further on; None where it does not move on evenly with that alone."""
    whole: tuple[Dim, Dim] | None
    """All bytes of all rounds, which may go backwards; None where it does not move evenly one way."""

    @staticmethod
    def of(place: _Place, movers: Sequence[_Mover], minima: Mapping[str, int]) -> _Extent:
        return _Extent(place, [_behind(place, mover, movers) for mover in movers], _whole(place, movers, minima))


def _apart(first: _Extent, second: _Extent, minima: Mapping[str, int]) -> bool:
    """Whether two places have no byte in common for different rounds, of different threads."""
    for late, other in zip(first.behind, second.behind, strict=True):
        if late is None or other is None:
            continue
        if at_least(late, second.place.high, minima) and at_least(other, first.place.high, minima):
            return True
    if first.whole is None or second.whole is None:
        return False
    (low, high), (other_low, other_high) = first.whole, second.whole
    return at_least(other_low, high, minima) or at_least(low, other_high, minima)


def _behind(place: _Place, mover: _Mover, movers: Sequence[_Mover]) -> Dim | None:
    """Where a place begins one round further on, if it moves on evenly with a size and with no other mover's."""
    symbols = place.low.symbols | place.high.symbols
    if any(other.name in symbols for other in movers if other is not mover):
        return None
    step = _step(place.low, mover.name)
    if step is None or step == Dim.constant(0) or step != _step(place.high, mover.name):
        return None
    return place.low + step


def _step(place: Dim, name: str) -> Dim | None:
    """How much further on a place is where a size is one larger: none of it may depend on that size."""
    if name not in place.symbols:
        return Dim.constant(0)
    at = [place.substitute({name: value}) for value in (0, 1)]
    step = at[1] - at[0]
    return step if place == at[0] + step * Dim.symbol(name) else None


def _whole(place: _Place, movers: Sequence[_Mover], minima: Mapping[str, int]) -> tuple[Dim, Dim] | None:
    low, high = place.low, place.high
    for mover in movers:
        if mover.name not in low.symbols | high.symbols:
            continue
        steps = [_step(end, mover.name) for end in (low, high)]
        ends: list[Dim | int] = [0, mover.end - 1]
        if any(step is None or not at_least(step, Dim.constant(0), minima) for step in steps):
            if any(step is None or not at_least(Dim.constant(0), step, minima) for step in steps):
                return None
            ends.reverse()
        low, high = low.substitute({mover.name: ends[0]}), high.substitute({mover.name: ends[1]})
    return low, high
