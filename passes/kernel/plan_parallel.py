"""kernel-plan-parallel: mark the launches that are worth a fork and join of threads.

    kernel.launch @dense[batch](%x, %w, %y)
 ->
    kernel.if ceildiv(batch, 6) * 8 >= 21 {
      kernel.launch @dense[batch](%x, %w, %y) {parallel}
    } else {
      kernel.launch @dense[batch](%x, %w, %y)
    }

A launch is worth it when all its programs together take longer than `threshold-ns` on one core. Where the grid is a
constant, or large enough at the smallest sizes, the launch is simply marked; where it depends on sizes, the host
decides by them. Must not fire on a grid of one program, nor on one that no size makes large enough.

Why a threshold: waking threads costs microseconds, a small layer at batch 1 takes less. Results do not depend on it:
programs are independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.ir import Block, Region
from xdsl.rewriter import InsertPoint, Rewriter

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
        costs: dict[str, float] = {}
        launches = [op for op in module.walk() if isinstance(op, kernel.LaunchOp) and not op.parallel]
        for launch in launches:
            func = table[launch.callee_name]
            if isinstance(func, kernel.FuncOp) and not _already_decided(launch):
                name = launch.callee_name
                if name not in costs:
                    costs[name] = program_nanoseconds(func, target, _minima(dims))
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
        costs = f"a program takes about {nanoseconds:.0f} ns, the grid is {grid}"
        smallest = _evaluate(grid, _minima(dims))
        largest = _evaluate(grid, _maxima(dims)) if grid.symbols <= set(_maxima(dims)) else None
        if smallest >= enough:
            launch.attributes["parallel"] = UnitAttr()
            context.remark("passed", launch, f"shared by threads: {costs}")
        elif grid.is_static or (largest is not None and largest < enough):
            context.remark("missed", launch, f"not worth {self.threshold_ns} ns of fork and join: {costs}")
        else:
            _choose_by_grid(launch, grid, enough)
            context.remark("passed", launch, f"shared by threads from {enough} programs: {costs}")


def _already_decided(launch: kernel.LaunchOp) -> bool:
    """True for the serial side of a choice that this pass has made."""
    choice = launch.parent_op()
    if not isinstance(choice, kernel.IfOp):
        return False
    twin = choice.then_body.block.first_op
    return isinstance(twin, kernel.LaunchOp) and twin.parallel and twin.callee == launch.callee


def _marked(launch: kernel.LaunchOp) -> kernel.LaunchOp:
    marked = launch.clone()
    marked.attributes["parallel"] = UnitAttr()
    return marked


def _choose_by_grid(launch: kernel.LaunchOp, grid: Dim, enough: int) -> None:
    parallel, serial = _marked(launch), launch.clone()
    choice = kernel.IfOp(grid, ">=", Dim.constant(enough), Region(Block([parallel])), Region(Block([serial])))
    choice.location = parallel.location = serial.location = launch.location
    Rewriter.insert_op(choice, InsertPoint.before(launch))
    Rewriter.erase_op(launch)


def _minima(dims: Mapping[str, DimOp]) -> dict[str, int]:
    return {name: op.minimum.data.value for name, op in dims.items()}


def _maxima(dims: Mapping[str, DimOp]) -> dict[str, int]:
    return {name: op.maximum.data.value for name, op in dims.items() if op.maximum is not None}


def _evaluate(grid: Dim, sizes: Mapping[str, int]) -> int:
    return grid.evaluate({name: sizes.get(name, 1) for name in grid.symbols})
