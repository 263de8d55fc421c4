"""kernel-plan-memory: place every intermediate buffer in one arena; buffers that never live together share bytes.

    %h = kernel.alloc -> ref<[batch, 128], f32>            %h = kernel.arena 0 -> ref<..>
    kernel.launch @a[batch](%x, %h)                        kernel.launch @a[batch](%x, %h)
    %g = kernel.alloc -> ref<[batch, 64], f32>        ->   %g = kernel.arena (batch * 512) -> ref<..>
    kernel.launch @b[batch](%h, %g)                        kernel.launch @b[batch](%h, %g)
    %k = kernel.alloc -> ref<[batch, 32], f32>             %k = kernel.arena 0 -> ref<..>          // %h is dead
    kernel.launch @c[batch](%g, %k)                        kernel.launch @c[batch](%g, %k)

A buffer lives from the first op that uses it, or a view of it, to the last. Buffers are placed from the largest to the
smallest, each into the smallest gap it fits (greedy by size: Pisarchyk and Lee 2020, arXiv:2001.03288). Sizes are
expressions; a gap counts only where it is large enough for every size of the dims, and what cannot be compared is
placed behind everything else. Sizes are rounded up term by term to 64 bytes, so that all offsets are multiples of 64.

In a loop, a buffer from outside lives in every round, hence from the beginning of the loop to its end; one of the body
lives in its own part of a round, for the next round writes it again before it reads it.
Must not share: a buffer read by the launch that writes another one. Remarks: the arena, and what it would be without
reuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import declared_dims
from neuralc.dialects.kernel.types import RefType
from neuralc.dialects.types import DimAttr
from neuralc.passes.base import ModulePass, PassContext

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector."""

LOOPS = (kernel.ForOp, kernel.WhileOp)

TYPICAL = 64
"""What symbolic sizes count as when buffers are sorted; no result depends on its truth."""


@dataclass(frozen=True)
class Lifetime:
    """A buffer, its size in bytes and the first and last op that uses it."""

    alloc: kernel.AllocOp
    size: Dim
    first: int
    last: int

    def overlaps(self, other: Lifetime) -> bool:
        return self.first <= other.last and other.first <= self.last

    @property
    def weight(self) -> int:
        return typical(self.size)


@dataclass(frozen=True)
class Placement:
    lifetime: Lifetime
    offset: Dim

    @property
    def end(self) -> Dim:
        return self.offset + self.lifetime.size


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    name = "kernel-plan-memory"

    reuse: bool = True
    """Let buffers that do not live together share bytes; without it each has its own, which helps to debug."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        minima = {name: op.minimum.data.value for name, op in declared_dims(module).items()}
        for op in module.body.block.ops:
            if isinstance(op, kernel.HostOp):
                self._plan(op, minima, context)

    def _plan(self, host: kernel.HostOp, minima: Mapping[str, int], context: PassContext) -> None:
        lifetimes, unused = buffer_lifetimes(host)
        for alloc in unused:
            Rewriter.erase_op(alloc)
            context.count("unused buffers removed")
        if not lifetimes and host.arena is not None:
            return
        start = Dim.constant(0) if host.arena is None else host.arena.data
        placements, top = place(lifetimes, minima, start) if self.reuse else place_apart(lifetimes, start)
        for placement in placements:
            alloc = placement.lifetime.alloc
            arena = kernel.ArenaOp(placement.offset, ref_of(alloc.result))
            arena.location = alloc.location
            arena.attributes = dict(alloc.attributes)
            Rewriter.replace_op(alloc, arena)
        host.properties["arena"] = DimAttr(top)
        apart = place_apart(lifetimes, start)[1]
        context.count("buffers placed", len(placements))
        context.remark("analysis", host, f"arena of {top} bytes for {len(placements)} buffers, {apart} without reuse")


def ref_of(value: SSAValue) -> RefType:
    if not isinstance(value.type, RefType):
        raise TypeError(f"expected a reference, got {value.type}")
    return value.type


def buffer_lifetimes(host: kernel.HostOp) -> tuple[list[Lifetime], list[kernel.AllocOp]]:
    """The lifetimes of all buffers, in the order of the text, and the buffers that nobody uses.

    The two sides of a choice are numbered one after the other: what lives in one is dead in the other.
    """
    numbers: dict[Operation, int] = {op: number for number, op in enumerate(host.body.walk())}
    ends: dict[Operation, int] = {
        op: max(numbers[inner] for inner in op.walk()) for op in numbers if isinstance(op, LOOPS)
    }
    lifetimes, unused = [], []
    for op in numbers:
        if not isinstance(op, kernel.AllocOp):
            continue
        used = [number for user in users_of(op.result) for number in _times(user, op.parent, numbers, ends)]
        if used:
            lifetimes.append(Lifetime(op, aligned(ref_of(op.result).bytes), min(used), max(used)))
        else:
            unused.append(op)
    return lifetimes, unused


def _times(
    user: Operation, home: Block | None, numbers: Mapping[Operation, int], ends: Mapping[Operation, int]
) -> Iterable[int]:
    """When a buffer of the block `home` is needed for the sake of a user: all the time of the loops between the two."""
    yield numbers[user]
    block, outer = user.parent, user.parent_op()
    while block is not home and outer is not None:
        if outer in ends:
            yield from (numbers[outer], ends[outer])
        block, outer = outer.parent, outer.parent_op()


def users_of(value: SSAValue) -> Iterable[Operation]:
    """The launches that see a buffer, directly or through views."""
    for use in value.uses:
        if isinstance(use.operation, kernel.ViewOp):
            yield from users_of(use.operation.result)
        else:
            yield use.operation


def aligned(size: Dim) -> Dim:
    """At least `size`, and a multiple of 64 whatever the dims are: each coefficient is rounded up."""
    return Dim(tuple((monomial, -(-c // ALIGNMENT) * ALIGNMENT) for monomial, c in size.terms if -(-c // ALIGNMENT)))


def typical(size: Dim) -> int:
    return size.evaluate(dict.fromkeys(size.symbols, TYPICAL))


def at_least(large: Dim, small: Dim, minima: Mapping[str, int]) -> bool:
    """True when `large >= small` for all sizes of the dims: every term of the difference counts up from the minima."""
    difference = large - small
    lowered = {name: Dim.symbol(name) + minima.get(name, 1) for name in difference.symbols}
    # Symbols inside of functions move as well, which changes nothing: a function is at least 0 either way.
    return all(coefficient >= 0 for _, coefficient in difference.substitute(lowered).terms)


def place_apart(lifetimes: Sequence[Lifetime], start: Dim) -> tuple[list[Placement], Dim]:
    """Each buffer behind the one before it."""
    placements, top = [], start
    for lifetime in lifetimes:
        placements.append(Placement(lifetime, top))
        top += lifetime.size
    return placements, top


def place(lifetimes: Sequence[Lifetime], minima: Mapping[str, int], start: Dim) -> tuple[list[Placement], Dim]:
    """Greedy by size, best fit: the placements and the end of the arena."""
    order = sorted(range(len(lifetimes)), key=lambda i: (-lifetimes[i].weight, i))
    placements: list[Placement] = []
    top = start
    for lifetime in (lifetimes[i] for i in order):
        offset = _best_offset(lifetime, placements, top, minima, start)
        placement = Placement(lifetime, offset)
        placements.append(placement)
        if not at_least(top, placement.end, minima):
            top = placement.end
    return placements, top


def _best_offset(
    lifetime: Lifetime, placements: Sequence[Placement], top: Dim, minima: Mapping[str, int], start: Dim
) -> Dim:
    """The start of the smallest gap between the buffers alive at the time; the end of the arena where none fits."""
    alive = [placement for placement in placements if placement.lifetime.overlaps(lifetime)]
    best: tuple[tuple[bool, int, int], Dim] | None = None
    for offset in dict.fromkeys([start, *(placement.end for placement in alive)]):
        end = offset + lifetime.size
        above = [placement for placement in alive if at_least(placement.offset, end, minima)]
        below = [placement for placement in alive if at_least(offset, placement.end, minima)]
        if len({id(placement) for placement in (*above, *below)}) < len(alive):
            continue  # it touches a buffer, or cannot be compared with one
        inside = at_least(top, end, minima)
        if not inside and not at_least(end, top, minima):
            continue  # then nobody could say where the arena ends
        ceiling = min((typical(placement.offset) for placement in above), default=typical(top))
        rank = (not inside, ceiling - typical(offset), typical(offset))
        if best is None or rank < best[0]:
            best = (rank, offset)
    return top if best is None else best[1]
