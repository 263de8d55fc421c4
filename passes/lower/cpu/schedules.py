"""The schedules of CPUs, by kind of nest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, RefType
from neuralc.dialects.types import element_bytes
from neuralc.passes.base import PassContext
from neuralc.passes.lower.cpu.attention import build_attention, cut
from neuralc.passes.lower.cpu.attention import choose_tile as choose_attention_tile
from neuralc.passes.lower.cpu.contract import build_contract
from neuralc.passes.lower.cpu.cumulate import build_cumulate
from neuralc.passes.lower.cpu.elementwise import build_elementwise, vector_lanes
from neuralc.passes.lower.cpu.fill import build_fill
from neuralc.passes.lower.cpu.gates import build_gates, cut_gates, gates_tile
from neuralc.passes.lower.cpu.reduce import build_reduce, row_letter
from neuralc.passes.lower.cpu.roles import STRIDED_LOAD, Roles, find_roles, in_lines, row_count, vector_cost
from neuralc.passes.lower.cpu.rows import build_rows
from neuralc.passes.lower.cpu.scatter import build_scatter
from neuralc.passes.lower.cpu.tile_choice import (
    MAX_ROWS,
    SAFE_ROWS,
    SET_PERIOD,
    RegisterTile,
    choose_tile,
    elementwise_tile,
    last_tile,
    line_gain,
)
from neuralc.passes.lower.cpu.top_k import build_top_k, scratch
from neuralc.passes.lower.cpu.winograd import build_winograd
from neuralc.passes.lower.nest import Nest, Operand, merge_loops
from neuralc.passes.lower.schedule import Move, Placed, Schedule, Schedules, Variant
from neuralc.passes.target import Target

CACHE_LINE = 64
"""Bytes."""
MANY_COLUMNS = 4096
"""What a number of columns that is known at run time only counts as."""


def _contract(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    if not nest.output.word or is_row_of_products(nest):
        nest = merge_loops(nest)
        context.remark("analysis", group, "no register tile: vectors run along what is added up")
        return [Variant(build_reduce(nest, target, nest.name), nest, once=True)]
    keep = find_roles(nest).vector
    nest = merge_loops(nest, keep)
    roles = find_roles(nest, keep)
    lanes = vector_lanes(nest, target)
    rows = row_count(nest, roles)
    tile = register_tile(nest, roles, target)
    if (lines := in_lines(nest, roles)) is not None:
        tile_of_line, steps = register_tile(nest, lines, target), _steps(nest, roles)
        if steps is not None and line_gain(tile, tile_of_line, steps) > 1:
            roles, rows, tile = lines, row_count(nest, lines), tile_of_line
    context.remark("analysis", group, f"register tile {tile}, {tile.efficiency:.0%} of peak by the model")
    name, last = nest.name, _last_tile(nest, roles, target, tile)
    whole = build_contract(nest, roles, target, name, tile, last)
    if not isinstance(rows, Dim):
        return [Variant(whole, nest, once=True)]
    single = RegisterTile(1, tile.vectors, lanes, 0.0)
    single_last = None if last is None else RegisterTile(1, last.vectors, lanes, 0.0)
    many = Variant(whole, nest, (rows, ">=", Dim.constant(2)), once=True)
    row = build_contract(nest, roles, target, f"{name}_row", single, single_last)
    return [many, Variant(row, nest, once=True)]


def _attention(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    parts = cut(nest)
    roles = find_roles(parts.scores, parts.column)
    tile = choose_attention_tile(parts, vector_lanes(parts.scores, target), target.vector_registers, _most_rows(roles))
    context.remark("analysis", group, f"register tile {tile}, {tile.efficiency:.0%} of peak by the model")
    return [Variant(build_attention(parts, target, tile, nest.name), parts.whole, once=True)]


def _gates(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    parts = cut_gates(nest)
    tile = gates_tile(parts, target)
    context.remark("analysis", group, f"register tile {tile}, {tile.efficiency:.0%} of peak by the model")
    if not isinstance(parts.rows, Dim):
        return [Variant(build_gates(parts, target, tile, nest.name), parts.whole, once=True)]
    several = (parts.rows, ">=", Dim.constant(2))
    row = build_gates(parts, target, replace(tile, rows=1), f"{nest.name}_row")
    return [
        Variant(build_gates(parts, target, tile, nest.name), parts.whole, several, once=True),
        Variant(row, parts.whole, once=True),
    ]


def _winograd(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
    return [Variant(build_winograd(nest, target, nest.name), nest)]


def is_row_of_products(nest: Nest) -> bool:
    """Whether both operands have their neighbours along a loop that is added up, and none along one of the output."""
    if any(operand.packed for operand in nest.inputs):
        return False
    best = min(vector_cost(nest, letter) for letter in nest.output.word)
    return best >= STRIDED_LOAD and bool(row_letter(nest))


def register_tile(nest: Nest, roles: Roles, target: Target) -> RegisterTile:
    """The tile that packing assumed, or a choice of its own."""
    lanes = vector_lanes(nest, target)
    size = nest.sizes[roles.vector]
    columns = MANY_COLUMNS if isinstance(size, Dim) else max(1, size)
    rows = row_count(nest, roles)
    if roles.elementwise and roles.rows:
        vectors = max(1, min(CACHE_LINE // target.vector_bytes, -(-columns // lanes)))
        return elementwise_tile(None if isinstance(rows, Dim) else rows, lanes, target.vector_registers, vectors)
    packed = roles.vectors.panel // lanes if roles.vectors.packed else None
    most = _most_rows(roles)
    return choose_tile(None if isinstance(rows, Dim) else rows, columns, lanes, target.vector_registers, packed, most)


def _last_tile(nest: Nest, roles: Roles, target: Target, tile: RegisterTile) -> RegisterTile | None:
    """The tile of the columns that full panels leave, if any."""
    columns, rows = nest.static(roles.vector), row_count(nest, roles)
    if columns is None or columns % tile.columns == 0:
        return None
    if roles.elementwise and roles.rows:
        left = -(-(columns % tile.columns) // tile.lanes)
        own = elementwise_tile(None if isinstance(rows, Dim) else rows, tile.lanes, target.vector_registers, left)
        return replace(own, rows=tile.rows) if isinstance(rows, Dim) else own
    most = _most_rows(roles)
    return last_tile(tile, columns, None if isinstance(rows, Dim) else rows, target.vector_registers, most)


def _steps(nest: Nest, roles: Roles) -> int | None:
    """Steps of k, where they are known."""
    sizes = [nest.static(letter) for letter in roles.reduced]
    known = [size for size in sizes if size is not None]
    return math.prod(known) if len(known) == len(sizes) else None


def _most_rows(roles: Roles) -> int:
    return SAFE_ROWS if any(_may_collide(roles.scalars, letter) for letter in roles.rows[-1:]) else MAX_ROWS


def _may_collide(operand: Operand, letter: str) -> bool:
    """Whether the neighbours along a loop may all lie in one set of the first-level cache."""
    distance = operand.stride(letter)
    return isinstance(distance, Dim) or distance * element_bytes(operand.ref.element_type) % SET_PERIOD == 0


def _merged(build: Callable[[Nest, Target, str], FuncOp]) -> Schedule:
    def run(group: tensor.GroupOp, nest: Nest, target: Target, context: PassContext) -> list[Variant]:
        nest = merge_loops(nest)
        return [Variant(build(nest, target, nest.name), nest, once=True)]

    return run


def _fill(name: str, refs: Sequence[RefType], around: int, value: float | int, target: Target) -> Placed:
    return build_fill(name, refs, around, value, target), list(refs)


SCHEDULES = Schedules(
    {
        "contract": _contract,
        "attention": _attention,
        "gates": _gates,
        "winograd": _winograd,
        "reduce": _merged(build_reduce),
        "rows": _merged(build_rows),
        "elementwise": _merged(build_elementwise),
    },
    _fill,
    moves={
        tensor.CumulateOp: Move(build_cumulate),
        tensor.ScatterOp: Move(build_scatter, copies=True),
        tensor.TopKOp: Move(build_top_k, scratch),
    },
)
