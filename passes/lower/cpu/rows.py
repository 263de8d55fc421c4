"""Row kernels on a CPU (softmax, norms): one row a program round, passes over the row separated by its reductions.

    short row (fits registers)                    long row
      x = load row                                  pass 1: loop tiles: m = max(m, x)
      m = max(x)                                    pass 2: loop tiles: e = exp(x - m); scratch = e; s = s + e
      e = exp(x - m)                                pass 3: loop tiles: store(scratch / s)
      s = sum(e)
      store(e / s)

A value that a later pass needs is kept in scratch memory when it costs more than a load to make again; of rows that
are too long for that, or as long as a symbol says, in the row of the output. Places behind
the end of the row are replaced by the identity before they are reduced, whatever the maps made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, Index, MapOp, RefType, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.syntax import to_attribute
from neuralc.passes.lower.cpu.elementwise import leftovers, nested_loops, split_loops, vector_lanes
from neuralc.passes.lower.nest import Nest, Source
from neuralc.passes.lower.regions import evaluate
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store
from neuralc.passes.target import Target

UNROLL = 4
SHORT_VECTORS = 6
"""Vectors of a row that is held in registers from its load to its store."""
SCRATCH_BYTES = 64 * 1024
"""Scratch memory a program may use; beyond it, values are made again."""


def build_rows(nest: Nest, target: Target, name: str) -> FuncOp:
    """The kernel of a nest whose reductions all run over its last loop."""
    return RowSchedule(nest, target).build(name)


class RowSchedule:
    """Writes the kernel of one such nest, or its part of one."""

    def __init__(self, nest: Nest, target: Target) -> None:
        self.nest = nest
        self.lanes = min(vector_lanes(nest, target), target.lanes)
        self.along = next(stage.sources[0].word[-1] for stage in nest.stages if isinstance(stage.op, tensor.ReduceOp))
        self.length = nest.sizes[self.along]
        self.short = isinstance(self.length, int) and self.length <= SHORT_VECTORS * self.lanes
        self.passes = self._passes()
        self.kept = self._kept()

    def build(self, name: str) -> FuncOp:
        nest = self.nest
        self.b = b = KernelBuilder(name, nest.dims, nest.references)
        row_letters = "".join(letter for letter in nest.sizes if letter != self.along)
        outer, inner, _ = split_loops(nest, row_letters, self.length)
        program = b.program_id() if outer else 0
        position = b.unravel(program, [nest.sizes[letter] for letter in outer], list(outer))
        places = {letter: Place(at) for letter, at in zip(outer, position, strict=True)}
        self._take_scratch()
        nested_loops(b, nest.sizes, inner, places, self._row)
        grid = Dim.constant(1)
        for letter in outer:
            grid *= nest.sizes[letter]
        return b.finish(grid)

    def walk(
        self, b: KernelBuilder, places: Mapping[str, Place], letter: str, start: IndexLike, stop: IndexLike
    ) -> None:
        """The rows from `start` to `stop` along a loop, as a part of a kernel that is being written."""
        self.b = b
        self._take_scratch()

        def body(at: SSAValue) -> Sequence[SSAValue]:
            self._row({**places, letter: Place(at)})
            return ()

        b.loop(start, stop, 1, [], body, hint="row")

    def _take_scratch(self) -> None:
        self.scratch = {} if self.short else {stage: self._scratch(stage) for stage in sorted(self.kept)}

    # -- what runs in which pass -------------------------------------------------------------------------------------

    def _is_row(self, stage: int) -> bool:
        return self.along in self.nest.stages[stage].word

    def _passes(self) -> list[int]:
        """The pass in which each stage's value is complete: a reduction ends the pass of what it reads."""
        out: list[int] = []
        for stage in self.nest.stages:
            sources = [source.stage for source in stage.sources if source.stage is not None]
            before = max((out[s] + (0 if self._is_row(s) else 1) for s in sources), default=0)
            # A value per row that is made from such values belongs between two passes, like a reduction's own.
            if self.along not in stage.word and not isinstance(stage.op, tensor.ReduceOp):
                before = max(0, before - 1)
            out.append(before)
        return out

    def _kept(self) -> set[int]:
        """Full rows that a later pass reads and that cost more than a load."""
        kept: set[int] = set()
        for index, stage in enumerate(self.nest.stages):
            for source in stage.sources:
                made = source.stage
                if made is not None and self._is_row(made) and self.passes[made] < self.passes[index]:
                    op = self.nest.stages[made].op
                    costly = isinstance(op, tensor.MapOp) and any(
                        isinstance(inner, tensor.ScalarOp)
                        and inner.literal("fn") in ("exp", "log", "tanh", "erf", "pow")
                        for inner in op.block.ops
                    )
                    if costly:
                        kept.add(made)
        if isinstance(self.length, int) and self.length * 8 * len(kept) <= SCRATCH_BYTES:
            return kept
        # No room on the stack: one of them may lie where the result will be.
        return {stage for stage in kept if self._fits_output(stage)} if len(kept) == 1 else set()

    def _fits_output(self, stage: int) -> bool:
        """Whether the row of the output can hold a stage's row until the last pass overwrites it."""
        final, memory = self.nest.stages[-1], self.nest.output.ref.element_type
        return self.along in final.word and memory == computed(self.nest.stages[stage].element)

    def _scratch(self, stage: int) -> SSAValue | None:
        """Memory for the row of a stage; None where it is the output's."""
        if not isinstance(self.length, int) or self.length * 8 * len(self.kept) > SCRATCH_BYTES:
            return None
        width = -(-self.length // self.lanes) * self.lanes
        return self.b.local(RefType.of([width], computed(self.nest.stages[stage].element)), f"kept_{stage}")

    # -- one row -----------------------------------------------------------------------------------------------------

    def _row(self, here: Mapping[str, Place]) -> None:
        scalars: dict[int, SSAValue] = {}
        final = len(self.nest.stages) - 1
        row_cache: dict[int, SSAValue] = {}
        for number in range(max(self.passes) + 1):
            todo = [i for i in range(len(self.nest.stages)) if self.passes[i] == number]
            reductions = [i for i in todo if isinstance(self.nest.stages[i].op, tensor.ReduceOp)]
            tiles: list[tuple[Place, TileShape, IndexLike, IndexLike]] = self._tiles()
            totals: dict[int, SSAValue] = {}
            for place, shape, start, stop in tiles:
                if isinstance(start, int) and start == stop:
                    continue
                partial = self._pass(here, number, reductions, scalars, place, shape, start, stop, row_cache)
                for i, value in partial.items():
                    kind = self._kind(i)
                    total = self.b.reduce(kind, value, 0)
                    totals[i] = total if i not in totals else self.b.map(kind, totals[i], total)
            scalars |= totals
            for i in todo:
                if i not in scalars and not self._is_row(i):
                    scalars[i] = self._row_scalar(i, scalars, here)
        if not self._is_row(final):
            store(self.b, scalars[final], self.nest.output, here)

    def _tiles(self) -> list[tuple[Place, TileShape, IndexLike, IndexLike]]:
        """The tiles of a row; the last two say from where to where a loop takes the tile."""
        if isinstance(self.length, Dim):
            stop = self.b.size(self.length)
            middle = self.b.mul(self.b.div(stop, self.lanes * UNROLL), self.lanes * UNROLL, "middle")
            return [
                (Place(0, 0), TileShape((self.lanes * UNROLL,), self.lanes), 0, middle),
                (Place(0, 0, masked=True), TileShape((self.lanes,), self.lanes), middle, stop),
            ]
        if self.short:
            width = max(1, -(-self.length // self.lanes)) * self.lanes
            return [(Place(0, 0, width != self.length), TileShape((width,), self.lanes), 0, 0 + width)]
        width = self.lanes * UNROLL
        full = self.length // width * width
        out: list[tuple[Place, TileShape, IndexLike, IndexLike]] = []
        if full:
            out.append((Place(0, 0), TileShape((width,), self.lanes), 0, full))
        for start, extent, masked in leftovers(full, self.length, self.lanes):
            out.append((Place(start, 0, masked), TileShape((extent,), self.lanes), start, start + extent))
        return out

    def _pass(
        self,
        here: Mapping[str, Place],
        number: int,
        reductions: Sequence[int],
        scalars: Mapping[int, SSAValue],
        place: Place,
        shape: TileShape,
        start: IndexLike,
        stop: IndexLike,
        row_cache: dict[int, SSAValue],
    ) -> dict[int, SSAValue]:
        """One pass over some tiles of the row: the partial sums of its reductions."""
        b = self.b
        initial = [self._identity(i, shape) for i in reductions]
        final = len(self.nest.stages) - 1

        def body(at: IndexLike, *carried: SSAValue) -> list[SSAValue]:
            values: dict[int, SSAValue] = row_cache if self.short else {}
            spot = {**here, self.along: Place(at, 0, place.masked)}
            out = []
            for i, acc in zip(reductions, carried, strict=True):
                source = self.nest.stages[i].sources[0]
                value = self._value(source, values, scalars, spot, shape, number)
                out.append(b.map(self._kind(i), acc, self._valid(value, spot, shape, i), hint="acc"))
            if self._is_row(final) and self.passes[final] == number:
                result = self._value(
                    Source(self.nest.stages[final].word, stage=final), values, scalars, spot, shape, number
                )
                store(b, result, self.nest.output, spot)
            for i in self.scratch:
                if self.passes[i] == number:
                    made = self._value(Source(self.nest.stages[i].word, stage=i), values, scalars, spot, shape, number)
                    self._keep(i, made, spot)
            return out

        extent = shape.extents[0]
        if isinstance(start, int) and isinstance(stop, int) and stop - start <= extent:
            return dict(zip(reductions, body(start, *initial), strict=True))
        if not reductions and not (self._is_row(final) and self.passes[final] == number):
            return {}
        results = b.loop(start, stop, extent, initial, body, hint="at")
        return dict(zip(reductions, results, strict=True))

    def _keep(self, stage: int, value: SSAValue, spot: Mapping[str, Place]) -> None:
        local = self.scratch[stage]
        if local is None:
            store(self.b, value, self.nest.output, spot)
        else:
            self.b.store(value, local, [Index(spot[self.along].start, 0)])

    def _value(
        self,
        source: Source,
        values: dict[int, SSAValue],
        scalars: Mapping[int, SSAValue],
        spot: Mapping[str, Place],
        shape: TileShape,
        number: int,
    ) -> SSAValue:
        """The tile of an input or of a stage at a spot of the row."""
        if source.input is not None:
            operand = self.nest.inputs[source.input]
            key = -1 - source.input
            if key not in values or self.along not in operand.word:
                values[key] = load(self.b, operand, spot, shape)
            return values[key]
        stage = source.stage or 0
        if not self._is_row(stage):
            element = computed(self.nest.stages[stage].element)
            return self.b.broadcast(scalars[stage], [], shape.type(element))
        if stage in values:
            return values[stage]
        op = self.nest.stages[stage].op
        if stage in self.scratch and self.passes[stage] < number:
            tile = TileType.of(shape.extents, computed(self.nest.stages[stage].element), shape.lanes)
            local = self.scratch[stage]
            if local is None:
                values[stage] = load(self.b, self.nest.output, spot, shape)
            else:
                values[stage] = self.b.load(local, [Index(spot[self.along].start, 0)], tile)
            return values[stage]
        if not isinstance(op, tensor.MapOp):
            raise TypeError(f"{op.name} does not make a row")

        def tile_of_source(each: Source) -> SSAValue:
            return self._value(each, values, scalars, spot, shape, number)

        values[stage] = evaluate(self.b, self.nest, self.nest.stages[stage], spot, shape, tile_of_source)
        if (product := _product(values[stage])) is not None:
            # Several passes may make this value: they have to agree on it to the last bit.
            product.properties["rounded"] = to_attribute(True)
        return values[stage]

    def _row_scalar(self, stage: int, scalars: Mapping[int, SSAValue], here: Mapping[str, Place]) -> SSAValue:
        """A map over values per row."""
        op = self.nest.stages[stage].op
        if not isinstance(op, tensor.MapOp):
            raise TypeError(f"{op.name} is not a map")
        shape = TileShape((), 1)

        def tile_of_source(source: Source) -> SSAValue:
            if source.stage is not None:
                return scalars[source.stage]
            return load(self.b, self.nest.inputs[source.input or 0], here, shape)

        return evaluate(self.b, self.nest, self.nest.stages[stage], here, shape, tile_of_source)

    def _kind(self, stage: int) -> str:
        op = self.nest.stages[stage].op
        if not isinstance(op, tensor.ReduceOp):
            raise TypeError(f"{op.name} is not a reduction")
        return str(op.literal("kind"))

    def _identity(self, stage: int, shape: TileShape) -> SSAValue:
        element = computed(self.nest.stages[stage].element)
        return self.b.splat(scalar.identity(self._kind(stage), element), shape.type(element), "acc")

    def _valid(self, value: SSAValue, spot: Mapping[str, Place], shape: TileShape, stage: int) -> SSAValue:
        """`value` where the row is, the identity behind its end."""
        place = spot[self.along]
        if not place.masked:
            return value
        b = self.b
        integers = TileType.of(shape.extents, i32, shape.lanes)
        inside = b.map("lt", b.iota(place.start, integers), b.splat(b.size(self.length), integers))
        return b.map("select", inside, value, self._identity(stage, shape))


def _product(value: SSAValue) -> MapOp | None:
    """The product that a value is, or is the negative of: a sum that takes either may fuse with it."""
    owner = value.owner
    while isinstance(owner, MapOp) and owner.literal("fn") == "neg":
        owner = owner.args[0].owner
    return owner if isinstance(owner, MapOp) and owner.literal("fn") == "mul" else None
