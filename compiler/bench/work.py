"""What a launch has to do: its floating-point operations and the bytes it touches, counted on the kernel.

Operations are those that the code executes, the lanes of an edge tile that nobody needs included: the share of the
machine's peak is then that of the instructions. A multiply-add is two. Bytes are those of all references, once each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.ir import Block, SSAValue

from neuralc.dialects import kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.types import TileType
from neuralc.dialects.types import element_bytes, is_float
from neuralc.passes.kernel.cost import index_value, trips_of


@dataclass(frozen=True)
class Work:
    """Of one launch. `flops` is None where the loops of a program depend on which program it is."""

    flops: float | None
    bytes: float


def work_of(func: kernel.FuncOp, sizes: Mapping[str, int]) -> Work:
    """The work of all programs of a kernel with these sizes of its dims."""
    known: dict[SSAValue, Dim] = {
        argument: Dim.constant(sizes[name]) for name, argument in zip(func.dims, func.dim_arguments, strict=True)
    }
    one = _flops(func.block, known)
    types = [each.type for each in func.references]
    bytes_ = sum(t.span.evaluate(sizes) * element_bytes(t.element_type) for t in types if isinstance(t, kernel.RefType))
    return Work(None if one is None else one * func.grid.data.evaluate(sizes), float(bytes_))


def _flops(block: Block, known: Mapping[SSAValue, Dim]) -> float | None:
    total = 0.0
    for op in block.ops:
        if isinstance(op, kernel.LoopOp):
            inside = _flops(op.block, known)
            if inside == 0:
                continue
            bounds = (op.lower, op.upper)
            if inside is None or any(isinstance(b, SSAValue) and index_value(b, known) is None for b in bounds):
                return None
            total += inside * trips_of(op, known)
        elif isinstance(op, kernel.DotOp):
            lhs = op.lhs.type
            total += 2.0 * _elements(op.result) * (lhs.shape[1] if isinstance(lhs, TileType) else 1)
        elif isinstance(op, kernel.MapOp):
            total += _elements(op.results[0]) * (2 if op.fn.data == "fma" else 1)
    return total


def _elements(value: SSAValue) -> float:
    """The floats of a tile; integers and truth values are no floating-point operations."""
    tile = value.type
    return math.prod(tile.shape) if isinstance(tile, TileType) and is_float(tile.element_type) else 0
