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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations_with_replacement

from xdsl.ir import Operation

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.passes.kernel.hazards import Access, access_to
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
    for first, second in combinations_with_replacement(found, 2):
        if first.space == second.space and (first.writes or second.writes) and not _apart(first, second, movers, lows):
            return f"{_named(first)} in one round and {_named(second)} in another meet"
    return None


def _accesses(loop: kernel.ForOp, table: Mapping[str, Operation]) -> Iterator[Access]:
    for op in loop.body.walk():
        if not isinstance(op, kernel.LaunchOp) or not isinstance(func := table.get(op.callee_name), kernel.FuncOp):
            continue
        for value, writes in zip(op.args, func.written, strict=True):
            access = access_to(value, writes, None, op)
            if access is not None:
                yield access


def _named(access: Access) -> str:
    return f"@{access.op.callee_name}" if isinstance(access.op, kernel.LaunchOp) else access.op.name


def _apart(first: Access, second: Access, movers: Sequence[_Mover], minima: Mapping[str, int]) -> bool:
    """Whether two accesses of different rounds, by different threads, have no byte in common."""
    for mover in movers:
        if all(_moves(access, mover, movers) for access in (first, second)) and all(
            at_least(_next(late, mover.name).low, early.high, minima)
            for late, early in ((first, second), (second, first))
        ):
            return True
    whole = [_whole(access, movers, minima) for access in (first, second)]
    if whole[0] is None or whole[1] is None:
        return False
    (low, high), (other_low, other_high) = whole[0], whole[1]
    return at_least(other_low, high, minima) or at_least(low, other_high, minima)


def _moves(access: Access, mover: _Mover, movers: Sequence[_Mover]) -> bool:
    """Whether an access moves on evenly with a size, and with no other that differs from round to round."""
    if any(other.name in access.low.symbols | access.high.symbols for other in movers if other is not mover):
        return False
    step = _step(access.low, mover.name)
    return step is not None and step == _step(access.high, mover.name) and step != Dim.constant(0)


@lru_cache(maxsize=4096)  # every access is compared with every other one
def _step(place: Dim, name: str) -> Dim | None:
    """How much further on a place is where a size is one larger: none of it may depend on that size."""
    if name not in place.symbols:
        return Dim.constant(0)
    at = [place.substitute({name: value}) for value in (0, 1)]
    step = at[1] - at[0]
    return step if place == at[0] + step * Dim.symbol(name) else None


def _next(access: Access, name: str) -> Access:
    """The same in the round or slot behind."""
    following = {name: Dim.symbol(name) + 1}
    return replace(access, low=access.low.substitute(following), high=access.high.substitute(following))


def _whole(access: Access, movers: Sequence[_Mover], minima: Mapping[str, int]) -> tuple[Dim, Dim] | None:
    """All bytes of an access in all rounds, which may go backwards; None where it does not move evenly one way."""
    low, high = access.low, access.high
    for mover in movers:
        if mover.name not in low.symbols | high.symbols:
            continue
        steps = [_step(place, mover.name) for place in (low, high)]
        ends: list[Dim | int] = [0, mover.end - 1]
        if any(step is None or not at_least(step, Dim.constant(0), minima) for step in steps):
            if any(step is None or not at_least(Dim.constant(0), step, minima) for step in steps):
                return None
            ends.reverse()
        low, high = low.substitute({mover.name: ends[0]}), high.substitute({mover.name: ends[1]})
    return low, high
