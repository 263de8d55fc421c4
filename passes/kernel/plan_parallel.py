"""kernel-plan-parallel: mark the launches that threads share, and from which grid on; say how much work that is.

    kernel.host @m(..) .. {                               kernel.host @m(..) .. shared (batch * 910) {
      kernel.launch @dense[batch](%x, %w, %y)      ->       kernel.launch @dense[batch](%x, %w, %y) {parallel = 2}

A launch is worth it when its share of another thread takes longer than the threads need to wait for each other before
and behind it: when all its programs together take longer than `threshold-ns` on one core. For programs of 910 ns that
is a grid of 2. Where the grid is always that large, the launch is marked `parallel` without a number. What an enclosing
`kernel.if batch >= 6` says about sizes is used. `shared` is the time of all these launches on one core, with the sizes
of a run: a run asks for threads when that is longer than a fork and a join, which stand around the whole program.
Must not fire on a grid of one program, nor on one that no size makes large enough.

Rounds of a loop that do not need each other (independent_rounds.py) are given slots, `slots` of them, or as many as a
run may have threads: a thread that has a round to itself waits for nobody in it. The loop has to have a round for each.

      kernel.for @t from 0 to 8 { .. }               ->     kernel.for @t from 0 to 8 slots @slot 2 { .. }

Loops that do not need each other (sections.py), as those of the two directions of a recurrence, are sections, one for
each thread, where that takes less time than sharing their launches; what the second one needs moves in front of both.

      kernel.for @t from 0 to 32 { .. }              ->     kernel.for @t from 0 to 32 section 0 { .. }
      kernel.for @u from 0 to 32 { .. }                     kernel.for @u from 0 to 32 section 1 { .. }

Results do not depend on it: programs are independent, and kernel-place-barriers keeps launches in order.
Measured with 2 threads on an AMD EPYC (Zen 4), one region a run against a fork and a join for each launch above 20 us:
LSTM of 2 x 128 units, 50 steps: 425 to 218 us (343 on one thread); MLP of 784, 256, 128, 10: 19.7 to 9.1 us (14.6).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, UnitAttr, i64
from xdsl.ir import Block, Operation

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import DimOp, declared_dims, symbols
from neuralc.dialects.types import DimAttr
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.kernel.cost import program_nanoseconds
from neuralc.passes.kernel.hazards import grid_of
from neuralc.passes.kernel.independent_rounds import dependence
from neuralc.passes.kernel.sections import Estimate, give_sections
from neuralc.passes.kernel.verify_target import need_target

MOST_SLOTS = 16
"""Slots take memory each."""


@dataclass(frozen=True)
class PlanParallelPass(ModulePass):
    name = "kernel-plan-parallel"

    threshold_ns: int = 1_000
    """Estimated time of a launch on one core, in nanoseconds, from which threads share it: about the time of two
    barriers, and of what the caches of two cores have to exchange, once for each thread."""
    slots: int = 0
    """Threads that go through independent rounds side by side; 0 means the threads of a run, `MOST_SLOTS` at
    most."""
    sections: int = 0
    """Threads that have a loop of their own; 0 means the threads of a run."""

    def run(self, module: ModuleOp, context: PassContext) -> None:
        target, dims, table = need_target(context), declared_dims(module), symbols(module)
        minima = {name: op.minimum.data.value for name, op in dims.items()}
        costs: dict[str, float] = {}
        for launch in [op for op in module.walk() if isinstance(op, kernel.LaunchOp)]:
            name = launch.callee_name
            func = table[name]
            if isinstance(func, kernel.FuncOp):
                if name not in costs:
                    costs[name] = program_nanoseconds(func, target, minima)
                self._decide(launch, func, costs[name], dims, context)
        for host in [op for op in module.body.block.ops if isinstance(op, kernel.HostOp)]:
            for loop in [op for op in host.walk() if isinstance(op, kernel.ForOp)]:
                self._give_slots(loop, host, table, minima, context)
            estimate = Estimate(table, costs, minima, self.sections or context.threads, self.threshold_ns)
            for group in give_sections(host, estimate):
                counters = " and ".join(f"@{loop.counter.data}" for loop in group)
                context.remark("passed", group[0], f"{counters} do not need each other: a thread goes through each")
            total = _shared_work(host.block, costs, table)
            host.properties.pop("shared", None)
            if total != Dim.constant(0):
                host.properties["shared"] = DimAttr(total)

    def _give_slots(
        self,
        loop: kernel.ForOp,
        host: kernel.HostOp,
        table: Mapping[str, Operation],
        minima: Mapping[str, int],
        context: PassContext,
    ) -> None:
        loop.clear_slots()
        count = self.slots or min(context.threads, MOST_SLOTS)
        count = min(count, loop.trips.data.value) if loop.trips.data.is_static else count
        if count < 2 or _inside_of_slots(loop):
            return
        reason = dependence(loop, table, minima)
        if reason is not None:
            context.remark("missed", loop, f"rounds are in order: {reason}")
            return
        loop.set_slots(_free_name("slot", host), count)
        context.remark("passed", loop, f"rounds are independent: {count} threads go through them side by side")

    def _decide(
        self,
        launch: kernel.LaunchOp,
        func: kernel.FuncOp,
        nanoseconds: float,
        dims: Mapping[str, DimOp],
        context: PassContext,
    ) -> None:
        grid = grid_of(launch, func)
        enough = max(2, math.ceil(self.threshold_ns / nanoseconds))
        least, most = grid_range(grid, sizes_at(launch, dims))
        costs = f"a program takes about {nanoseconds:.0f} ns, the grid is {grid}"
        launch.attributes.pop("parallel", None)
        if least >= enough:
            launch.attributes["parallel"] = UnitAttr()
            context.remark("passed", launch, f"shared by threads: {costs}")
        elif most is not None and most < enough:
            context.remark(
                "missed",
                launch,
                f"not worth {self.threshold_ns} ns of waiting: {costs}",
            )
        else:
            launch.attributes["parallel"] = IntegerAttr(enough, i64)
            context.remark("passed", launch, f"shared by threads from {enough} programs: {costs}")


def _inside_of_slots(loop: kernel.ForOp) -> bool:
    outer = loop.parent_op()
    while outer is not None:
        if isinstance(outer, kernel.ForOp) and outer.slot_name is not None:
            return True
        outer = outer.parent_op()
    return False


def _free_name(name: str, host: kernel.HostOp) -> str:
    """A name that no size of the host program has."""
    taken = {*host.dims}
    for op in host.walk():
        match op:
            case kernel.ForOp():
                taken |= {op.counter.data, op.slot_name or ""}
            case kernel.WhileOp():
                taken.add(op.counter.data)
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _shared_work(
    block: Block, costs: Mapping[str, float], table: Mapping[str, Operation], *, slots: bool = False
) -> Dim:
    """Nanoseconds on one core of the parallel launches of a block; of all its launches in `slots` and sections.

    Of a choice by sizes the way of small ones counts, for which it is a question whether threads are worth it; of a
    choice by a value the first one. Rounds whose number is not known before the run count once.
    """
    total = Dim.constant(0)
    for op in block.ops:
        match op:
            case kernel.LaunchOp() if (slots or op.parallel) and isinstance(
                func := table[op.callee_name], kernel.FuncOp
            ):
                total += grid_of(op, func) * round(costs[op.callee_name])
            case kernel.IfOp():
                small = op.else_body if op.relation.data == ">=" else op.then_body
                total += _shared_work(small.block, costs, table, slots=slots)
            case kernel.BranchOp():
                total += _shared_work(op.then_body.block, costs, table, slots=slots)
            case kernel.ForOp():
                own = slots or op.slot_name is not None or op.section_number is not None
                work = _shared_work(op.body.block, costs, table, slots=own)
                total += work.substitute({op.counter.data: 0}) * op.trips.data
            case kernel.WhileOp():
                total += _shared_work(op.body.block, costs, table, slots=slots).substitute({op.counter.data: 0})
    return total


@dataclass(frozen=True)
class Range:
    """The values a size can have; no upper bound where it is None."""

    least: int = 1
    most: int | None = None

    def meet(self, least: int | None = None, most: int | None = None) -> Range:
        low = self.least if least is None else max(self.least, least)
        bounds = [bound for bound in (self.most, most) if bound is not None]
        return Range(low, min(bounds, default=None))


def sizes_at(op: Operation, dims: Mapping[str, DimOp]) -> dict[str, Range]:
    """What is known about the sizes where an op stands: their declarations, and the choices around it."""
    known = {
        name: Range(dim.minimum.data.value, None if dim.maximum is None else dim.maximum.data.value)
        for name, dim in dims.items()
    }
    inner, outer = op, op.parent_op()
    while outer is not None:
        if isinstance(outer, kernel.IfOp) and (symbol := symbol_of(outer.lhs.data)) and outer.rhs.data.is_static:
            holds = inner.parent_region() is outer.then_body
            limits = _implied(outer.relation.data, outer.rhs.data.value, holds)
            known[symbol] = known.get(symbol, Range()).meet(*limits)
        inner, outer = outer, outer.parent_op()
    return known


def symbol_of(size: Dim) -> str | None:
    """The name of a size that is one symbol and nothing else."""
    name = next(iter(size.symbols), None)
    return name if name is not None and size == Dim.symbol(name) else None


def _implied(relation: str, limit: int, holds: bool) -> tuple[int | None, int | None]:
    """The least and the most a size can be when `size relation limit` holds, or does not."""
    match relation, holds:
        case (">=", True):
            return limit, None
        case (">=", False):
            return None, limit - 1
        case ("<=", True):
            return None, limit
        case ("<=", False):
            return limit + 1, None
        case ("==", True):
            return limit, limit
        case _:
            return None, None


def grid_range(grid: Dim, sizes: Mapping[str, Range]) -> tuple[int, int | None]:
    """The smallest and the largest grid: grids grow with the sizes they are made of."""
    ranges = {name: sizes.get(name, Range()) for name in grid.symbols}
    least = grid.evaluate({name: found.least for name, found in ranges.items()})
    upper = {name: found.most for name, found in ranges.items() if found.most is not None}
    return least, grid.evaluate(upper) if len(upper) == len(ranges) else None
