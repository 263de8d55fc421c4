"""What a launch has to do: its floating-point operations and the bytes it touches, counted on the kernel.

Operations are those that the code executes, the lanes of an edge tile that nobody needs included: the share of the
machine's peak is then that of the instructions. A multiply-add is two. Of each reference the bytes that are loaded or
stored count, and no more than it has: what is read again comes from a cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.ir import Block, Operation, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.types import element_bytes, is_float
from neuralc.passes.kernel.cost import index_value, trips_of

MOST_PROGRAMS = 4096
"""Programs whose loops are looked at one by one, where they depend on which program it is."""


@dataclass(frozen=True)
class Work:
    """Of one launch. `flops` is None where how often a loop runs is not known before."""

    flops: float | None
    bytes: float


class Unknown(Exception):
    """The bounds of a loop are not numbers."""


@dataclass
class _Count:
    """Operations, and the bytes that are moved of each reference."""

    flops: float = 0.0
    moved: dict[SSAValue, float] = field(default_factory=dict)


def work_of(func: kernel.FuncOp, sizes: Mapping[str, int]) -> Work:
    """The work of all programs of a kernel with these sizes of its dims."""
    known: dict[SSAValue, Dim] = {
        argument: Dim.constant(sizes[name]) for name, argument in zip(func.dims, func.dim_arguments, strict=True)
    }
    spans = {value: _bytes_of(value, sizes) for value in func.references}
    try:
        count = _count_all(func, known, func.grid.data.evaluate(sizes))
    except Unknown:
        return Work(None, sum(spans.values()))
    return Work(count.flops, sum(min(span, count.moved.get(value, 0.0)) for value, span in spans.items()))


def _count_all(func: kernel.FuncOp, known: Mapping[SSAValue, Dim], programs: int) -> _Count:
    count = _Count()
    try:
        _add(func.block, known, programs, count)
    except Unknown:
        if programs > MOST_PROGRAMS:
            raise
        count, ids = _Count(), [op.result for op in func.walk() if isinstance(op, kernel.ProgramIdOp)]
        for program in range(programs):
            _add(func.block, {**known, **dict.fromkeys(ids, Dim.constant(program))}, 1, count)
    return count


def _add(block: Block, known: Mapping[SSAValue, Dim], times: float, count: _Count) -> None:
    """Add what a block does when it runs so many times. Raises Unknown."""
    for op in block.ops:
        if isinstance(op, kernel.LoopOp):
            if any(isinstance(each, SSAValue) and index_value(each, known) is None for each in (op.lower, op.upper)):
                raise Unknown
            _add(op.block, known, times * trips_of(op, known), count)
        else:
            count.flops += times * _flops(op)
            for value, moved in _moved(op):
                count.moved[value] = count.moved.get(value, 0.0) + times * moved


def _flops(op: Operation) -> float:
    """Those of a tile's floats; integers and truth values have none."""
    if isinstance(op, kernel.DotOp):
        lhs = op.lhs.type
        return 2.0 * _floats(op.result) * (lhs.shape[1] if isinstance(lhs, TileType) else 1)
    if isinstance(op, kernel.MapOp):
        return _floats(op.results[0]) * (2 if op.fn.data == "fma" else 1)
    return 0.0


def _moved(op: Operation) -> list[tuple[SSAValue, float]]:
    """The references that an op reads or writes, and the bytes of the tiles that it moves."""
    tiles = [value.type for value in (*op.operands, *op.results) if isinstance(value.type, TileType)]
    size = max((math.prod(tile.shape) * element_bytes(tile.element_type) for tile in tiles), default=0)
    return [(value, float(size)) for value in op.operands if isinstance(value.type, kernel.RefType)]


def _floats(value: SSAValue) -> float:
    tile = value.type
    return math.prod(tile.shape) if isinstance(tile, TileType) and is_float(tile.element_type) else 0


def _bytes_of(value: SSAValue, sizes: Mapping[str, int]) -> float:
    type_ = value.type
    if not isinstance(type_, kernel.RefType):
        raise TypeError(f"expected a reference, got {type_}")
    return float(type_.span.evaluate(sizes) * element_bytes(type_.element_type))
