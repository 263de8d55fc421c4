"""Winograd convolutions on a CPU: a block of tiles is transformed, multiplied and transformed back by one program.

    program (block of tiles, part of the panels):
      for each tile of the block, each vector of channels:   V[:, :, tile, channels] = B^T d B
      for each panel of the part:
        for each of the (m + 2)^2 points, each row tile:     M[i, j, tiles, :] = V[i, j, tiles, :] . U[panel, i, j]
        for each tile, each vector of the panel:             store(epilogue(A^T M A))

V and M are scratch memory of the program and do not leave the second-level cache (winograd_plan.py). A transform has
all values of a tile in registers, a vector of channels each: it is done along one side, then along the other one.
Places outside of the operand are read at its edge: what depends on them is not stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.kernel import FuncOp, Index, RefType, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.tensor.winograd import WINDOW, Algorithm, Matrix
from neuralc.dialects.types import element_of, shape_of
from neuralc.grammar.diagnostics import error
from neuralc.passes.graph.weight_values import is_static
from neuralc.passes.locations import span_of
from neuralc.passes.lower.cpu.elementwise import cover
from neuralc.passes.lower.cpu.tile_choice import steps_a_round
from neuralc.passes.lower.cpu.winograd_plan import WinogradPlan, plan_of
from neuralc.passes.lower.cpu.winograd_transform import combine_columns, combine_rows
from neuralc.passes.lower.nest import Nest, Operand, Size
from neuralc.passes.lower.regions import epilogue
from neuralc.passes.lower.tiles import Place, TileShape, load, store
from neuralc.passes.target import Target

Square = list[list[SSAValue]]
"""Tiles of one vector each, by row and column of a tile."""
Transform = Callable[[KernelBuilder, Matrix, Sequence[SSAValue]], list[SSAValue]]


@dataclass(frozen=True)
class WinogradSchedule:
    """Writes the kernel of one convolution."""

    nest: Nest
    op: tensor.WinogradOp
    plan: WinogradPlan

    def build(self, b: KernelBuilder) -> FuncOp:
        plan, (batch, rows, columns) = self.plan, self._tiles()
        tiles = as_dim(batch) * rows * columns
        block, group = b.unravel(b.program_id(), [tiles.ceildiv(plan.block), plan.groups], ["block", "group"])
        first = b.minimum(b.mul(block, plan.block), b.minus(b.size(simplest(tiles)), plan.block), "first")
        points = (self.algorithm.span, self.algorithm.span, plan.block)
        v = b.local(RefType.of([*points, plan.pitch], self.element), "v")
        m = b.local(RefType.of([*points, plan.tile.columns], self.element), "m")

        def place_of(tile: IndexLike) -> list[IndexLike]:
            """The picture that a tile of the block is of, and its row and column there."""
            return b.unravel(b.plus(first, tile), [batch, rows, columns], ["n", "tile_row", "tile_column"])

        self._each_tile(b, lambda tile: self._transform_input(b, v, tile, place_of(tile)))

        def panel_body(number: SSAValue) -> Sequence[SSAValue]:
            panel = b.plus(b.mul(group, self._panels()), number, "panel")
            self._multiply(b, v, m, panel)
            self._each_tile(b, lambda tile: self._transform_output(b, m, tile, place_of(tile), panel))
            return ()

        b.loop(0, self._panels(), 1, [], panel_body, hint="panel")
        return b.finish(tiles.ceildiv(plan.block) * plan.groups)

    # -- the parts of the nest ---------------------------------------------------------------------------------------

    @property
    def algorithm(self) -> Algorithm:
        return self.plan.algorithm

    @property
    def element(self) -> Attribute:
        return element_of(self.op.result.type)

    @property
    def lanes(self) -> int:
        return self.plan.tile.lanes

    def _letter(self, own: str) -> str:
        """The nest's letter for a loop of the op."""
        return self.nest.stages[0].loops[own]

    def _size(self, own: str) -> Size:
        return self.nest.sizes[self._letter(own)]

    def _static(self, own: str) -> int:
        size = self._size(own)
        if isinstance(size, Dim):
            raise TypeError(f"a winograd convolution has a constant size along `{own}`, not {size}")
        return size

    def _operand(self, number: int) -> Operand:
        return self.nest.inputs[self.nest.stages[0].sources[number].input or 0]

    def _tiles(self) -> tuple[Size, int, int]:
        """The pictures, and rows and columns of tiles of each."""
        tile = self.algorithm.tile
        return self._size("n"), -(-self._static("h") // tile), -(-self._static("w") // tile)

    def _panels(self) -> int:
        """Panels of one program."""
        return -(-self._static("o") // self.plan.tile.columns) // self.plan.groups

    def _each_tile(self, b: KernelBuilder, body: Callable[[SSAValue], None]) -> None:
        def one(tile: SSAValue) -> Sequence[SSAValue]:
            body(tile)
            return ()

        b.loop(0, self.plan.block, 1, [], one, hint="tile")

    # -- into the space of products ----------------------------------------------------------------------------------

    def _transform_input(self, b: KernelBuilder, v: SSAValue, tile: SSAValue, place: Sequence[IndexLike]) -> None:
        """V of one tile."""
        n, row, column = place
        ys, xs = self._pixels(b, row, "y"), self._pixels(b, column, "x")

        def vector(channel: Place, shape: TileShape) -> None:
            def pixel(y: IndexLike, x: IndexLike) -> SSAValue:
                at = {"n": Place(n), "y": Place(y), "x": Place(x), "c": channel}
                return load(b, self._operand(0), self._named(at), shape, hint="d")

            d = [[pixel(y, x) for x in xs] for y in ys]
            self._write(b, v, tile, channel.start, _both_sides(b, self.algorithm.input, d, combine_rows))

        cover(b, 0, self._static("c"), self.lanes, 1, vector)

    def _pixels(self, b: KernelBuilder, number: IndexLike, own: str) -> list[IndexLike]:
        """Places of the operand under a tile, the last one of the operand where the tile reaches behind it."""
        size, start = self._static(own), b.mul(number, self.algorithm.tile)
        places = [b.plus(start, i) for i in range(self.algorithm.span)]
        if (size - WINDOW + 1) % self.algorithm.tile == 0:
            return places
        # Every tile has one place of the result at least, and so the first window.
        return [*places[:WINDOW], *(b.minimum(at, size - 1) for at in places[WINDOW:])]

    def _write(self, b: KernelBuilder, v: SSAValue, tile: SSAValue, channel: IndexLike, square: Square) -> None:
        for i, line in enumerate(square):
            for j, value in enumerate(line):
                b.store(value, v, [Index(i), Index(j), Index(tile), Index(channel, 0)])

    # -- products ----------------------------------------------------------------------------------------------------

    def _multiply(self, b: KernelBuilder, v: SSAValue, m: SSAValue, panel: IndexLike) -> None:
        """M for one panel, point by point."""
        height, block, span = self.plan.tile.rows, self.plan.block, self.algorithm.span
        whole = block // height * height

        def rows(i: SSAValue, j: SSAValue) -> None:
            def full(row: SSAValue) -> Sequence[SSAValue]:
                self._product(b, v, m, panel, (i, j), row, height)
                return ()

            b.loop(0, whole, height, [], full, hint="row")
            if block > whole:
                self._product(b, v, m, panel, (i, j), whole, block - whole)

        def along(i: SSAValue) -> Sequence[SSAValue]:
            def inner(j: SSAValue) -> Sequence[SSAValue]:
                rows(i, j)
                return ()

            b.loop(0, span, 1, [], inner, hint="j")
            return ()

        b.loop(0, span, 1, [], along, hint="i")

    def _product(
        self,
        b: KernelBuilder,
        v: SSAValue,
        m: SSAValue,
        panel: IndexLike,
        point: tuple[SSAValue, SSAValue],
        row: IndexLike,
        height: int,
    ) -> None:
        """One register tile, summed over the channels, several in a round.

        (MNIST's second layer, 16 channels to 32 in 14x14 places, one thread of a Zen 3: 17.2 -> 12.5 us.)
        """
        i, j = point
        columns = self.plan.tile.columns
        output = self._columns(b, panel, 0, 1)

        def step(k: IndexLike, acc: SSAValue, count: int) -> SSAValue:
            at = self._named({"i": Place(i), "j": Place(j), "c": Place(k, 0), "o": output})
            v_index = [Index(i), Index(j), Index(row, 0), Index(k, 1)]
            v_tile = b.load(v, v_index, TileType.of((height, count), self.element, 1), hint="v_tile")
            u_shape = TileShape((count, columns), self.lanes)
            u_tile = load(b, self._operand(1), at, u_shape, broadcast=False, hint="u_tile")
            return b.dot(v_tile, u_tile, acc, hint="acc")

        acc = b.splat(0.0, TileType.of((height, columns), self.element, self.lanes), "acc")
        channels, steps = self._static("c"), steps_a_round(height, self.plan.tile.vectors)
        rest = channels % steps
        if channels >= steps:
            (acc,) = b.loop(0, channels - rest, steps, [acc], lambda k, acc: [step(k, acc, steps)])
        if rest:
            acc = step(channels - rest, acc, rest)
        b.store(acc, m, [Index(i), Index(j), Index(row, 0), Index(0, 1)])

    def _columns(self, b: KernelBuilder, panel: IndexLike, offset: IndexLike, over: int) -> Place:
        """The channels of the result from a column of a panel on."""
        columns, outputs = self.plan.tile.columns, self._static("o")
        return Place(b.plus(b.mul(panel, columns), offset), over, outputs % columns != 0, panel)

    # -- back --------------------------------------------------------------------------------------------------------

    def _transform_output(
        self, b: KernelBuilder, m: SSAValue, tile: SSAValue, place: Sequence[IndexLike], panel: IndexLike
    ) -> None:
        """The places of the result that one tile gives, for the columns of a panel."""
        n, row, column = place
        span, shape = self.algorithm.span, TileShape((self.lanes,), self.lanes)
        hs, ws = self._results(b, row, "h"), self._results(b, column, "w")

        def vector(at: SSAValue) -> Sequence[SSAValue]:
            def product(i: int, j: int) -> SSAValue:
                return b.load(m, [Index(i), Index(j), Index(tile), Index(at, 0)], shape.type(self.element), hint="m")

            products = [[product(i, j) for j in range(span)] for i in range(span)]
            found = _both_sides(b, self.algorithm.output, products, combine_columns)
            channels = self._columns(b, panel, at, 0)
            for h, line in zip(hs, found, strict=True):
                for w, value in zip(ws, line, strict=True):
                    here = self._named({"n": Place(n), "h": h, "w": w, "o": channels})
                    value = epilogue(b, self.nest, self.nest.stages[1:], value, here, shape)
                    store(b, value, self.nest.output, here)
            return ()

        b.loop(0, self.plan.tile.columns, self.lanes, [], vector, hint="column")

    def _results(self, b: KernelBuilder, number: IndexLike, own: str) -> list[Place]:
        """Places of the result that a tile makes; some of the last tile may be outside."""
        size, start = self.algorithm.tile, b.mul(number, self.algorithm.tile)
        partial = self._static(own) % size != 0
        return [Place(b.plus(start, i), None, partial and i > 0) for i in range(size)]

    def _named(self, places: Mapping[str, Place]) -> dict[str, Place]:
        return {self._letter(own): place for own, place in places.items()}


def _both_sides(b: KernelBuilder, matrix: Matrix, square: Square, combine: Transform) -> Square:
    """matrix . square . matrix^T"""
    columns = [combine(b, matrix, [line[j] for line in square]) for j in range(len(square[0]))]
    return [combine(b, matrix, [column[i] for column in columns]) for i in range(len(matrix))]


def build_winograd(nest: Nest, target: Target, name: str) -> FuncOp:
    """The kernel of a nest that begins with a Winograd convolution. Raises E0702 for pictures of a symbolic size."""
    op = nest.stages[0].op
    if not isinstance(op, tensor.WinogradOp):
        raise TypeError(f"{op.name} is no winograd convolution")
    if not is_static(shape_of(op.result.type)[1:]):
        problem = f"{op.name} has no kernel for pictures whose size is known at run time only"
        raise error(
            "E0702", problem, span_of(op.location), help="compile the model anew: it stays a direct convolution"
        )
    weight = nest.inputs[nest.stages[0].sources[1].input or 0]
    plan = plan_of(op, target, weight.panel if weight.packed else None)
    return WinogradSchedule(nest, op, plan).build(KernelBuilder(name, nest.dims, nest.references))
