"""The schedules of GPUs, by kind of nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neuralc.dialects import tensor
from neuralc.dialects.kernel import FuncOp, RefType
from neuralc.passes.base import PassContext
from neuralc.passes.lower.gpu.contract import build_contract
from neuralc.passes.lower.gpu.elementwise import build_elementwise
from neuralc.passes.lower.gpu.pad import build_fill, build_pad
from neuralc.passes.lower.gpu.reduce import build_reduce
from neuralc.passes.lower.gpu.rows import build_rows
from neuralc.passes.lower.nest import Nest, merge_loops
from neuralc.passes.lower.schedule import Placed, Schedule, Schedules, Variant
from neuralc.passes.target import Target


def _contract(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    kernels = build_contract(merge_loops(nest), nest.name)
    for kernel in kernels:
        context.remark("analysis", group, f"@{kernel.func.sym_name.data}: {kernel.form}")
    return [Variant(kernel.func, kernel.nest, kernel.condition) for kernel in kernels]


def _merged(build: Callable[[Nest, str], tuple[FuncOp, Nest]]) -> Schedule:
    def run(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
        return [Variant(*build(merge_loops(nest), nest.name))]

    return run


def _fill(name: str, refs: Sequence[RefType], around: int, value: float | int, target: Target) -> Placed:
    return build_fill(name, refs, value)


SCHEDULES = Schedules(
    {
        "contract": _contract,
        "reduce": _merged(build_reduce),
        "rows": _merged(build_rows),
        "elementwise": _merged(build_elementwise),
    },
    _fill,
    build_pad,
)
