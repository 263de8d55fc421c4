"""Which launches of a host program need a barrier before them, since threads go through it side by side.

Two launches are in order by themselves only when one thread runs both: the first, or that of a section. Else a barrier
has to stand between them where one writes memory that the other reads or writes: a value, or bytes of the arena that
two buffers share. Memory is told apart by its buffer, and by bytes where they can be compared for all sizes, or by
lines: the border of a picture lies beside what it surrounds. A condition that is read from memory is read by every
thread. A launch that threads share from some grid on is the first thread's below it: between two of these a barrier
stands under that condition. Loops are gone through twice, the second time behind what the last round left.
Threads wait before and behind a loop whose rounds have slots; in it, barriers are for the rounds that are left over.
In a section there is nobody to wait for: what all its rounds touch waits in front of it, and of those beside it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import declared_dims, symbols
from neuralc.dialects.kernel import Enough
from neuralc.dialects.kernel.types import RefType
from neuralc.dialects.types import element_bytes
from neuralc.grammar.diagnostics import error
from neuralc.passes.kernel.plan_memory import at_least, leads_sections, ref_of, sections_from
from neuralc.passes.locations import span_of


@dataclass(frozen=True)
class Access:
    """Bytes `low` to `high` of a space that threads read or write between two barriers."""

    space: Hashable
    low: Dim
    high: Dim
    writes: bool
    shared: Enough | None
    """When any thread may do it: it is `thread` otherwise, or always where this is None."""
    op: Operation = field(compare=False)
    thread: int = 0
    lines: tuple[tuple[int, int], ...] = ()
    """(period, length) for each way to see the bytes as lines: those of which the distance from `low`, modulo the
    period, is less than the length."""
    passed: frozenset[Enough] = frozenset()
    """It is done where any of these holds: there was a barrier."""

    def next_round(self, counter: str) -> Access:
        """The same in the round before, whose counter is another number."""
        before = {counter: Dim.symbol(f"{counter}'")}
        return replace(self, low=self.low.substitute(before), high=self.high.substitute(before))

    def done(self, condition: Enough) -> bool:
        return any(each.grid == condition.grid and each.programs <= condition.programs for each in self.passed)


Accesses: TypeAlias = tuple[Access, ...]

ALWAYS = Enough(Dim.constant(0), 0)


@dataclass(frozen=True)
class Gap:
    """Where a barrier is missing: before an op, or at the end of a body; and the two accesses it has to part."""

    block: Block
    before: Operation | None
    first: Access
    second: Access
    conditions: tuple[Enough, ...]
    """The barrier is needed where any of these holds; always when there are none."""


def missing_barriers(module: ModuleOp, host: kernel.HostOp) -> Sequence[Gap]:
    """Where barriers have to be put so that all launches see what they need, in the order of the text."""
    if not host.takes_threads:
        return ()
    search = _Search(module, host)
    search.block(host.block, ())
    return tuple(search.gaps.values())


class _Search:
    """What threads may still be doing, op by op."""

    def __init__(self, module: ModuleOp, host: kernel.HostOp) -> None:
        self.symbols = symbols(module)
        self.minima = {name: op.minimum.data.value for name, op in declared_dims(module).items()}
        for op in host.walk():
            if isinstance(op, kernel.ForOp | kernel.WhileOp):
                self.minima |= {op.counter.data: 0, f"{op.counter.data}'": 0}
            if isinstance(op, kernel.ForOp) and op.slot_name is not None:
                self.minima[op.slot_name] = 0
        self.dims = frozenset(host.dims)
        self.sections: dict[kernel.ForOp, Accesses] = {}
        self.gaps: dict[tuple[Block, Operation | None], Gap] = {}

    def block(self, block: Block, pending: Accesses) -> Accesses:
        """What is going on behind the ops of a block."""
        for op in block.ops:
            match op:
                case kernel.ForOp() if op.section_number is not None:
                    if leads_sections(op):
                        beside = tuple(access for each in sections_from(op) for access in self._section(each))
                        pending = self._waited(beside, pending, block, op)
                    pending = self._behind(self._section(op), pending, block, op)
                case kernel.BarrierOp():
                    pending = _behind_barrier(op.conditions, pending)
                case kernel.LaunchOp():
                    pending = self._behind(self._launch(op), pending, block, op)
                case kernel.IfOp():
                    pending = self._either(op.then_body.block, op.else_body.block, pending)
                case kernel.BranchOp():
                    pending = self._behind(self._condition(op, op.condition), pending, block, op)
                    pending = self._either(op.then_body.block, op.else_body.block, pending)
                case kernel.ForOp() if op.slot_name is not None:
                    self._rounds(op, (), ())
                    pending = ()
                case kernel.ForOp():
                    pending = self._rounds(op, (), pending)
                case kernel.WhileOp():
                    condition = self._condition(op, op.condition)
                    pending = self._rounds(op, condition, self._behind(condition, pending, block, op))
        return pending

    def _either(self, then: Block, otherwise: Block, pending: Accesses) -> Accesses:
        return _union(self.block(then, pending), self.block(otherwise, pending))

    def _rounds(self, op: kernel.ForOp | kernel.WhileOp, condition: Accesses, pending: Accesses) -> Accesses:
        body, counter = op.body.block, op.counter.data

        def round_(before: Accesses) -> Accesses:
            return self._behind(condition, self.block(body, before), body, None)

        once = (access.next_round(counter) for access in round_(pending))
        again = (access.next_round(counter) for access in round_(_union(pending, once)))
        return _union(pending, again)

    def _behind(self, accesses: Accesses, pending: Accesses, block: Block, op: Operation | None) -> Accesses:
        """What is going on once these accesses have begun; finds that a barrier is missing before them."""
        return _union(self._waited(accesses, pending, block, op), accesses)

    def _waited(self, accesses: Accesses, pending: Accesses, block: Block, op: Operation | None) -> Accesses:
        """What is going on when these accesses may begin."""
        found = [(a, b, needs) for a in pending for b in accesses if (needs := self._conditions(a, b))]
        known = self.gaps.get((block, op))
        if not found and known is None:
            return pending
        needs = {condition for _, _, conditions in found for condition in conditions}
        needs.update((known.conditions or (ALWAYS,)) if known is not None else ())
        conditions = () if ALWAYS in needs else _weakest(needs)
        first, second = (known.first, known.second) if known is not None else found[0][:2]
        self.gaps[block, op] = Gap(block, op, first, second, conditions)
        return _behind_barrier(conditions, pending)

    def _conditions(self, first: Access, second: Access) -> set[Enough]:
        """When a barrier has to stand between two accesses; never where empty."""
        if first.space != second.space or not (first.writes or second.writes):
            return set()
        needs = {each.shared for each in (first, second) if each.shared is not None and not first.done(each.shared)}
        if first.thread != second.thread:
            needs = {ALWAYS}
        if needs and not self._apart(first, second):
            return needs
        return set()

    def _apart(self, first: Access, second: Access) -> bool:
        if at_least(second.low, first.high, self.minima) or at_least(first.low, second.high, self.minima):
            return True
        return _are_beside(first, second)

    def _launch(self, op: kernel.LaunchOp) -> Accesses:
        func = self.symbols.get(op.callee_name)
        if not isinstance(func, kernel.FuncOp):
            raise error("E9901", f"@{op.callee_name} is launched and is not a kernel.func", span_of(op.location))
        return tuple(accesses_of(op, func, self._shared(op, func)))

    def _section(self, section: kernel.ForOp) -> Accesses:
        """What a section touches in any of its rounds."""
        if section not in self.sections:
            number, within = section.section_number or 0, accesses_within(section, self.symbols)
            self.sections[section] = tuple(dict.fromkeys(replace(access, thread=number) for access in within))
        return self.sections[section]

    def _shared(self, op: kernel.LaunchOp, func: kernel.FuncOp) -> Enough | None:
        """When threads share a launch; always where that depends on sizes that change during the run."""
        if not op.parallel:
            return None
        grid = grid_of(op, func)
        return Enough(grid, op.parallel_from) if op.parallel_from > 2 and grid.symbols <= self.dims else ALWAYS

    def _condition(self, op: Operation, condition: SSAValue) -> Accesses:
        access = access_to(condition, False, ALWAYS, op)
        return () if access is None else (access,)


def accesses_of(launch: kernel.LaunchOp, func: kernel.FuncOp, shared: Enough | None = None) -> Iterable[Access]:
    """What a launch touches."""
    for value, writes in zip(launch.args, func.written, strict=True):
        access = access_to(value, writes, shared, launch)
        if access is not None:
            yield access


def accesses_within(op: Operation, table: Mapping[str, Operation]) -> Iterable[Access]:
    """What an op, all the launches and conditions in it, touches in any round of the loops in it."""
    counters = frozenset(each.counter.data for each in op.walk() if isinstance(each, kernel.ForOp | kernel.WhileOp))
    for each in op.walk():
        match each:
            case kernel.LaunchOp() if isinstance(func := table.get(each.callee_name), kernel.FuncOp):
                touched = list(zip(each.args, func.written, strict=True))
            case kernel.BranchOp() | kernel.WhileOp():
                touched = [(each.condition, False)]
            case _:
                continue
        for value, writes in touched:
            access = access_to(_still(value, counters), writes, None, each)
            if access is not None:
                yield access


def _still(value: SSAValue, counters: frozenset[str]) -> SSAValue:
    """The smallest part of its buffer that a reference is in whatever the counters are."""
    found = value
    while isinstance(value.owner, kernel.ViewOp):
        view, value = value.owner, value.owner.source
        if not view.offset.data.symbols.isdisjoint(counters) or not ref_of(view.result).symbols.isdisjoint(counters):
            found = value
    return found


def grid_of(launch: kernel.LaunchOp, func: kernel.FuncOp) -> Dim:
    """The grid of a launch over the sizes of the host program."""
    return func.grid.data.substitute(dict(zip(func.dims, launch.dims.data, strict=True)))


def _behind_barrier(conditions: Sequence[Enough], pending: Accesses) -> Accesses:
    if not conditions:
        return ()
    return tuple(replace(access, passed=access.passed | frozenset(conditions)) for access in pending)


def _weakest(conditions: Iterable[Enough]) -> tuple[Enough, ...]:
    """The conditions without those that others imply, in a fixed order."""
    least: dict[Dim, int] = {}
    for grid, programs in conditions:
        least[grid] = min(programs, least.get(grid, programs))
    return tuple(sorted(map(Enough._make, least.items()), key=str))


def _are_beside(first: Access, second: Access) -> bool:
    """Whether two accesses are to lines beside each other, as the rows of a picture and the border around them."""
    distance = second.low - first.low
    if not distance.is_static:
        return False
    lengths = dict(second.lines)
    for period, length in first.lines:
        behind = distance.value % period
        if period in lengths and behind >= length and behind + lengths[period] <= period:
            return True
    return False


def _lines(ref: RefType) -> tuple[tuple[int, int], ...]:
    """The ways to see a reference as lines: a stride of which those of the dims around are multiples."""
    width = element_bytes(ref.element_type)
    dims = [(stride, size) for size, stride in zip(ref.shape, ref.strides, strict=True) if size != 1]
    found: list[tuple[int, int]] = []
    for period, _ in dims:
        if isinstance(period, Dim) or not period:
            continue
        inner, even = 1, True
        for stride, size in dims:
            if isinstance(stride, Dim) or (stride < period and isinstance(size, Dim)):
                even = False
            elif stride < period and isinstance(size, int):
                inner += (size - 1) * stride
            else:
                even = even and stride % period == 0
        if even and inner < period:
            found.append((period * width, inner * width))
    return tuple(dict.fromkeys(found))


def access_to(value: SSAValue, writes: bool, shared: Enough | None, op: Operation) -> Access | None:
    """What a user of a reference may touch; None for weights, which nobody writes."""
    low = Dim.constant(0)
    size, lines = ref_of(value).bytes, _lines(ref_of(value))
    while isinstance(value.owner, kernel.ViewOp):
        low += value.owner.offset.data * element_bytes(ref_of(value).element_type)
        value = value.owner.source
    space: Hashable
    match value.owner:
        case kernel.WeightOp():
            return None
        case kernel.ArenaOp() as place:
            space, low = "arena", low + place.offset.data
        case kernel.StatusOp():
            space = "status"
        case kernel.StateOp() | kernel.NextStateOp() as state:
            space = (state.name, state.state_name)
        case _:
            space = ("argument", value.index) if isinstance(value, BlockArgument) else value
    return Access(space, low, low + size, writes, shared, op, lines=lines)


def _union(first: Iterable[Access], second: Iterable[Access]) -> Accesses:
    return tuple(dict.fromkeys((*first, *second)))
