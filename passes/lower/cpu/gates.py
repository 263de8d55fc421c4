"""A step of a recurrence on a CPU: a program has some units, all gates of these and what is made of them.

    program (panel of units), one row:           program (panel of units, chunk of rows), several rows:
      for k: for each gate:                        for each gate:
        acc[gate] += h[k] * w[gate][k, units]        memory[gate][rows, units] = h[rows, :] . w[gate][:, units]
      store(maps(acc))                             for each row: store(maps(memory))

What is made of the gates of a unit needs nothing of another program. A single row has all its gates in registers. The
products of several rows are those of contract.py, one gate after the other; the memory is the program's own, as large
as a panel and few rows, and stays in the first-level cache.
Measured on a Zen 3 core, two LSTM layers of 128 units, 50 steps, one row: with the gates one after the other 448 us, in
one loop 417 to 420.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xdsl.ir import SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.kernel import FuncOp, RefType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.types import element_bytes
from neuralc.passes.lower.cpu.contract import ContractSchedule, rows_of_chunk
from neuralc.passes.lower.cpu.elementwise import UNROLL, vector_lanes
from neuralc.passes.lower.cpu.prefetch import NextPanel, panel_ahead
from neuralc.passes.lower.cpu.roles import Roles, find_roles
from neuralc.passes.lower.cpu.tile_choice import (
    FMA_LATENCY,
    FMA_PIPES,
    MAX_VECTORS,
    SAFE_ROWS,
    RegisterTile,
    choose_tile,
    step_cycles,
    steps_a_round,
)
from neuralc.passes.lower.nest import Nest, Operand, Size, Source, drop_unit_loops, part_of
from neuralc.passes.lower.regions import epilogue, evaluate
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store
from neuralc.passes.target import Target

SHARED_TILE = 0.9
"""The share of the best tile's efficiency that a tile has to have whose panels two threads can share evenly."""


@dataclass(frozen=True)
class Gates:
    """Products with the maps that finish their tiles, and the maps of all of them: nests over a program's memory."""

    whole: Nest
    products: tuple[Nest, ...]
    maps: Nest
    memories: tuple[Operand, ...]
    """Where the products go, for the units and rows of a program."""
    row: str
    """The loop over rows; empty where there is one."""
    unit: str

    @property
    def rows(self) -> Size:
        return self.whole.sizes[self.row] if self.row else 1

    @property
    def unit_count(self) -> int:
        return self.whole.static(self.unit) or 1


def cut_gates(nest: Nest) -> Gates:
    """The parts of a nest that tensor-fuse-gates made."""
    unit = nest.output.word[-1]
    nest = drop_unit_loops(nest, keep=unit)
    row = nest.output.word[:-1]
    begins = [i for i, stage in enumerate(nest.stages) if isinstance(stage.op, tensor.ContractOp)]
    length = begins[1] - begins[0]
    names = {operand.name for operand in nest.operands}
    free = [name for name in (f"gate_{number}" for number in range(len(begins) + len(names))) if name not in names]
    kept = {
        begin + length - 1: Operand(name, row + unit, RefType.of([1] * (len(row) + 1), nest.stages[begin].element))
        for begin, name in zip(begins, free, strict=False)
    }
    products = [
        replace(part_of(nest, begin, begin + length, {}), output=kept[begin + length - 1], others=())
        for begin in begins
    ]
    maps = part_of(nest, begins[-1] + length, len(nest.stages), kept)
    return Gates(nest, tuple(products), maps, tuple(kept.values()), row, unit)


def gates_tile(gates: Gates, target: Target) -> RegisterTile:
    """The best tile by the model of those that divide the units, with an even number of panels where that is near."""
    lanes = vector_lanes(gates.products[0], target)
    vectors = gates.unit_count // lanes
    widths = [width for width in range(1, MAX_VECTORS + 1) if vectors % width == 0]
    if not gates.row or isinstance(gates.rows, Dim):
        most = (target.vector_registers - 2) // len(gates.products)
        widths = [width for width in widths if width <= max(most, 1)]
    if gates.row:
        rows = None if isinstance(gates.rows, Dim) else gates.rows
        tiles = [
            choose_tile(rows, gates.unit_count, lanes, target.vector_registers, width, SAFE_ROWS) for width in widths
        ]
    else:
        tiles = [_tile_of_row(len(gates.products), width, lanes) for width in widths]
    best = max(tile.efficiency for tile in tiles)
    even = [tile for tile in tiles if vectors // tile.vectors % 2 == 0 and tile.efficiency >= SHARED_TILE * best]
    # High rather than wide: weights come from further away than a row does.
    return max(even or tiles, key=lambda tile: (round(tile.efficiency, 2), tile.rows, tile.vectors))


def _tile_of_row(gates: int, width: int, lanes: int) -> RegisterTile:
    """Vectors of each gate; a step of k is one of all of them."""
    steps = gates * width
    return RegisterTile(1, width, lanes, steps / FMA_PIPES / step_cycles(1, steps))


def build_gates(gates: Gates, target: Target, tile: RegisterTile, name: str) -> FuncOp:
    """The kernel, with a register tile as wide as the panels of the weights; of one row, each row by itself."""
    made = _Kernel(gates, target, tile)
    return made.row_by_row(name) if tile.rows == 1 else made.in_tiles(name)


@dataclass(frozen=True)
class _Kernel:
    gates: Gates
    target: Target
    tile: RegisterTile

    def in_tiles(self, name: str) -> FuncOp:
        """Gates in memory, of as many rows as there is room for; of one tile where only the run knows how many."""
        gates, tile = self.gates, self.tile
        panels, height = gates.unit_count // tile.columns, tile.rows
        chunks: Size
        if isinstance(gates.rows, Dim):
            chunks = gates.rows.ceildiv(tile.rows)
        else:
            tiles = -(-gates.rows // tile.rows)
            chunks = -(-tiles // max(1, self._most_rows() // tile.rows))
            height *= -(-tiles // chunks)
        b = KernelBuilder(name, gates.whole.dims, gates.whole.references)
        panel, chunk = b.unravel(b.program_id(), [panels, chunks], ["panel", "chunk"])
        start, end = rows_of_chunk(b, chunk, chunks, gates.rows, tile.rows)
        column = Place(b.mul(panel, tile.columns, "column"), None, False, panel)
        memories = [self._memory(operand, height, start, column) for operand in gates.memories]
        for memory in memories:
            b.memory(memory.name, memory.ref)
        for number, memory in enumerate(memories):
            nest = replace(gates.products[number], output=memory)
            schedule = ContractSchedule(nest, find_roles(nest, gates.unit), self.target, tile)
            ahead = self._panel_ahead(b, number, panel, panels, start)
            schedule.add_panel(b, {}, column, (start, end), gates.rows, ahead)
        self._maps(b, {memory.name: memory for memory in memories}, start, end, column)
        return b.finish(as_dim(chunks) * panels)

    def _panel_ahead(
        self, b: KernelBuilder, number: int, panel: IndexLike, panels: int, start: IndexLike
    ) -> NextPanel | None:
        """What is read behind the panel of a gate: that of the next gate, or the next one of the first gate."""
        nest = self.gates.products[(number + 1) % len(self.gates.products)]
        following = panel if nest is not self.gates.products[0] else b.rem(b.plus(panel, 1), panels)
        return panel_ahead(b, nest, find_roles(nest, self.gates.unit), following, self.gates.rows, start)

    def row_by_row(self, name: str) -> FuncOp:
        """Gates in registers, of one row."""
        gates, tile = self.gates, self.tile
        panels = gates.unit_count // tile.columns
        b = KernelBuilder(name, gates.whole.dims, gates.whole.references)
        panel, row = b.unravel(b.program_id(), [panels, gates.rows], ["panel", "row"])
        shape = TileShape((tile.columns,), tile.lanes)
        here = {gates.unit: Place(b.mul(panel, tile.columns, "column"), 0, False, panel)}
        if gates.row:
            here[gates.row] = Place(row)
        values = {
            memory.name: epilogue(b, product, product.stages[1:], total, here, shape)
            for memory, product, total in zip(gates.memories, gates.products, self._totals(b, here), strict=True)
        }
        self._store_maps(b, values, here, shape)
        return b.finish(as_dim(gates.rows) * panels)

    def _totals(self, b: KernelBuilder, here: Mapping[str, Place]) -> Sequence[SSAValue]:
        """The products of all gates in one loop, several steps of k at once where these are few accumulators."""
        gates, tile = self.gates, self.tile
        roles = [find_roles(product, gates.unit) for product in gates.products]
        k, count = roles[0].reduced, len(roles)
        extent = gates.whole.static(k) or 0
        spread = min(-(-FMA_PIPES * FMA_LATENCY // (count * tile.vectors)), extent)
        steps = steps_a_round(spread, count * tile.vectors)
        element = computed(gates.products[0].stages[0].element)
        wide = TileShape((spread, tile.columns), tile.lanes)

        def terms(each: Roles, start: IndexLike, shape: TileShape) -> tuple[SSAValue, SSAValue]:
            at = {**here, k: Place(start, 0), gates.unit: replace(here[gates.unit], over=1)}
            x = load(b, each.scalars, at, shape, hint="x_tile")
            return x, load(b, each.vectors, at, shape, hint="w_tile")

        def body(start: SSAValue, *accs: SSAValue) -> Sequence[SSAValue]:
            values = list(accs)
            for step in range(steps):
                for number, each in enumerate(roles):
                    x, w = terms(each, b.plus(start, step * spread), wide)
                    values[number] = b.map("fma", x, w, values[number], hint="acc")
            return values

        whole = extent // (spread * steps) * spread * steps
        zero = b.splat(0.0, wide.type(element), "acc")
        accs = b.loop(0, whole, spread * steps, [zero] * count, body)
        totals = [b.reduce("add", acc, 0, "total") for acc in accs]
        if whole == extent:
            return totals
        rest = TileShape((extent - whole, tile.columns), tile.lanes)
        left = [b.reduce("add", b.map("mul", *terms(each, whole, rest)), 0) for each in roles]
        return [b.map("add", total, more) for total, more in zip(totals, left, strict=True)]

    def _most_rows(self) -> int:
        """Rows whose gates take half of the first-level cache."""
        size = sum(element_bytes(memory.ref.element_type) for memory in self.gates.memories)
        return self.target.caches.l1 // 2 // (self.tile.columns * size)

    def _memory(self, operand: Operand, rows: int, start: IndexLike, column: Place) -> Operand:
        ref = RefType.of([rows, self.tile.columns], operand.ref.element_type)
        return replace(operand, ref=ref, origin={self.gates.row: start, self.gates.unit: column.start})

    def _maps(
        self, b: KernelBuilder, memories: Mapping[str, Operand], start: IndexLike, end: IndexLike, column: Place
    ) -> None:
        """What is made of the gates: tiles of a panel's units, of several rows where that is few vectors."""
        gates, tile = self.gates, self.tile
        together = 1 if isinstance(gates.rows, Dim) else math.gcd(tile.rows, gates.rows)
        rows = next(n for n in range(together, 0, -1) if together % n == 0 and (n == 1 or n * tile.vectors <= UNROLL))
        shape = TileShape((rows, tile.columns), tile.lanes)

        def some(row: SSAValue) -> Sequence[SSAValue]:
            here = {gates.row: Place(row, 0), gates.unit: Place(column.start, 1)}
            values = {name: load(b, memory, here, shape) for name, memory in memories.items()}
            self._store_maps(b, values, here, shape)
            return ()

        b.loop(start, end, rows, [], some, hint="row")

    def _store_maps(
        self, b: KernelBuilder, gates: Mapping[str, SSAValue], here: Mapping[str, Place], shape: TileShape
    ) -> None:
        """What is made of a tile of each of the `gates`, by the names of their memories."""
        nest = self.gates.maps
        values: list[SSAValue] = []

        def tile_of_source(source: Source) -> SSAValue:
            if source.input is None:
                return values[source.stage or 0]
            operand = nest.inputs[source.input]
            return gates[operand.name] if operand.name in gates else load(b, operand, here, shape)

        for stage in nest.stages:
            values.append(evaluate(b, nest, stage, here, shape, tile_of_source))
        for number, operand in ((len(values) - 1, nest.output), *nest.others):
            store(b, values[number], operand, here)
