"""Attention on a CPU: rows of scores, what is made of them and what they add up stay in a program's own memory.

    program (outer loops, chunk of rows):
      for each panel of columns:  scores[rows, panel] = epilogue(q[rows, :] . k[:, panel])       contract.py
      for each row:               scores[row, :] = softmax(scores[row, :])                       rows.py
      for each panel of features: out[rows, panel] = epilogue(scores[rows, :] . v[:, panel])     contract.py

A chunk has as many rows as leave their scores in the first-level cache, a few register tiles at least as long as these
fit the second one. A row is there as a whole, so that nothing has to be scaled again as the maximum grows (Dao et al.
2022 do that for rows that would not fit the memory of a GPU's block).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim, product, simplest
from neuralc.dialects.kernel import FuncOp, RefType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.types import element_bytes
from neuralc.passes.host import Caches
from neuralc.passes.lower.cpu.contract import ContractSchedule, rows_of_chunk
from neuralc.passes.lower.cpu.roles import find_roles
from neuralc.passes.lower.cpu.rows import RowSchedule
from neuralc.passes.lower.cpu.tile_choice import (
    FMA_PIPES,
    MAX_VECTORS,
    SET_PERIOD,
    RegisterTile,
    step_cycles,
)
from neuralc.passes.lower.nest import Nest, Operand, Size, Stage, drop_unit_loops, part_of
from neuralc.passes.lower.tiles import Place
from neuralc.passes.target import Target

FEW_TILES = 4
"""Tiles of rows beside whose products the way of a panel to the first-level cache is short."""
CACHE_LINE = 64
"""Bytes."""


@dataclass(frozen=True)
class Attention:
    """Two contractions with rows between them, each a nest of its own over memory that a program has to itself."""

    whole: Nest
    scores: Nest
    rows: Nest
    sums: Nest
    memory: Operand
    """The scores of a chunk, from its first row on."""
    outer: str
    """The loops around rows and columns."""
    row: str
    column: str
    feature: str
    """The loop along which sums have vectors."""

    @property
    def row_count(self) -> int:
        return self.whole.static(self.row) or 1

    @property
    def column_count(self) -> int:
        return self.whole.static(self.column) or 1


def rows_in_cache(columns: int, size: int, height: int, caches: Caches) -> int:
    """How many rows of so many scores of `size` bytes, in tiles of `height`, a chunk has; 0 where no tile fits."""
    near, far = (int(room) // (columns * size) // height for room in (caches.l1 * 3 // 4, caches.l2 // 4))
    return max(near, min(far, FEW_TILES)) * height


def cut(nest: Nest) -> Attention:
    """The parts of a nest that tensor-fuse-attention made."""
    last = next(i for i, stage in enumerate(nest.stages) if i and isinstance(stage.op, tensor.ContractOp))
    first = _end_of_scores(nest.stages)
    word = nest.stages[first - 1].word
    column = word[-1]
    beside = next(operand for operand in _operands(nest, nest.stages[0]) if column in operand.word)
    (row,) = (letter for letter in word[:-1] if letter not in beside.word)
    (feature,) = (letter for letter in nest.stages[last].word if letter not in word)
    nest = drop_unit_loops(nest, keep=row + column + feature)
    outer = "".join(letter for letter in nest.output.word if letter not in row + feature)
    memory = _memory(nest, first - 1, row, column)
    kept = {first - 1: memory, last - 1: memory}
    return Attention(
        nest,
        replace(part_of(nest, 0, first, kept), output=memory, around=outer),
        replace(part_of(nest, first, last, kept), output=memory),
        part_of(nest, last, len(nest.stages), kept),
        memory,
        outer,
        row,
        column,
        feature,
    )


def _end_of_scores(stages: Sequence[Stage]) -> int:
    """The number of stages that finish the tiles of scores: those of which only the last is read behind them."""
    maps = next(i for i, stage in enumerate(stages) if i and not isinstance(stage.op, tensor.MapOp))
    for end in range(maps, 0, -1):
        behind = (source.stage for stage in stages[end:] for source in stage.sources if source.stage is not None)
        if all(number >= end - 1 for number in behind):
            return end
    raise ValueError("a group that is no attention")


def _operands(nest: Nest, stage: Stage) -> list[Operand]:
    return [nest.inputs[source.input] for source in stage.sources if source.input is not None]


def _memory(nest: Nest, stage: int, row: str, column: str) -> Operand:
    """Memory for the rows of a chunk; `place` gives it its size and its first row."""
    names = {operand.name for operand in nest.operands}
    name = next(name for name in ("scores", *(f"scores_{i}" for i in range(len(names)))) if name not in names)
    return Operand(name, row + column, RefType.of([1, 1], nest.stages[stage].element))


def choose_tile(attention: Attention, lanes: int, registers: int, most: int) -> RegisterTile:
    """The tile with which both products take least time by the model; of like ones that with most rows, up to `most`.

    A chunk ends where the tiles of both do, so that both have as many rows.
    """
    features = attention.whole.static(attention.feature) or 1
    depth = math.prod(attention.scores.static(letter) or 1 for letter in attention.scores.reduced)
    products = [(attention.column_count, depth), (features, attention.column_count)]
    rows, work = attention.row_count, sum(columns * steps for columns, steps in products) / lanes / FMA_PIPES

    def efficiency(height: int, vectors: int) -> float:
        full, rest = divmod(rows, height)

        def column_cycles(width: int) -> float:
            return full * step_cycles(height, width) + (step_cycles(rest, width) if rest else 0.0)

        cycles = 0.0
        for columns, steps in products:
            panels, left = divmod(-(-columns // lanes), vectors)
            cycles += steps * (panels * column_cycles(vectors) + (column_cycles(left) if left else 0.0))
        return rows * work / cycles

    tiles = [
        RegisterTile(height, vectors, lanes, efficiency(height, vectors))
        for vectors in range(1, MAX_VECTORS + 1)
        for height in range(1, min(most, rows) + 1)
    ]
    fitting = [tile for tile in tiles if tile.registers <= registers]
    return max(fitting, key=lambda tile: (round(tile.efficiency, 3), tile.rows))


# -- the kernel ------------------------------------------------------------------------------------------------------


def build_attention(attention: Attention, target: Target, tile: RegisterTile, name: str) -> FuncOp:
    """The kernel, with register tiles of the rows and vectors of `tile`."""
    return _Kernel(attention, target, tile).build(name)


@dataclass(frozen=True)
class _Kernel:
    attention: Attention
    target: Target
    tile: RegisterTile

    def build(self, name: str) -> FuncOp:
        parts, height = self.attention, self.tile.rows
        tiles = -(-parts.row_count // height)
        chunks = -(-tiles // max(1, self._most_rows() // height))
        b = KernelBuilder(name, parts.whole.dims, parts.whole.references)
        sizes: list[Size] = [*(parts.whole.sizes[letter] for letter in parts.outer), chunks]
        *around, chunk = b.unravel(b.program_id(), sizes, [*parts.outer, "chunk"])
        places = {letter: Place(at) for letter, at in zip(parts.outer, around, strict=True)}
        start, end = rows_of_chunk(b, chunk, chunks, parts.row_count, height)
        memory = self._memory(-(-tiles // chunks) * height, start)
        b.memory(memory.name, memory.ref)
        self._product(_placed(parts.scores, memory), parts.column, b, places, (start, end))
        RowSchedule(_placed(parts.rows, memory), self.target).walk(b, places, parts.row, start, end)
        self._product(_placed(parts.sums, memory), parts.feature, b, places, (start, end))
        return b.finish(Dim.constant(1) if not sizes else as_dim(simplest(product(sizes))))

    def _most_rows(self) -> int:
        """The rows that a chunk may have."""
        size = element_bytes(self.attention.memory.ref.element_type)
        return rows_in_cache(self.attention.column_count, size, self.tile.rows, self.target.caches)

    def _memory(self, rows: int, first: IndexLike) -> Operand:
        """Whole vectors, and neighbouring rows in other sets of the first-level cache."""
        parts = self.attention
        size, lanes = element_bytes(parts.memory.ref.element_type), self.tile.lanes
        pitch = -(-parts.column_count // lanes) * lanes
        if pitch * size % SET_PERIOD == 0:
            pitch += CACHE_LINE // size
        ref = RefType.of([rows, pitch], parts.memory.ref.element_type)
        return replace(parts.memory, ref=ref, origin={parts.row: first})

    def _product(
        self, nest: Nest, vector: str, b: KernelBuilder, places: dict[str, Place], bounds: tuple[IndexLike, IndexLike]
    ) -> None:
        """One of the contractions, for the rows of a chunk. Chunks end where its tiles do: they have the same rows."""
        vectors = -(-(nest.static(vector) or 1) // self.tile.lanes)
        tile = replace(self.tile, vectors=min(self.tile.vectors, vectors))
        left = replace(tile, vectors=vectors % tile.vectors or tile.vectors)
        roles = find_roles(nest, vector)
        ContractSchedule(nest, roles, self.target, tile, left).add_rows(b, places, bounds, self.attention.row_count)


def _placed(nest: Nest, memory: Operand) -> Nest:
    """The nest, with its memory where a program has it."""

    def place(operand: Operand) -> Operand:
        return memory if operand.name == memory.name else operand

    return replace(nest, inputs=tuple(map(place, nest.inputs)), output=place(nest.output))
