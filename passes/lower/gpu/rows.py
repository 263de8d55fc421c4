"""Row kernels on a GPU (softmax, norms): whole rows in registers from the load to the store.

    x = load(rows, 0..128, masked, other -inf)          short rows: several in one tile, [16, 128]
    m = max(x over the row)                             long rows: one to a program, [4096]
    e = exp(x - m)                                      longer ones: a loop over tiles for each reduction,
    store(e / sum(e where inside))                      and one for the store; what maps make is made again

A row is as wide as the next power of two. What lies behind its end is replaced by the identity before it is reduced,
whatever the maps made of it; where a reduction reads the input itself, the load gives the identity there at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import i32
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.dims import simplest
from neuralc.dialects.kernel import FuncOp, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.passes.lower.gpu.axes import hints, join, power_of_two, programs
from neuralc.passes.lower.nest import Nest, Source
from neuralc.passes.lower.regions import evaluate
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store

BLOCK = 2048
"""Elements of a block of several rows: 16 for each of 128 threads."""
SINGLE = 1024
"""Rows of this width have a program each."""
WIDEST = 16384
"""Wider rows do not fit the registers of a block: they are gone through in tiles."""
TILE = 4096
"""Elements of such a tile."""
PER_WARP = 1024
"""Elements that a warp holds at most: 32 a thread."""


def build_rows(nest: Nest, name: str) -> tuple[FuncOp, Nest]:
    """The kernel of a nest whose reductions run over its last loop, and the nest with the operands as it sees them."""
    along = next(stage.sources[0].word[-1] for stage in nest.stages if isinstance(stage.op, tensor.ReduceOp))
    length = nest.static(along)
    if length is None:
        raise ValueError("the length of a row is a constant")
    around = "".join(letter for letter in nest.sizes if letter != along)
    width = power_of_two(length)
    nest, rows = join(nest, around, 1 if width >= SINGLE else BLOCK // width)
    b = KernelBuilder(name, nest.dims, nest.references)
    where, grid = programs(b, {"pid": simplest(rows.tiles)})
    start = b.mul(where["pid"], rows.extent, "m0")
    if width > WIDEST:
        _in_tiles(b, nest, along, length, rows.scalars(b, nest, start))
        return b.finish(grid, hints(TILE // PER_WARP)), nest
    several = rows.extent > 1
    places = rows.places(b, nest, start, 0, "offs_m") if several else rows.scalars(b, nest, start)
    extents = (rows.extent, width) if several else (width,)
    places[along] = Place(0, len(extents) - 1, width != length)
    tile = _Rows(b, nest, along, length, places, TileShape(extents, 0))
    store(b, tile.result(), nest.output, places)
    return b.finish(grid, hints(max(4, width // PER_WARP))), nest


def _in_tiles(b: KernelBuilder, nest: Nest, along: str, length: int, places: Mapping[str, Place]) -> None:
    """One row that is too long to be held: a pass over it for all reductions that can be made together."""
    known: dict[int, SSAValue] = {}
    final = len(nest.stages) - 1

    def tile(at: IndexLike) -> _Rows:
        here = {**places, along: Place(at, 0, masked=length % TILE != 0)}
        rows = _Rows(b, nest, along, length, here, TileShape((TILE,), 0))
        rows.stages |= known
        return rows

    passes = _passes(nest, along)
    for number in range(max(passes) + 1):
        reductions = [i for i, op in enumerate(_ops(nest)) if passes[i] == number and isinstance(op, tensor.ReduceOp)]
        stored = passes[final] == number and along in nest.stages[final].word

        def one(
            at: IndexLike, *acc: SSAValue, reductions: list[int] = reductions, stored: bool = stored
        ) -> list[SSAValue]:
            rows = tile(at)
            added = [b.map(rows.kind(i), a, rows.reduced(i), hint="acc") for i, a in zip(reductions, acc, strict=True)]
            if stored:
                store(b, rows.result(), nest.output, rows.places)
            return added

        if reductions or stored:
            initial = [tile(0).identity(i) for i in reductions]
            partial = b.loop(0, length, TILE, initial, one, hint="at")
            known |= {i: tile(0).total(i, acc) for i, acc in zip(reductions, partial, strict=True)}
        per_row = [i for i, stage in enumerate(nest.stages) if passes[i] == number and along not in stage.word]
        rows = tile(0)
        known |= {i: rows.value(Source(nest.stages[i].word, stage=i), full=False) for i in per_row}
    if along not in nest.stages[final].word:
        store(b, known[final], nest.output, places)


def _ops(nest: Nest) -> list[Operation]:
    return [stage.op for stage in nest.stages]


def _passes(nest: Nest, along: str) -> list[int]:
    """The pass over a row in which each stage is complete: a reduction ends the pass of what it reads."""
    out: list[int] = []
    for stage in nest.stages:
        made = [source.stage for source in stage.sources if source.stage is not None]
        before = max((out[i] + (along not in nest.stages[i].word) for i in made), default=0)
        between = along not in stage.word and not isinstance(stage.op, tensor.ReduceOp)
        out.append(max(0, before - 1) if between else before)
    return out


class _Rows:
    """The values of one tile of rows, each made once."""

    def __init__(
        self, b: KernelBuilder, nest: Nest, along: str, length: int, places: Mapping[str, Place], shape: TileShape
    ) -> None:
        self.b, self.nest, self.along, self.length = b, nest, along, length
        self.places = places
        self.row = shape
        self.per_row = TileShape(shape.extents[:-1], 0)
        self.inputs: dict[tuple[int, bool], SSAValue] = {}
        self.stages: dict[int, SSAValue] = {}
        self.others = self._others()

    def result(self) -> SSAValue:
        """What the last stage makes."""
        number = len(self.nest.stages) - 1
        word = self.nest.stages[number].word
        return self.value(Source(word, stage=number), full=self.along in word)

    def value(self, source: Source, *, full: bool) -> SSAValue:
        """The tile of an input or of a stage; `full` spreads a value per row over the row."""
        shape = self.row if full else self.per_row
        if source.input is not None:
            key = (source.input, full)
            if key not in self.inputs:
                other = self.others.get(source.input)
                self.inputs[key] = load(self.b, self.nest.inputs[source.input], self.places, shape, other=other)
            return self.inputs[key]
        number = source.stage or 0
        if number not in self.stages:
            self.stages[number] = self._stage(number)
        value = self.stages[number]
        if full and self.along not in self.nest.stages[number].word:
            element = self.nest.stages[number].element
            return self.b.broadcast(value, range(len(self.per_row.extents)), shape.type(computed(element)))
        return value

    def kind(self, number: int) -> str:
        """What a reducing stage does."""
        op = self.nest.stages[number].op
        if not isinstance(op, tensor.ReduceOp):
            raise TypeError(f"{op.name} is not a reduction")
        return str(op.literal("kind"))

    def identity(self, number: int) -> SSAValue:
        """A row of what a reducing stage begins with."""
        element = self.nest.stages[number].element
        return self.b.splat(scalar.identity(self.kind(number), element), self.row.type(computed(element)), "acc")

    def reduced(self, number: int) -> SSAValue:
        """The row that a stage reduces, with the identity behind its end."""
        source, place = self.nest.stages[number].sources[0], self.places[self.along]
        b, value = self.b, self.value(source, full=True)
        read = None if source.input is None else self.others[source.input]
        if not place.masked or read == scalar.identity(self.kind(number), self.nest.stages[number].element):
            return value
        offsets = b.iota(place.start, TileType.of((self.row.extents[-1],), i32), "offs")
        everywhere = b.broadcast(offsets, [len(self.row.extents) - 1], self.row.type(i32))
        inside = b.map("lt", everywhere, b.splat(self.length, self.row.type(i32)))
        return b.map("select", inside, value, self.identity(number))

    def total(self, number: int, row: SSAValue) -> SSAValue:
        """A row reduced to one value."""
        kind = self.kind(number)
        return self.b.reduce(kind, row, len(self.row.extents) - 1, _NAMES.get(kind))

    def _stage(self, number: int) -> SSAValue:
        stage = self.nest.stages[number]
        if isinstance(stage.op, tensor.ReduceOp):
            return self.total(number, self.reduced(number))
        if not isinstance(stage.op, tensor.MapOp):
            raise TypeError(f"{stage.op.name} does not stand in a row kernel")
        full = self.along in stage.word
        shape = self.row if full else self.per_row
        return evaluate(self.b, self.nest, stage, self.places, shape, lambda source: self.value(source, full=full))

    def _others(self) -> dict[int, float | int]:
        """What an input reads behind the end of the row: the identity of the first reduction that reads it as it is."""
        found: dict[int, float | int] = {}
        for stage in self.nest.stages:
            source = stage.sources[0] if stage.sources else None
            if isinstance(stage.op, tensor.ReduceOp) and source is not None and source.input is not None:
                found.setdefault(source.input, scalar.identity(str(stage.op.literal("kind")), stage.element))
        return found


_NAMES = {"add": "row_sum", "maximum": "row_max", "minimum": "row_min"}
"""What the result of a reduction is called."""
