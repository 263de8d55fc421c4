"""Which schedule a group gets: by its loops and by the target.

    nest                                    CPU                             GPU
    contraction, maps behind it             cpu/contract.py                 gpu/contract.py
    reduction, maps behind it               cpu/reduce.py                   gpu/reduce.py
    reductions over one row, maps           cpu/rows.py                     gpu/rows.py
    maps                                    cpu/elementwise.py              gpu/elementwise.py

Where the best kernel depends on a size known at run time only, there are several variants and the host chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp
from neuralc.passes.base import PassContext
from neuralc.passes.lower import gpu
from neuralc.passes.lower.cpu.contract import build_contract, find_roles, row_count
from neuralc.passes.lower.cpu.elementwise import build_elementwise, vector_lanes
from neuralc.passes.lower.cpu.reduce import build_reduce
from neuralc.passes.lower.cpu.rows import build_rows
from neuralc.passes.lower.cpu.tile_choice import RegisterTile, choose_tile
from neuralc.passes.lower.nest import Nest, merge_loops
from neuralc.passes.target import Target


@dataclass(frozen=True)
class Variant:
    """A kernel, the nest that says what its arguments are, and when it is the right one."""

    func: FuncOp
    nest: Nest
    condition: tuple[Dim, str, Dim] | None = None


Schedule = Callable[[tensor.GroupOp, Nest, Target, PassContext], list[Variant]]


def schedule(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    """The kernels of a group; all variants but the last have a condition."""
    table = GPU if target.name == "cuda" else CPU
    variants = table[kind_of(nest)](group, nest, target, context)
    for variant in variants:
        variant.func.location = group.location
        for op in variant.func.walk():
            op.location = group.location
    return variants


def kind_of(nest: Nest) -> str:
    """`contract`, `reduce`, `rows` or `elementwise`."""
    first = nest.stages[0].op
    reductions = [stage for stage in nest.stages if isinstance(stage.op, tensor.ReduceOp)]
    if isinstance(first, tensor.ContractOp):
        return "contract"
    if isinstance(first, tensor.ReduceOp) and len(reductions) == 1 and nest.stages[-1].word == nest.stages[0].word:
        return "reduce"
    return "rows" if reductions else "elementwise"


def _cpu_contract(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    roles = find_roles(nest)
    keep = roles.vector
    nest = merge_loops(nest, keep)
    if nest.static(keep) is None:
        context.remark("missed", group, f"no register tile: its last loop is {nest.sizes[keep]} long")
        return [Variant(build_reduce(nest, target, nest.name), nest)]
    roles = find_roles(nest)
    lanes = vector_lanes(nest, target)
    rows = row_count(nest, roles)
    tile = register_tile(nest, target)
    context.remark("analysis", group, f"register tile {tile}, {tile.efficiency:.0%} of peak by the model")
    name = nest.name
    if not isinstance(rows, Dim):
        return [Variant(build_contract(nest, target, name, tile), nest)]
    single = RegisterTile(1, tile.vectors, lanes, 0.0)
    many = Variant(build_contract(nest, target, name, tile, clamp=True), nest, (rows, ">=", Dim.constant(tile.rows)))
    return [many, Variant(build_contract(nest, target, f"{name}_row", single), nest)]


def register_tile(nest: Nest, target: Target) -> RegisterTile:
    """The tile that packing assumed, or a choice of its own."""
    roles = find_roles(nest)
    lanes = vector_lanes(nest, target)
    columns = nest.static(roles.vector) or 1
    rows = row_count(nest, roles)
    packed = roles.vectors.panel // lanes if roles.vectors.packed else None
    return choose_tile(None if isinstance(rows, Dim) else rows, columns, lanes, target.vector_registers, packed)


def _merged(build: Callable[[Nest, Target, str], FuncOp]) -> Schedule:
    def run(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
        nest = merge_loops(nest)
        return [Variant(build(nest, target, nest.name), nest)]

    return run


CPU: dict[str, Schedule] = {
    "contract": _cpu_contract,
    "reduce": _merged(build_reduce),
    "rows": _merged(build_rows),
    "elementwise": _merged(build_elementwise),
}


def _gpu_contract(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    kernels = gpu.build_contract(merge_loops(nest), nest.name)
    for kernel in kernels:
        context.remark("analysis", group, f"@{kernel.func.sym_name.data}: {kernel.form}")
    return [Variant(kernel.func, kernel.nest, kernel.condition) for kernel in kernels]


def _gpu(build: Callable[[Nest, str], tuple[FuncOp, Nest]]) -> Schedule:
    def run(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
        return [Variant(*build(merge_loops(nest), nest.name))]

    return run


GPU: dict[str, Schedule] = {
    "contract": _gpu_contract,
    "reduce": _gpu(gpu.build_reduce),
    "rows": _gpu(gpu.build_rows),
    "elementwise": _gpu(gpu.build_elementwise),
}
