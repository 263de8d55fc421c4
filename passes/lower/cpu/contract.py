"""Contractions on a CPU: a register tile of rows x vectors, accumulated over k, finished by the epilogue in registers.

    program (outer loops, row chunk, panel):
      for each row tile of the chunk:          rows that do not fill a tile: one smaller tile behind the loop,
        acc = 0                                or, where the extent is known at run time only, tiles of half the rows,
        for k: acc += x[rows, k] * w[panel, k, :]                        a quarter of them, .. down to a single row
        store(epilogue(acc))

One operand gives scalars (broadcast), the other vectors along a loop of the output, the last one where it can. Where
both run along that loop (depthwise convolution) the product is element by element. With a single row
(matrix times vector) the tile spans several k at once, so that enough multiply-adds are in flight; its partial sums are
added at the end. Columns that do not fill the last panel have a tile of fewer vectors, so that no vector is masked but
the last one: a masked store takes more than ten times as long as a plain one on a Zen 3 core. (Two layers of PP-OCR,
1x1 on 2x96 pixels, 32 to 104 channels, and on 3x96, 16 to 88: 43 -> 12 us, 27 -> 14.) Panels of a loop that is as long
as a symbol says are masked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim, product, simplest
from neuralc.dialects.kernel import FuncOp, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.passes.lower.cpu.prefetch import NextPanel, Part, next_panel
from neuralc.passes.lower.cpu.roles import Roles, row_count
from neuralc.passes.lower.cpu.tile_choice import FMA_LATENCY, FMA_PIPES, RegisterTile, ladder, steps_a_round
from neuralc.passes.lower.nest import Nest, Size
from neuralc.passes.lower.regions import epilogue
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store
from neuralc.passes.target import Target

Step: TypeAlias = Callable[[Mapping[str, Place], str, IndexLike, int, SSAValue], SSAValue]
"""(places of the loops around, innermost loop, its position, how many positions, accumulator) -> accumulator."""

Bounds: TypeAlias = tuple[IndexLike, IndexLike | None]
"""Where the rows of a chunk begin, and where they end; None where it is a single row."""

UNROLL = 16
"""Steps of k written out straight, so that short loops (a 3x3 window of one channel) are no loops."""
CHUNK_ROWS = 96
"""Rows one program goes through with one panel: enough to reuse the panel from first-level cache."""
MANY_PROGRAMS = 16
"""Programs of which one more or less is no matter to threads that share them."""


@dataclass(frozen=True)
class ContractSchedule:
    """Writes the kernel of one contraction with one tile."""

    nest: Nest
    roles: Roles
    target: Target
    tile: RegisterTile
    last: RegisterTile | None = None
    """The tile of the last panel, where it has fewer columns than the others."""

    def build(self, name: str) -> FuncOp:
        roles = self.roles
        b = KernelBuilder(name, self.nest.dims, self.nest.references)
        columns = self.nest.sizes[roles.vector]
        panels = simplest(as_dim(columns).ceildiv(self.tile.columns))
        row_size = row_count(self.nest, roles)
        outer_sizes = [self.nest.sizes[letter] for letter in roles.outer]
        chunks = self._chunks(row_size, simplest(product([panels, *outer_sizes])))
        order = self._order(roles, row_size, panels)
        sizes = {"panel": as_dim(panels), "chunk": as_dim(chunks)}
        sizes |= {letter: as_dim(size) for letter, size in zip(roles.outer, outer_sizes, strict=True)}
        program = b.program_id()
        position = dict(zip(order, b.unravel(program, [sizes[name] for name in order], order), strict=True))
        places = {letter: Place(position[letter]) for letter in roles.outer}

        def panel(number: IndexLike, *, masked: bool) -> None:
            column = Place(b.mul(number, self.tile.columns, "column"), None, masked, number)
            bounds = self._bounds(b, position["chunk"], chunks, row_size)
            self._rows(b, roles, places, column, bounds, row_size, chunks if order[-1] == "panel" else 1)

        if isinstance(columns, Dim) or columns % self.tile.columns == 0:
            panel(position["panel"], masked=isinstance(columns, Dim))
        else:
            self._panels(b, places, position, row_size, chunks, panel)
        grid = Dim.constant(1)
        for size in sizes.values():
            grid *= size
        return b.finish(grid)

    def _panels(
        self,
        b: KernelBuilder,
        places: dict[str, Place],
        position: Mapping[str, IndexLike],
        rows: Size,
        chunks: Size,
        panel: Callable[..., None],
    ) -> None:
        """Full panels, and one with the columns that are left: loops of one round or none say which a program has."""
        full = (self.nest.static(self.roles.vector) or 1) // self.tile.columns
        here = position["panel"]

        def one(number: SSAValue) -> Sequence[SSAValue]:
            panel(number, masked=False)
            return ()

        def rest(_: SSAValue | None = None) -> Sequence[SSAValue]:
            cut = self if isinstance(rows, Dim) else self._narrow
            self._last_panel(b, places, cut._bounds(b, position["chunk"], chunks, rows), rows)
            return ()

        if not full:
            rest()
            return
        b.loop(here, b.minimum(b.plus(here, 1), full), 1, [], one, hint="panel")
        b.loop(full, b.plus(here, 1), 1, [], rest, hint="panel")

    def add_rows(self, b: KernelBuilder, places: dict[str, Place], bounds: Bounds, rows: int) -> None:
        """Some of the `rows`, panel after panel, as a part of a kernel that is being written.

        `places` has the loops around; the rows begin at a multiple of the tile's, and end so or with the last one.
        """
        full, left = divmod(self.nest.static(self.roles.vector) or 1, self.tile.columns)

        def one(number: SSAValue) -> Sequence[SSAValue]:
            column = Place(b.mul(number, self.tile.columns, "column"), None, False, number)
            self._rows(b, self.roles, places, column, bounds, rows, None)
            return ()

        b.loop(0, full, 1, [], one, hint="panel")
        if left:
            self._last_panel(b, places, bounds, rows)

    def add_panel(
        self,
        b: KernelBuilder,
        places: dict[str, Place],
        column: Place,
        bounds: Bounds,
        rows: Size,
        ahead: NextPanel | None = None,
    ) -> None:
        """Some of the `rows` in one full panel, as a part of a kernel that is being written; `ahead` is fetched."""
        self._tiles(b, self.roles, places, column, bounds, rows, ahead)

    @property
    def _narrow(self) -> ContractSchedule:
        """The schedule of the last panel."""
        return replace(self, tile=self.last or self.tile)

    def _last_panel(self, b: KernelBuilder, places: dict[str, Place], bounds: Bounds, rows: Size) -> None:
        """The columns that full panels leave."""
        full, left = divmod(self.nest.static(self.roles.vector) or 1, self.tile.columns)
        column = Place(full * self.tile.columns, None, left % self.tile.lanes != 0, full)
        self._narrow._rows(b, self.roles, places, column, bounds, rows, None)

    def _chunks(self, rows: Size, others: Size) -> Size:
        """How many chunks the rows are cut into, for `others` panels and places of outer loops.

        Of several an even number, and not one where an odd number of others is few: two threads have the same to do.
        """
        if isinstance(rows, Dim):
            return rows.ceildiv(self.tile.rows)
        tiles, most = -(-rows // self.tile.rows), max(1, CHUNK_ROWS // self.tile.rows)
        if tiles <= most + 1:
            odd = isinstance(others, int) and others < MANY_PROGRAMS and others % 2 == 1
            return 2 if odd and tiles > 1 else 1
        count = -(-tiles // most)
        return count + count % 2

    def _bounds(self, b: KernelBuilder, chunk: IndexLike, chunks: Size, rows: Size) -> Bounds:
        if rows == 1 or (isinstance(rows, Dim) and self.tile.rows == 1):
            return chunk if isinstance(rows, Dim) else 0, None
        return rows_of_chunk(b, chunk, chunks, rows, self.tile.rows)

    def _order(self, roles: Roles, rows: Size, panels: Size) -> list[str]:
        """Programs in the order that reads less from beyond the second-level cache."""
        if isinstance(rows, Dim) or isinstance(panels, Dim):
            return ["panel", *roles.outer, "chunk"]
        k = math.prod(size for letter in roles.reduced if (size := self.nest.static(letter)) is not None)
        panel_bytes, row_bytes = 4 * k * self.tile.columns, 4 * k * rows
        outer = math.prod(size for letter in roles.outer if (size := self.nest.static(letter)) is not None)
        budget = self.target.caches.l2 // 2
        panel_last = panel_bytes * panels * (outer if panel_bytes * panels > budget else 1)
        panel_first = row_bytes * outer * (panels if row_bytes * outer > budget else 1)
        return ["panel", *roles.outer, "chunk"] if panel_first < panel_last else [*roles.outer, "chunk", "panel"]

    def _rows(
        self,
        b: KernelBuilder,
        roles: Roles,
        places: dict[str, Place],
        column: Place,
        bounds: Bounds,
        rows: Size,
        parts: Size | None,
    ) -> None:
        """The row tiles of one chunk: for each height of the ladder, as many as the rows that are left hold.

        The next panel is fetched, which begins behind each of `parts` parts of the rows; None where none follows.
        """
        ahead = None
        if parts is not None and bounds[1] is not None:
            tiled, number = self._in_tiles(rows), column.panel
            ahead = next_panel(b, self.nest, roles, self.target, number, tiled, parts, bounds[0])
        self._tiles(b, roles, places, column, bounds, rows, ahead)

    def _tiles(
        self,
        b: KernelBuilder,
        roles: Roles,
        places: dict[str, Place],
        column: Place,
        bounds: Bounds,
        rows: Size,
        ahead: NextPanel | None,
    ) -> None:
        """The row tiles of one chunk, while another panel is fetched."""
        start, end = bounds
        if end is None:
            self._tile(b, roles, places, column, start, 1, None)
            return
        if isinstance(rows, Dim):
            for height in ladder(self.tile.rows):
                stop = b.minus(end, b.rem(b.minus(end, start), height))
                self._row_tiles(b, roles, places, column, start, stop, height, ahead)
                start = stop
            return
        # Only the last chunk reaches the rows that do not fill a tile.
        whole = rows // self.tile.rows * self.tile.rows
        self._row_tiles(b, roles, places, column, start, b.minimum(end, whole), self.tile.rows, ahead)
        if rows > whole:
            self._row_tiles(b, roles, places, column, whole, end, rows - whole, ahead)

    def _in_tiles(self, rows: Size) -> Size:
        """The rows but for a last one that has no tile with others."""
        if isinstance(rows, Dim):
            return rows - rows % 2
        return rows - 1 if rows % self.tile.rows == 1 else rows

    def _row_tiles(
        self,
        b: KernelBuilder,
        roles: Roles,
        places: dict[str, Place],
        column: Place,
        start: IndexLike,
        stop: IndexLike,
        height: int,
        ahead: NextPanel | None,
    ) -> None:
        """Tiles of one height, one behind another."""
        if isinstance(start, int) and isinstance(stop, int) and stop - start <= height:
            if stop > start:
                self._tile(b, roles, places, column, start, height, ahead)
            return

        def body(row: SSAValue) -> Sequence[SSAValue]:
            self._tile(b, roles, places, column, row, height, ahead)
            return ()

        b.loop(start, stop, height, [], body, hint="row")

    def _tile(
        self,
        b: KernelBuilder,
        roles: Roles,
        places: dict[str, Place],
        column: Place,
        row: IndexLike,
        height: int,
        ahead: NextPanel | None,
    ) -> None:
        """One register tile, from zero to the store."""
        element = computed(self.nest.stages[0].element)
        has_rows = bool(roles.rows) and height > 1
        axis = 1 if has_rows else 0
        extents = (height, self.tile.columns) if has_rows else (self.tile.columns,)
        shape = TileShape(extents, self.tile.lanes)
        at = {**places, **self._row_places(b, roles, row, height)}
        at[roles.vector] = Place(column.start, axis, column.masked, column.panel)
        spread = self._spread(roles)
        if has_rows and not roles.elementwise:
            part = None if ahead is None else ahead.part(b, row, height)
            value = self._dots(b, roles, at, b.splat(0.0, shape.type(element), "acc"), height, part)
        elif has_rows or spread == 1:
            value = self._products(b, roles, at, b.splat(0.0, shape.type(element), "acc"), shape)
        else:
            value = self._row_products(b, roles, at, spread, shape)
        value = epilogue(b, self.nest, self.nest.stages[1:], value, at, shape)
        store(b, value, self.nest.output, at)

    def _row_places(self, b: KernelBuilder, roles: Roles, row: IndexLike, height: int) -> dict[str, Place]:
        """Where the rows of a tile lie along each row loop."""
        letters = roles.rows
        if height == 1 or len(letters) == 1:
            over = 0 if height > 1 else None
            sizes = [self.nest.sizes[letter] for letter in letters]
            return {
                letter: Place(at, over)
                for letter, at in zip(letters, b.unravel(row, sizes, list(letters)), strict=True)
            }
        # Pixels in a row of pixels follow each other, but not across its end: each has a position of its own.
        tile = TileType.of((height,), i32, 1)
        rest = b.iota(row, tile, "pixel")
        out: dict[str, Place] = {}
        for letter in letters[:0:-1]:
            size = b.splat(self.nest.static(letter) or 1, tile)
            out[letter] = Place(b.map("rem", rest, size, hint=letter), 0)
            rest = b.map("div", rest, size)
        out[letters[0]] = Place(rest, 0)
        return out

    def _spread(self, roles: Roles) -> int:
        """Steps of k that a tile of one row takes at once, so that the multiply-add pipes are busy."""
        extent = self.nest.static(roles.reduced[-1])
        if extent is None:
            return 1
        wanted = min(-(-FMA_PIPES * FMA_LATENCY // self.tile.vectors), extent)
        exact = [count for count in range(wanted, 0, -1) if extent % count == 0]
        return exact[0] if exact and exact[0] * 2 >= wanted else wanted

    # -- the reduction -----------------------------------------------------------------------------------------------

    def _dots(
        self,
        b: KernelBuilder,
        roles: Roles,
        at: Mapping[str, Place],
        acc: SSAValue,
        height: int,
        ahead: Part | None,
    ) -> SSAValue:
        """acc[m, n] += x[m, k] . w[k, n], while a part of the next panel is fetched."""
        op = self.nest.stages[0].op
        precision = str(op.literal("precision")) if isinstance(op, tensor.ContractOp) else "ieee"

        def step(fixed: Mapping[str, Place], letter: str, start: IndexLike, count: int, acc: SSAValue) -> SSAValue:
            # Scalars are [rows, k], vectors [k, columns]: the tile axes are numbered for each operand.
            x_at = {**at, **fixed, letter: Place(start, 1)}
            w_at = {**at, **fixed, letter: Place(start, 0), roles.vector: replace(at[roles.vector], over=1)}
            w_shape = TileShape((count, self.tile.columns), self.tile.lanes)
            x = load(b, roles.scalars, x_at, TileShape((height, count), 1), broadcast=False, hint="x_tile")
            w = load(b, roles.vectors, w_at, w_shape, broadcast=False, hint="w_tile")
            if ahead is not None:
                ahead.fetch(b, {name: place.start for name, place in w_at.items() if name in roles.reduced}, count)
            return b.dot(x, w, acc, precision=precision, hint="acc")

        sliding = self._sliding(roles)
        letters = sliding + "".join(letter for letter in roles.reduced if letter not in sliding)
        steps = 1 if letters[-1] in sliding else steps_a_round(height, self.tile.vectors)
        return self._reduce(b, letters, self._positions(at), acc, step, 1, loops=sliding, steps=steps)

    def _sliding(self, roles: Roles) -> str:
        """Loops along windows that overlap from row to row, where they are short enough to be written out.

        They are loops all the same, around the others: of steps written out, LLVM would keep every scalar that two
        rows share in a register of its own, and there are not as many. (3x3 windows of 3 channels, two apart, with a
        tile of 14 rows: 43 of 81 scalars were stored and loaded again as vectors.)
        """
        written = next(
            (roles.reduced[at:] for at in range(len(roles.reduced)) if is_written_out(self.nest, roles.reduced[at:])),
            "",
        )
        if len(roles.rows) != 1:
            return ""
        apart = roles.scalars.stride(roles.rows)
        return "".join(
            letter for letter in written if _overlaps(apart, roles.scalars.stride(letter), self.nest, letter)
        )

    def _products(
        self, b: KernelBuilder, roles: Roles, at: Mapping[str, Place], acc: SSAValue, shape: TileShape
    ) -> SSAValue:
        """acc[.., n] += x[.., n] * w[.., n], element by element."""

        def step(fixed: Mapping[str, Place], letter: str, start: IndexLike, count: int, acc: SSAValue) -> SSAValue:
            for offset in range(count):
                here = {**at, **fixed, letter: Place(b.plus(start, offset))}
                x = load(b, roles.scalars, here, shape, hint="x_tile")
                w = load(b, roles.vectors, here, shape, hint="w_tile")
                acc = b.map("fma", x, w, acc, hint="acc")
            return acc

        return self._reduce(b, roles.reduced, self._positions(at), acc, step, 1)

    def _row_products(
        self, b: KernelBuilder, roles: Roles, at: Mapping[str, Place], spread: int, columns: TileShape
    ) -> SSAValue:
        """One row: acc[s, n] += x[k + s] * w[k + s, n] for `spread` steps of k at once, then the sum over s."""
        element = computed(self.nest.stages[0].element)
        innermost = roles.reduced[-1]
        extent = self.nest.static(innermost) or 0
        vector_at = {roles.vector: replace(at[roles.vector], over=1)}
        wide = TileShape((spread, *columns.extents), columns.lanes)

        def terms(fixed: Mapping[str, Place], start: IndexLike, shape: TileShape) -> tuple[SSAValue, SSAValue]:
            here = {**at, **vector_at, **fixed, innermost: Place(start, 0)}
            x = load(b, roles.scalars, here, shape, hint="x_tile")
            return x, load(b, roles.vectors, here, shape, hint="w_tile")

        def step(fixed: Mapping[str, Place], letter: str, start: IndexLike, count: int, acc: SSAValue) -> SSAValue:
            for offset in range(0, count, spread):
                x, w = terms(fixed, b.plus(start, offset), wide)
                acc = b.map("fma", x, w, acc, hint="acc")
            return acc

        whole = extent // spread * spread
        acc = b.splat(0.0, wide.type(element), "acc")
        acc = self._reduce(b, roles.reduced, self._positions(at), acc, step, spread, innermost_extent=whole)
        total = b.reduce("add", acc, 0, "total")
        rest = extent - whole
        if not rest:
            return total
        short = TileShape((rest, *columns.extents), columns.lanes)

        def tail(fixed: Mapping[str, Place], letter: str, start: IndexLike, count: int, acc: SSAValue) -> SSAValue:
            x, w = terms(fixed, b.plus(start, whole), short)
            return b.map("add", acc, b.reduce("add", b.map("mul", x, w), 0))

        return self._reduce(b, roles.reduced, self._positions(at), total, tail, 1, innermost_extent=1)

    def _reduce(
        self,
        b: KernelBuilder,
        letters: str,
        fixed: Mapping[str, Place],
        acc: SSAValue,
        step: Step,
        unit: int,
        innermost_extent: int | None = None,
        loops: str = "",
        steps: int = 1,
    ) -> SSAValue:
        """Loops over `letters`, `step` innermost with `unit` positions of the last letter.

        Short loops are straight, but for those in `loops`. A round of the innermost one takes `steps` units.
        """
        letter, inner = letters[0], letters[1:]
        size = self.nest.sizes[letter]
        if not inner:
            extent = size if innermost_extent is None else innermost_extent
            if isinstance(extent, int) and extent <= UNROLL * unit and letter not in loops:
                return step(fixed, letter, 0, extent, acc) if extent else acc
            count = unit * steps if isinstance(extent, int) else unit
            whole = extent // count * count if isinstance(extent, int) else b.size(extent)
            acc = b.loop(0, whole, count, [acc], lambda k, a: [step(fixed, letter, k, count, a)], hint="k")[0]
            rest = extent % count if isinstance(extent, int) else 0
            return step(fixed, letter, whole, rest, acc) if rest else acc

        def one(position: IndexLike, acc: SSAValue) -> SSAValue:
            here = {**fixed, letter: Place(position)}
            return self._reduce(b, inner, here, acc, step, unit, innermost_extent, loops, steps)

        if letter in self.nest.overhangs:
            first, end = self._inside(b, letter, fixed)
            return b.loop(first, end, 1, [acc], lambda k, a: [one(k, a)], hint=f"k_{letter}")[0]
        if isinstance(size, int) and letter not in loops and is_written_out(self.nest, letters):
            for position in range(size):
                acc = one(position, acc)
            return acc
        return b.loop(0, b.size(size), 1, [acc], lambda k, a: [one(k, a)], hint=f"k_{letter}")[0]

    def _positions(self, at: Mapping[str, Place]) -> dict[str, Place]:
        """The places of loops on which it depends where another loop begins and ends."""
        return {letter: at[letter] for letter, _ in self.nest.overhangs.values() if letter in at}

    def _inside(self, b: KernelBuilder, letter: str, fixed: Mapping[str, Place]) -> tuple[IndexLike, IndexLike]:
        """The places of a window that lie in the picture: what is around it are zeros, which nobody has written."""
        around, overhang = self.nest.overhangs[letter]
        position = fixed[around].start if around in fixed else 0
        first = b.minus(overhang.low, b.mul(position, overhang.stride), "first")
        return b.maximum(first, 0), b.minimum(b.plus(first, overhang.size), b.size(self.nest.sizes[letter]))


def is_written_out(nest: Nest, letters: str) -> bool:
    """Whether the loops of a reduction are so short together that their steps are written out straight."""
    rounds = [nest.static(letter) for letter in letters]
    return None not in rounds and math.prod(n or 0 for n in rounds) <= UNROLL


def _overlaps(apart: Size, step: Size, nest: Nest, letter: str) -> bool:
    """Whether windows that lie `apart` have places in common along a loop of theirs, which advances by `step`."""
    size = nest.static(letter)
    if isinstance(apart, Dim) or isinstance(step, Dim) or size is None or not step:
        return False
    return apart % step == 0 and apart // step < size


def build_contract(
    nest: Nest, roles: Roles, target: Target, name: str, tile: RegisterTile, last: RegisterTile | None = None
) -> FuncOp:
    """The kernel of a contraction nest with a register tile, and another one for the last panel."""
    return ContractSchedule(nest, roles, target, tile, last).build(name)


def rows_of_chunk(
    b: KernelBuilder, chunk: IndexLike, chunks: Size, rows: Size, height: int
) -> tuple[IndexLike, IndexLike]:
    """Where the rows of a chunk begin and end. Chunks begin at whole tiles; none has two more of them than another."""
    if isinstance(rows, Dim) or isinstance(chunks, Dim):
        start = b.mul(chunk, height, "row")
        return start, b.minimum(b.plus(start, height), b.size(rows))
    if chunks == 1:
        return 0, rows
    each, more = divmod(-(-rows // height), chunks)

    def row(number: IndexLike) -> IndexLike:
        tile = b.mul(number, each)
        if more:
            tile = b.plus(tile, b.div(b.mul(number, more), chunks))
        return b.mul(tile, height, "row")

    return row(chunk), b.minimum(row(b.plus(chunk, 1)), rows)
