"""How large the blocks of a contraction are: a small model of a GPU, over shapes that were measured to fit registers.

Programs run in waves, one on each multiprocessor; a program takes as long as its block is large, and longer the less
square it is, because every step loads an edge of rows and an edge of columns:

    waves * rows * columns * (1 + 16 / rows + 16 / columns)

Large blocks win where there is work for all multiprocessors, small ones where there is not: a few rows times a large
matrix. Registers and stack were read from cubins for sm_80: none of `SHAPES` spills, also as a convolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neuralc.dialects.dims import Dim
from neuralc.passes.lower.gpu.axes import power_of_two
from neuralc.passes.lower.nest import Size

MULTIPROCESSORS = 108
"""Of an A100. Triton's architecture names leave it open: an sm_86 has 16 to 84."""
EDGE_COST = 16
"""Elements of an edge that cost as much to load as one step costs to compute."""
LARGE = 1 << 20
"""What a size known at run time only is taken to be."""
SHORT_WORK = 1 << 19
"""Multiply-adds of a program that are over in about the time of a launch: not worth a second kernel."""


@dataclass(frozen=True)
class Blocks:
    """A block of the output, how deep a step is, and how Triton compiles it."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}, {self.depth} deep, {self.warps} warps"


@dataclass(frozen=True)
class Problem:
    """A product of matrices of elements of `element_bytes`, `around` times."""

    rows: Size
    columns: Size
    depth: Size
    around: Size
    element_bytes: int

    def cost(self, blocks: Blocks, rows: int) -> float:
        """The time of all waves, in arbitrary units."""
        columns, around = _number(self.columns), _number(self.around)
        programs = -(-rows // blocks.rows) * -(-columns // blocks.columns) * around
        edges = 1 + EDGE_COST / blocks.rows + EDGE_COST / blocks.columns
        return -(-programs // MULTIPROCESSORS) * blocks.rows * blocks.columns * edges

    def best(self, rows: int) -> Blocks:
        """The cheapest blocks for this many rows; of equally cheap ones the largest, which load least."""
        return min(self._candidates(), key=lambda b: (self.cost(b, rows), -b.rows * b.columns))

    def _candidates(self) -> Iterator[Blocks]:
        half = self.element_bytes <= 2
        for rows, columns, warps, depth in HALF_SHAPES if half else SHAPES:
            if self.element_bytes <= 4 or rows * columns <= 64 * 64:
                yield Blocks(rows, columns, self._depth(depth), warps, 3 if half else 2)

    def _depth(self, most: int) -> int:
        """No deeper than the sum is long, and never below what tensor cores take."""
        least = 32 if self.element_bytes == 1 else 16
        return max(least, most if isinstance(self.depth, Dim) else min(most, power_of_two(self.depth)))


SHAPES = (
    (16, 16, 2, 32), (16, 32, 4, 32), (16, 64, 4, 32),
    (32, 16, 4, 32), (32, 32, 4, 32), (32, 64, 4, 16),
    (64, 16, 4, 32), (64, 32, 4, 16), (64, 64, 4, 16),
    (64, 128, 8, 16), (128, 64, 8, 16), (128, 128, 8, 16),
)  # fmt: skip
"""(rows, columns, warps, depth of a step) for fp32, whose multiply-adds are all written out.

The largest are too large for fp64."""
HALF_SHAPES = (
    (16, 16, 1, 64), (16, 32, 2, 64), (16, 64, 4, 64),
    (32, 16, 2, 64), (32, 32, 4, 32), (32, 64, 4, 32),
    (64, 16, 4, 32), (64, 32, 4, 32), (64, 64, 4, 32),
    (128, 64, 4, 32), (128, 128, 8, 32),
)  # fmt: skip
"""The same for types of 16 bits and less, on tensor cores."""


def choose_blocks(problem: Problem) -> tuple[Blocks, tuple[int, Blocks] | None]:
    """The blocks for many rows, and where it pays: below how many rows others are better, and which.

    A number of rows known now leaves nothing to choose at run time.
    """
    if not isinstance(problem.rows, Dim):
        return problem.best(problem.rows), None
    many = problem.best(LARGE)
    fewest = problem.rows.evaluate(dict.fromkeys(problem.rows.symbols, 1))
    few = problem.best(fewest)
    if many.rows * many.columns * _number(problem.depth) <= SHORT_WORK:
        return many, None
    rows = few.rows
    while problem.cost(few, rows) < problem.cost(many, rows):
        rows *= 2
    return many, (rows, few) if rows > fewest else None


def _number(size: Size) -> int:
    return LARGE if isinstance(size, Dim) else size
