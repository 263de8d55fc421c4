"""How large the blocks of a contraction are: measured tables, and a model for extents that fill them badly.

Registers and stack were read from cubins for sm_80. An fp32 dot is made of plain multiply-adds that are all written
out, so a deep step needs registers: 16 deep for large blocks, 32 for small ones. Tensor cores take fp16 deeper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from neuralc.dialects.dims import Dim
from neuralc.passes.lower.gpu.axes import power_of_two
from neuralc.passes.lower.nest import Size

LEAST = 16
"""Rows and columns of the smallest block: the shape of a tensor-core instruction."""
FEW_ROWS = 32
"""Below it, a block of 64 rows is mostly empty."""
ENOUGH_PROGRAMS = 256
"""Programs that keep a large GPU busy (108 multiprocessors of an A100, two programs each)."""
LOAD_COST = 16
"""Elements of a block's edge that cost as much to load as one step costs to compute."""


@dataclass(frozen=True)
class Blocks:
    """A block of the output, how deep a step is, and how Triton compiles it."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}x{self.depth}, {self.warps} warps"


def choose_blocks(rows: Size, columns: Size, depth: Size, element_bytes: int) -> Blocks:
    """The blocks for an output of rows x columns; a symbolic size is taken to be large."""
    block_rows, block_columns = _extent(rows), _extent(columns)
    half = element_bytes <= 2
    if isinstance(rows, int) and rows >= 128 and block_columns == 64:
        large = Blocks(128, 64, 32 if half else 16, 4 if half else 8, 3 if half else 2)
        if isinstance(columns, int) and -(-rows // 128) * -(-columns // 64) >= ENOUGH_PROGRAMS:
            return _shallow(large, depth, element_bytes)
    area = block_rows * block_columns
    step = (64 if area <= 1024 else 32) if half else (32 if area <= 1024 else 16)
    blocks = Blocks(block_rows, block_columns, step, max(1, min(4, area // 256)), 3 if half else 2)
    return _shallow(blocks, depth, element_bytes)


def _extent(size: Size) -> int:
    """16, 32 or 64: waste behind the end against loads, of which a larger block has fewer per element."""
    if isinstance(size, Dim):
        return 64

    def cost(extent: int) -> float:
        return -(-size // extent) * extent * (1 + LOAD_COST / extent)

    return min((64, 32, 16), key=cost)


def _shallow(blocks: Blocks, depth: Size, element_bytes: int) -> Blocks:
    """No deeper than the sum is long, and never below what tensor cores take."""
    least = 32 if element_bytes == 1 else LEAST
    if isinstance(depth, Dim):
        return replace(blocks, depth=max(least, blocks.depth))
    return replace(blocks, depth=max(least, min(blocks.depth, power_of_two(depth))))
