"""The schedules of CPUs, by kind of nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, RefType
from neuralc.passes.base import PassContext
from neuralc.passes.lower.cpu.contract import build_contract, find_roles, row_count
from neuralc.passes.lower.cpu.elementwise import build_elementwise, vector_lanes
from neuralc.passes.lower.cpu.fill import build_fill
from neuralc.passes.lower.cpu.reduce import build_reduce
from neuralc.passes.lower.cpu.rows import build_rows
from neuralc.passes.lower.cpu.tile_choice import RegisterTile, choose_tile
from neuralc.passes.lower.nest import Nest, merge_loops
from neuralc.passes.lower.schedule import Placed, Schedule, Schedules, Variant
from neuralc.passes.target import Target


def _contract(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
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


def _fill(name: str, refs: Sequence[RefType], around: int, value: float | int, target: Target) -> Placed:
    return build_fill(name, refs, around, value, target), list(refs)


SCHEDULES = Schedules(
    {
        "contract": _contract,
        "reduce": _merged(build_reduce),
        "rows": _merged(build_rows),
        "elementwise": _merged(build_elementwise),
    },
    _fill,
)
