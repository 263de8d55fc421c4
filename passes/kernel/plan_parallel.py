"""kernel-plan-parallel: mark the launches that are worth a fork and join of threads, and from which grid on.

    kernel.launch @dense[batch](%x, %w, %y)   ->   kernel.launch @dense[batch](%x, %w, %y) {parallel = 22}

A launch is worth it when all its programs together take longer than `threshold-ns` on one core: for programs of 910 ns,
22 of them take 20 us. Where the grid is always that large, the launch is marked `parallel` without a number. What an
enclosing `kernel.if batch >= 6` says about sizes is used.
Must not fire on a grid of one program, nor on one that no size makes large enough.

Why a threshold: waking threads costs microseconds, a small layer at batch 1 takes less. Results do not depend on it:
programs are independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, UnitAttr, i64
from xdsl.ir import Operation

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import DimOp, declared_dims, symbols
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.kernel.cost import program_nanoseconds
from neuralc.passes.kernel.verify_target import need_target


@dataclass(frozen=True)
class PlanParallelPass(ModulePass):
    name = "kernel-plan-parallel"

    threshold_ns: int = 20_000
    """Estimated time of a launch on one core, in nanoseconds, from which threads share it."""

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

    def _decide(
        self,
        launch: kernel.LaunchOp,
        func: kernel.FuncOp,
        nanoseconds: float,
        dims: Mapping[str, DimOp],
        context: PassContext,
    ) -> None:
        grid = func.grid.data.substitute(dict(zip(func.dims, launch.dims.data, strict=True)))
        enough = max(2, math.ceil(self.threshold_ns / nanoseconds))
        least, most = grid_range(grid, sizes_at(launch, dims))
        costs = f"a program takes about {nanoseconds:.0f} ns, the grid is {grid}"
        launch.attributes.pop("parallel", None)
        if least >= enough:
            launch.attributes["parallel"] = UnitAttr()
            context.remark("passed", launch, f"shared by threads: {costs}")
        elif most is not None and most < enough:
            context.remark("missed", launch, f"not worth {self.threshold_ns} ns of fork and join: {costs}")
        else:
            launch.attributes["parallel"] = IntegerAttr(enough, i64)
            context.remark("passed", launch, f"shared by threads from {enough} programs: {costs}")


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
