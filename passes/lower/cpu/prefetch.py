"""Weights are fetched while others are computed with: each step of k asks for a part of the next panel.

    for each row tile of the chunk:
      for k: acc += x[rows, k] * w[panel, k, :]
             prefetch w[panel + 1], the lines that are this step's part of it

A panel of weights that comes from memory is waited for by the first row tile that reads it, and where a panel has few
rows to be multiplied with, there is not much else to do. A core asks for no more than it reads, and the rows between
two panels are all in its cache, so that its memory rests meanwhile.

Measured on one core of a Zen 3 with 97 GFLOP/s and memory of 21 GB/s, weights of 72 MB in panels of 384 x 16, as a loop
of such tiles in C: 12 rows 66 -> 90 GFLOP/s, 24 rows 73 -> 93, 48 rows 82 -> 93, 192 rows 89 -> 92.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.types import element_bytes
from neuralc.passes.lower.cpu.roles import Roles
from neuralc.passes.lower.nest import Nest, Size
from neuralc.passes.target import Target

LINE = 64
"""Bytes of a cache line."""
MOST_ROWS = 384
"""Rows with which the wait for a panel is 2 % of the time, at 16 multiply-adds and 7 bytes from memory a cycle."""


@dataclass(frozen=True)
class NextPanel:
    """The panel behind the one that a program reads, which is fetched along `rows` rows from `first` on."""

    ref: SSAValue
    start: IndexLike
    """Its first element."""
    letters: Mapping[str, int]
    """The reductions, and how many steps of k one of theirs is."""
    steps: int
    """Of k, in a panel."""
    width: int
    """Of a panel, in elements."""
    first: IndexLike
    rows: IndexLike
    line: int
    """Elements of a cache line."""

    def part(self, b: KernelBuilder, row: IndexLike, height: int) -> Part:
        """What the row tile of `height` rows at `row` fetches: as much of the panel as it is of the rows."""
        behind = b.mul(b.minus(row, self.first), self.steps * self.width)
        begin = b.plus(self.start, b.div(behind, self.rows), "ahead")
        each = b.div(b.plus(b.minus(self.rows, 1), height * self.width), self.rows, "each")
        most = each if isinstance(each, int) else self.width
        return Part(self, begin, each, most)


@dataclass(frozen=True)
class Part:
    """The elements from `begin` on, `each` of them in a step of k, `most` at most."""

    panel: NextPanel
    begin: IndexLike
    each: IndexLike
    most: int

    def fetch(self, b: KernelBuilder, at: Mapping[str, IndexLike], steps: int) -> None:
        """Ask for the lines of several steps of k, of which the first one is at the places of the reductions."""
        number: IndexLike = 0
        for letter, distance in self.panel.letters.items():
            number = b.plus(number, b.mul(at[letter], distance))
        offset = b.plus(self.begin, b.mul(number, self.each))
        for line in range(0, steps * self.most, self.panel.line):
            b.prefetch(self.panel.ref, b.plus(offset, line))


def next_panel(
    b: KernelBuilder,
    nest: Nest,
    roles: Roles,
    target: Target,
    here: IndexLike | None,
    rows: Size,
    parts: Size,
    start: IndexLike,
) -> NextPanel | None:
    """The panel behind number `here` of packed weights, or None where fetching it ahead is not worth it.

    That is so where the weights are few, where rows are many, and where they have no panels. The panel changes behind
    each of `parts` parts of the rows, of which one begins at `start`.
    """
    panels, total = roles.vectors.ref.shape[0], _static_bytes(nest, roles)
    if here is None or panels == 1 or not isinstance(panels, int) or total is None or total <= target.caches.l1:
        return None
    first: IndexLike = 0
    if isinstance(rows, int):
        if isinstance(parts, int) and parts > 1 and total > target.caches.l2 // 2:
            rows, first = -(-rows // parts), start  # they come from far for each part anew
        if not 1 < rows <= MOST_ROWS:
            return None
    return panel_ahead(b, nest, roles, b.rem(b.plus(here, 1), panels), rows, first)


def panel_ahead(
    b: KernelBuilder, nest: Nest, roles: Roles, number: IndexLike, rows: Size, first: IndexLike
) -> NextPanel | None:
    """A panel of packed weights that is fetched along `rows` rows from `first` on; None where they have no panels."""
    weights = roles.vectors
    if _static_bytes(nest, roles) is None:
        return None
    letters, steps = {}, 1
    for letter in weights.word[-2::-1]:
        letters[letter] = steps
        steps *= nest.static(letter) or 1
    begin = b.mul(number, steps * weights.panel, "next_panel")
    many = b.maximum(b.size(rows), 1) if isinstance(rows, Dim) else rows
    line = LINE // element_bytes(weights.ref.element_type)
    return NextPanel(b.reference(weights.name), begin, letters, steps, weights.panel, first, many, line)


def _static_bytes(nest: Nest, roles: Roles) -> int | None:
    """Of all panels of the weights; None where they have none, or of another size in each run."""
    weights = roles.vectors
    sizes = [nest.static(letter) for letter in weights.word[:-1]]
    if not weights.packed or None in sizes or set(weights.word[:-1]) != set(roles.reduced):
        return None
    panels = weights.ref.shape[0]
    size = math.prod(each or 1 for each in sizes) * weights.panel * element_bytes(weights.ref.element_type)
    return panels * size if isinstance(panels, int) else None
