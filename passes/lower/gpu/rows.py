"""Row kernels on a GPU (softmax, norms): whole rows in registers from the load to the store.

    x = load(rows, 0..128, masked, other -inf)          short rows: several in one tile, [16, 128]
    m = max(x over the row)                             long rows: one to a program, [4096]
    e = exp(x - m)
    store(e / sum(e where inside))

A row is as wide as the next power of two. What lies behind its end is replaced by the identity before it is reduced,
whatever the maps made of it; where a reduction reads the input itself, the load gives the identity there at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import i32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.dims import simplest
from neuralc.dialects.kernel import FuncOp, TileType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.passes.lower.gpu.axes import hints, join, power_of_two, programs
from neuralc.passes.lower.nest import Nest, Source
from neuralc.passes.lower.tiles import Place, TileShape, load, region, store

BLOCK = 2048
"""Elements of a block of several rows: 16 for each of 128 threads."""
SINGLE = 1024
"""Rows of this width have a program each."""
PER_WARP = 1024
"""Elements that a warp holds at most: 32 a thread."""


def build_rows(nest: Nest, name: str) -> tuple[FuncOp, Nest]:
    """The kernel of a nest whose reductions all run over its last loop, and the nest with the operands as it sees them."""
    along = row_loop(nest)
    length = nest.static(along)
    if length is None:
        raise ValueError("the length of a row is a constant")
    around = "".join(letter for letter in nest.sizes if letter != along)
    width = power_of_two(length)
    nest, rows = join(nest, around, 1 if width >= SINGLE else BLOCK // width)
    b = KernelBuilder(name, nest.dims, [(operand.name, operand.ref) for operand in nest.operands])
    where, grid = programs(b, {"pid": simplest(rows.tiles)})
    several = rows.extent > 1
    start = b.mul(where["pid"], rows.extent, "m0")
    places = rows.places(b, nest, start, 0, "offs_m") if several else rows.scalars(b, nest, start)
    places[along] = Place(0, 1 if several else 0, width != length)
    extents = (rows.extent, width) if several else (width,)
    tile = _Rows(b, nest, along, length, places, TileShape(extents, 0, wide=True))
    final = len(nest.stages) - 1
    store(b, tile.value(Source(nest.stages[final].word, stage=final), full=along in nest.stages[final].word), nest.output, places)
    return b.finish(grid, hints(max(4, width // PER_WARP))), nest


def row_loop(nest: Nest) -> str:
    """The loop that the reductions of a nest run over."""
    return next(stage.sources[0].word[-1] for stage in nest.stages if isinstance(stage.op, tensor.ReduceOp))


class _Rows:
    """The values of one tile of rows, each made once."""

    def __init__(
        self, b: KernelBuilder, nest: Nest, along: str, length: int, places: Mapping[str, Place], shape: TileShape
    ) -> None:
        self.b, self.nest, self.along, self.length = b, nest, along, length
        self.places = places
        self.row = shape
        self.per_row = TileShape(shape.extents[:-1], 0, wide=True)
        self.inputs: dict[tuple[int, bool], SSAValue] = {}
        self.stages: dict[int, SSAValue] = {}
        self.others = self._others()

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
            return self.b.broadcast(value, range(len(self.per_row.extents)), shape.type(shape.computed(element)))
        return value

    def _stage(self, number: int) -> SSAValue:
        stage = self.nest.stages[number]
        match stage.op:
            case tensor.ReduceOp():
                kind = str(stage.op.literal("kind"))
                x = self._inside(stage.sources[0], kind)
                return self.b.reduce(kind, x, len(self.row.extents) - 1, _NAMES.get(kind))
            case tensor.MapOp():
                full = self.along in stage.word
                tiles = [self.value(source, full=full) for source in stage.sources]
                return region(self.b, stage.op, tiles, self.row if full else self.per_row)
            case _:
                raise TypeError(f"{stage.op.name} does not stand in a row kernel")

    def _others(self) -> dict[int, float | int]:
        """What an input reads behind the end of the row: the identity of the first reduction that reads it as it is."""
        found: dict[int, float | int] = {}
        for stage in self.nest.stages:
            source = stage.sources[0] if stage.sources else None
            if isinstance(stage.op, tensor.ReduceOp) and source is not None and source.input is not None:
                found.setdefault(source.input, scalar.identity(str(stage.op.literal("kind")), stage.element))
        return found

    def _inside(self, source: Source, kind: str) -> SSAValue:
        """A full row with the identity of a reduction behind its end."""
        b, value = self.b, self.value(source, full=True)
        element = self._element(source)
        identity = scalar.identity(kind, element)
        if not self.places[self.along].masked or (source.input is not None and self.others[source.input] == identity):
            return value
        offsets = b.iota(0, TileType.of((self.row.extents[-1],), i32), "offs")
        everywhere = b.broadcast(offsets, [len(self.row.extents) - 1], self.row.type(i32))
        inside = b.map("lt", everywhere, b.splat(self.length, self.row.type(i32)))
        return b.map("select", inside, value, b.splat(identity, self.row.type(self.row.computed(element))))

    def _element(self, source: Source) -> Attribute:
        if source.input is not None:
            return self.nest.inputs[source.input].ref.element_type
        return self.nest.stages[source.stage or 0].element


_NAMES = {"add": "row_sum", "maximum": "row_max", "minimum": "row_min"}
"""What the result of a reduction is called."""
