"""kernel-plan-memory: place every intermediate buffer in one arena; buffers that never live together share bytes.

    %h = kernel.alloc -> ref<[batch, 128], f32>            %h = kernel.arena 0 -> ref<..>
    kernel.launch @a[batch](%x, %h)                        kernel.launch @a[batch](%x, %h)
    %g = kernel.alloc -> ref<[batch, 64], f32>        ->   %g = kernel.arena (batch * 512) -> ref<..>
    kernel.launch @b[batch](%h, %g)                        kernel.launch @b[batch](%h, %g)
    %k = kernel.alloc -> ref<[batch, 32], f32>             %k = kernel.arena 0 -> ref<..>          // %h is dead
    kernel.launch @c[batch](%g, %k)                        kernel.launch @c[batch](%g, %k)

A buffer lives from the first op that uses it, or a view of it, to the last. Where the dims are as large as they usually
are, buffers are placed one after the other, each into the smallest gap it fits (greedy by size, by time and by both:
Pisarchyk and Lee 2020, arXiv:2001.03288), and the smallest arena is taken. That says which buffer lies above which; an
offset is then the largest end of those below, as an expression that holds for every size of the dims (a `max` where
sizes cannot be compared). Sizes are rounded up term by term to 64 bytes, so that all offsets are multiples of 64.

A launch that may write in place (`in_place` of its kernel) gives its result the buffer of the operand, where it is the
last to use the one and the first to use the other: both are one buffer from then on.

In a loop, a buffer from outside lives in every round, hence from the beginning of the loop to its end; one of the body
lives in its own part of a round, for the next round writes it again before it reads it. Where rounds have slots, all
memory of a round is planned by itself, and there is one such part of the arena for each slot:

    kernel.for @t from 0 to N slots @slot 2 {              kernel.for @t from 0 to N slots @slot 2 {
      %h = kernel.alloc -> ref<[16, 8], f32>         ->      %h = kernel.arena (slot * 1024) -> ref<[16, 8], f32>
      %g = kernel.alloc -> ref<[16, 8], f32>                 %g = kernel.arena (slot * 1024 + 512) -> ref<[16, 8], f32>
Sections with nothing between them are gone through at the same time: what one uses lives while that of others does.
Must not share otherwise: a buffer read by the launch that writes another one. Remarks: the arena, and what it would be
without reuse.
Effect: the arena is the largest sum of live bytes for every model measured (python -m benchmarks.memory); writing in
place takes a quarter of it from ResNet-50 (7.2 -> 5.3 MB) and a third from GPT-2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim, Function, as_dim
from neuralc.dialects.graph import declared_dims
from neuralc.dialects.kernel.types import RefType
from neuralc.dialects.types import DimAttr
from neuralc.passes.base import ModulePass, PassContext

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector."""

LOOPS = (kernel.ForOp, kernel.WhileOp)

PASSIVE = (
    kernel.WeightOp,
    kernel.StateOp,
    kernel.NextStateOp,
    kernel.AllocOp,
    kernel.ArenaOp,
    kernel.StatusOp,
    kernel.ViewOp,
)
"""Ops that name memory and touch none of it."""

TYPICAL = 64
"""What symbolic sizes count as when buffers are sorted; no result depends on its truth."""


@dataclass(frozen=True)
class Lifetime:
    """A buffer, its size in bytes and the first and last op that uses it; or the memory of the rounds of a loop."""

    alloc: Operation
    """The kernel.alloc, or the kernel.for."""
    size: Dim
    first: int
    last: int
    heirs: tuple[Operation, ...] = ()
    """Buffers that take its place, each written by the launch that reads the one before for the last time."""
    sections: frozenset[tuple[int, int]] = frozenset()
    """Where it is used in sections: which of the groups that are gone through at the same time, and whose thread."""

    def overlaps(self, other: Lifetime) -> bool:
        return (self.first <= other.last and other.first <= self.last) or any(
            group == other_group and thread != other_thread
            for group, thread in self.sections
            for other_group, other_thread in other.sections
        )

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

    def overlaps(self, other: Placement) -> bool:
        return self.lifetime.overlaps(other.lifetime)


@dataclass(frozen=True)
class PlanMemoryPass(ModulePass):
    name = "kernel-plan-memory"

    reuse: bool = True
    """Let buffers that do not live together share bytes; without it each has its own, which helps to debug."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        minima = {name: op.minimum.data.value for name, op in declared_dims(module).items()}
        kernels = {op.sym_name.data: op for op in module.body.block.ops if isinstance(op, kernel.FuncOp)}
        for op in module.body.block.ops:
            if isinstance(op, kernel.HostOp):
                self._plan(op, kernels, minima, context)

    def _plan(
        self,
        host: kernel.HostOp,
        kernels: Mapping[str, kernel.FuncOp],
        minima: Mapping[str, int],
        context: PassContext,
    ) -> None:
        lifetimes, unused = buffer_lifetimes(host)
        for alloc in unused:
            Rewriter.erase_op(alloc)
            context.count("unused buffers removed")
        if not lifetimes and host.arena is not None:
            return
        start = Dim.constant(0) if host.arena is None else host.arena.data
        placements, top = self._placed(inherit(host, lifetimes, kernels) if self.reuse else lifetimes, minima, start)
        for placement in placements:
            for buffer in (placement.lifetime.alloc, *placement.lifetime.heirs):
                arena = kernel.ArenaOp(placement.offset, ref_of(buffer.results[0]))
                arena.location = buffer.location
                arena.attributes = dict(buffer.attributes)
                Rewriter.replace_op(buffer, arena)
        host.properties["arena"] = DimAttr(top)
        apart = _place_rounds_too(lifetimes, start, place_apart)[1]
        context.count("buffers placed", len(placements))
        context.count("results written in place", len(lifetimes) - len(placements))
        context.remark("analysis", host, f"arena of {top} bytes for {len(placements)} buffers, {apart} without reuse")

    def _placed(
        self, lifetimes: Sequence[Lifetime], minima: Mapping[str, int], start: Dim
    ) -> tuple[list[Placement], Dim]:
        method = partial(place, minima=minima) if self.reuse else place_apart
        return _place_rounds_too(lifetimes, start, method)


class Method(Protocol):
    """A way to place buffers from a place of the arena on: the placements, and the end of the last one."""

    def __call__(self, lifetimes: Sequence[Lifetime], *, start: Dim) -> tuple[list[Placement], Dim]: ...


def _place_rounds_too(lifetimes: Sequence[Lifetime], start: Dim, method: Method) -> tuple[list[Placement], Dim]:
    """Buffers by a method; those of rounds with slots by themselves, in a part of the arena for each slot."""
    loops: dict[kernel.ForOp, list[Lifetime]] = {}
    others: list[Lifetime] = []
    for lifetime in lifetimes:
        home = loop_with_slots(lifetime.alloc)
        (others if home is None else loops.setdefault(home, [])).append(lifetime)
    inner: dict[kernel.ForOp, list[Placement]] = {}
    steps: dict[kernel.ForOp, Dim] = {}
    for loop, own in loops.items():
        inner[loop], steps[loop] = method(own, start=Dim.constant(0))
        first, last = min(each.first for each in own), max(each.last for each in own)
        others.append(Lifetime(loop, steps[loop] * loop.slot_count, first, last))
    placements, top = method(others, start=start)
    placed = [each for each in placements if isinstance(each.lifetime.alloc, kernel.AllocOp)]
    for outer in placements:
        around = outer.lifetime.alloc
        if isinstance(around, kernel.ForOp):
            base = outer.offset + Dim.symbol(around.slot_name or "") * steps[around]
            placed += [Placement(each.lifetime, base + each.offset) for each in inner[around]]
    return placed, top


def loop_with_slots(op: Operation) -> kernel.ForOp | None:
    """The loop around an op whose rounds have slots."""
    outer = op.parent_op()
    while outer is not None and not (isinstance(outer, kernel.ForOp) and outer.slot_name is not None):
        outer = outer.parent_op()
    return outer


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
    lifetimes, unused, sections = [], [], _sections(host)
    for op in numbers:
        if not isinstance(op, kernel.AllocOp):
            continue
        users = list(users_of(op.result))
        used = [number for user in users for number in _times(user, op.parent, numbers, ends)]
        if used:
            size = aligned(ref_of(op.result).bytes)
            within = frozenset(sections[user] for user in users if user in sections)
            lifetimes.append(Lifetime(op, size, min(used), max(used), sections=within))
        else:
            unused.append(op)
    return lifetimes, unused


def _sections(host: kernel.HostOp) -> dict[Operation, tuple[int, int]]:
    """For what is in a section: the number of its group, and of its thread."""
    found: dict[Operation, tuple[int, int]] = {}
    groups = (sections_from(op) for op in host.walk() if isinstance(op, kernel.ForOp) and leads_sections(op))
    for number, group in enumerate(groups):
        for loop in group:
            found |= dict.fromkeys(loop.walk(), (number, loop.section_number or 0))
    return found


def leads_sections(loop: kernel.ForOp) -> bool:
    """Whether a loop is the first of sections that are gone through at the same time."""
    before = loop.prev_op
    while isinstance(before, PASSIVE):
        before = before.prev_op
    return loop.section is not None and not (isinstance(before, kernel.ForOp) and before.section is not None)


def sections_from(loop: kernel.ForOp) -> Iterable[kernel.ForOp]:
    """A section and those behind it with nothing between them that could wait: no launch, choice or other loop."""
    op: Operation | None = loop
    while isinstance(op, PASSIVE) or (isinstance(op, kernel.ForOp) and op.section is not None):
        if isinstance(op, kernel.ForOp):
            yield op
        op = op.next_op


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


def inherit(host: kernel.HostOp, lifetimes: Sequence[Lifetime], kernels: Mapping[str, kernel.FuncOp]) -> list[Lifetime]:
    """The lifetimes, of results that are written in place one with that of the operand."""
    owners: dict[Operation, Lifetime] = {each.alloc: each for each in lifetimes}
    numbers: dict[Operation, int] = {op: number for number, op in enumerate(host.body.walk())}
    results = {name: func.written.index(True) for name, func in kernels.items() if func.in_place and any(func.written)}
    for launch in numbers:
        if not isinstance(launch, kernel.LaunchOp) or launch.callee_name not in results:
            continue
        result = results[launch.callee_name]
        for operand in kernels[launch.callee_name].in_place:
            old, new = _whole(launch, operand), _whole(launch, result)
            if old is None or new is None or launch.args[operand].type != launch.args[result].type:
                continue
            owner, heir = owners[old], owners[new]
            at = numbers[launch]
            if owner is heir or (owner.last, heir.first) != (at, at) or owner.size != heir.size:
                continue
            merged = replace(
                owner,
                last=heir.last,
                heirs=(*owner.heirs, heir.alloc, *heir.heirs),
                sections=owner.sections | heir.sections,
            )
            owners |= dict.fromkeys((merged.alloc, *merged.heirs), merged)
            break
    return list({id(each): each for each in owners.values()}.values())


def _whole(launch: kernel.LaunchOp, number: int) -> kernel.AllocOp | None:
    """The buffer of the launch's block that an operand is all of, and no other operand is a part of."""
    roots = [_root(value) for value in launch.args]
    alloc = roots[number]
    if alloc is None or roots.count(alloc) > 1 or alloc.parent is not launch.parent:
        return None
    whole = as_dim(ref_of(launch.args[number]).bytes) == as_dim(ref_of(alloc.result).bytes)
    return alloc if whole else None


def _root(value: SSAValue) -> kernel.AllocOp | None:
    while isinstance(value.owner, kernel.ViewOp):
        value = value.owner.source
    return value.owner if isinstance(value.owner, kernel.AllocOp) else None


def aligned(size: Dim) -> Dim:
    """At least `size`, and a multiple of 64 whatever the dims are: each coefficient is rounded up."""
    return Dim(tuple((monomial, -(-c // ALIGNMENT) * ALIGNMENT) for monomial, c in size.terms if -(-c // ALIGNMENT)))


def typical(size: Dim) -> int:
    return size.evaluate(dict.fromkeys(size.symbols, TYPICAL))


def at_least(large: Dim, small: Dim, minima: Mapping[str, int]) -> bool:
    """True when `large >= small` for all sizes of the dims, as far as this can be seen."""
    return _is_nonnegative(large - small, minima)


def _is_nonnegative(size: Dim, minima: Mapping[str, int]) -> bool:
    """Whether every term counts up from the minima, with one side of a maximum in its place, or with either side."""
    lowered = {name: Dim.symbol(name) + minima.get(name, 1) for name in size.symbols}
    # Symbols inside of functions move as well, which changes nothing: a function is at least 0 either way.
    if all(coefficient >= 0 for _, coefficient in size.substitute(lowered).terms):
        return True
    for monomial, coefficient in size.terms:
        if len(monomial) == 1 and isinstance(largest := monomial[0], Function) and largest.name == "max":
            rest = size - Dim(((monomial, coefficient),))
            sides = (_is_nonnegative(rest + side * coefficient, minima) for side in (largest.lhs, largest.rhs))
            return any(sides) if coefficient > 0 else all(sides)
    return False


def place_apart(lifetimes: Sequence[Lifetime], start: Dim) -> tuple[list[Placement], Dim]:
    """Each buffer behind the one before it."""
    placements, top = [], start
    for lifetime in lifetimes:
        placements.append(Placement(lifetime, top))
        top += lifetime.size
    return placements, top


def place(lifetimes: Sequence[Lifetime], minima: Mapping[str, int], start: Dim) -> tuple[list[Placement], Dim]:
    """The smallest arena that a greedy order gives at typical sizes: the placements and the end of the arena."""
    numbers = min((_pack(sorted(lifetimes, key=order)) for order in ORDERS), key=lambda found: found.top).offsets
    placed: list[Placement] = []
    for lifetime in sorted(lifetimes, key=lambda each: (numbers[each.alloc], each.first)):
        below = [each for each in placed if each.lifetime.overlaps(lifetime)]
        # Of two that lie on each other the upper one counts.
        ends = [each.end for i, each in enumerate(below) if not any(map(each.overlaps, below[i + 1 :]))]
        placed.append(Placement(lifetime, _largest([start, *ends], minima)))
    tops = [each.end for i, each in enumerate(placed) if not any(map(each.overlaps, placed[i + 1 :]))]
    return placed, _largest([start, *tops], minima)


ORDERS: tuple[Callable[[Lifetime], tuple[int, ...]], ...] = (
    lambda each: (-each.weight, each.first),
    lambda each: (each.first, -each.weight),
    lambda each: (-each.last, -each.weight),
    lambda each: (-each.weight * (each.last - each.first + 1), each.first),
)
"""Who is placed first."""


@dataclass(frozen=True)
class Packed:
    """Offsets in bytes at typical sizes, and the end of the arena."""

    offsets: Mapping[Operation, int]
    top: int


def _pack(lifetimes: Sequence[Lifetime]) -> Packed:
    """Each buffer in the smallest gap between those that live at its time."""
    offsets: dict[Operation, int] = {}
    done: list[Lifetime] = []
    for lifetime in lifetimes:
        alive = sorted((offsets[each.alloc], each.weight) for each in done if each.overlaps(lifetime))
        best: tuple[int, int] | None = None
        floor = 0
        for offset, size in alive:
            gap = offset - floor
            if gap >= lifetime.weight and (best is None or gap < best[0]):
                best = gap, floor
            floor = max(floor, offset + size)
        offsets[lifetime.alloc] = floor if best is None else best[1]
        done.append(lifetime)
    return Packed(offsets, max((offsets[each.alloc] + each.weight for each in done), default=0))


def _largest(values: Sequence[Dim], minima: Mapping[str, int]) -> Dim:
    """The maximum, of those values that could be it."""
    kept: list[Dim] = []
    for value in values:
        if not any(at_least(other, value, minima) for other in kept):
            kept = [other for other in kept if not at_least(value, other, minima)] + [value]
    largest = kept[0]
    for value in kept[1:]:
        largest = largest.max(value)
    return largest
