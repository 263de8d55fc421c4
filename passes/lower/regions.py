"""The region of a map, evaluated on tiles: scalar functions, positions, and elements at computed places.

    %3 = tensor.at %table, %i, %j          becomes, by how its indices move with the tile,

| indices                                            | on the kernel level |
|----------------------------------------------------|---------------------|
| none moves with the tile                           | one element, broadcast |
| one is the position along the vectors, plus a fixed number | a load of consecutive places |
| any other                                          | index arithmetic on integer tiles, then kernel.gather |

What does not move with the tile is computed once, as a scalar. Places that may be outside are masked; where the op is
`checked`, kernel.check tells the run. Positions behind the end of a loop (a masked tile) are never checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import IntegerType, i1, i32, i64
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.kernel import Index, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder, tile_of
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import is_float
from neuralc.passes.lower.nest import Nest, Operand, Source, Stage
from neuralc.passes.lower.tiles import Place, TileShape, computed, load

INDEX_CODE = 910
"""What a failed check of an index means for the run: E0910."""
DIVISION_CODE = 911
"""The same for a divisor: E0911."""
NARROW = 2**31 - 1
"""Offsets below it are computed in 32 bits: a vector of them is half as wide."""


@dataclass
class Region:
    """The region of one stage at some places. `tile_of_source` gives the whole tile of an operand."""

    b: KernelBuilder
    nest: Nest
    stage: Stage
    places: Mapping[str, Place]
    shape: TileShape
    tile_of_source: Callable[[Source], SSAValue]
    _tiles: dict[SSAValue, SSAValue] = field(default_factory=dict)
    _scalars: dict[SSAValue, SSAValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        op = self.stage.op
        if not isinstance(op, tensor.MapOp):
            raise TypeError(f"{op.name} has no region")
        self.op = op
        self._moving = self._moving_values()

    def evaluate(self) -> SSAValue:
        """The tile of what the region yields."""
        wanted = {self.op.yielded}
        for op in reversed(list(self.op.block.ops)):
            if isinstance(op, tensor.ScalarOp) and op.result in wanted:
                wanted |= set(op.args)
        # In the order of the text, so that long chains are no deep recursion.
        for op in self.op.block.ops:
            for result in op.results:
                if result in wanted:
                    self.tile(result)
        return self.tile(self.op.yielded)

    def tiles_made(self) -> list[SSAValue]:
        """The values that are made as tiles and move with it: not the indices of consecutive places."""
        wanted = {self.op.yielded}
        for op in reversed(list(self.op.block.ops)):
            if not any(result in wanted for result in op.results):
                continue
            if isinstance(op, tensor.ScalarOp):
                wanted |= set(op.args)
            elif isinstance(op, tensor.AtOp):
                moving = [i for i in op.indices if i in self._moving]
                single = len(moving) == 1 and self._consecutive(moving[0]) is not None
                if not single or any(i in self._moving and self._unsure(op, d) for d, i in enumerate(op.indices)):
                    wanted |= set(moving)
        return [value for value in wanted if value in self._moving or value is self.op.yielded]

    @property
    def has_masks(self) -> bool:
        """Whether places behind the end of a loop are told from others, in integers of 32 bits."""
        return any(
            (isinstance(op, tensor.AtOp) and op.result in self._moving)
            or (isinstance(op, tensor.ScalarOp) and bool(op.literal("checked")))
            for op in self.op.block.ops
        )

    # -- what moves with the tile ------------------------------------------------------------------------------------

    def _moving_values(self) -> set[SSAValue]:
        """The values that are not the same everywhere in the tile."""
        moving: set[SSAValue] = set()
        for argument, source in zip(self.op.block.args, self.stage.sources, strict=True):
            word = "" if source.input is None else self.nest.inputs[source.input].word
            if source.stage is not None or any(self.places[letter].over is not None for letter in word):
                moving.add(argument)
        for op in self.op.block.ops:
            place = self._place(op) if isinstance(op, tensor.PositionOp) else None
            if any(operand in moving for operand in op.operands) or (place is not None and place.over is not None):
                moving |= set(op.results)
        return moving

    def _place(self, op: tensor.PositionOp) -> Place:
        letter = self.stage.loops[op.letter]
        return self.places[letter] if letter else Place(0)

    # -- whole tiles -------------------------------------------------------------------------------------------------

    def tile(self, value: SSAValue) -> SSAValue:
        """A value as a tile of the whole shape."""
        if value not in self._tiles:
            self._tiles[value] = self._make(value)
        return self._tiles[value]

    def _make(self, value: SSAValue) -> SSAValue:
        op = value.owner
        if value not in self._moving and isinstance(op, tensor.PositionOp | tensor.SizeOp | tensor.AtOp):
            scalar = self.scalar(value)
            return self.b.broadcast(scalar, [], self.shape.type(tile_of(scalar).element_type))
        match op:
            case Block():
                return self.tile_of_source(self._source(value))
            case tensor.NumberOp():
                return self.b.splat(to_literal(op.value), self.shape.type(computed(value.type)))
            case tensor.ScalarOp():
                return self._function(op, [self.tile(arg) for arg in op.args], self.shape)
            case tensor.PositionOp():
                return self._along(self._place(op), op.result.type)
            case tensor.AtOp():
                return self._elements(op)
        raise TypeError(f"{op.name} stands in the region of a map")

    def _function(self, op: tensor.ScalarOp, args: list[SSAValue], shape: TileShape) -> SSAValue:
        if op.literal("checked"):
            divisor = args[1]
            there = self.b.map("ne", divisor, self.b.splat(0, tile_of(divisor)))
            self._report(there, self._live() if shape.extents else None, DIVISION_CODE)
        if op.literal("fn") != "convert":
            return self.b.map(op.literal("fn"), *args)
        rounded = self.b.convert(args[0], shape.type(op.result.type))
        return self.b.convert(rounded, shape.type(computed(op.result.type)))

    def _along(self, place: Place, element: Attribute) -> SSAValue:
        """The positions of a place that spans an axis, everywhere in the tile."""
        b, axis = self.b, place.over or 0
        lanes = self.shape.lanes if axis == len(self.shape.extents) - 1 else min(self.shape.lanes, 1)
        line = TileType.of((self.shape.extents[axis],), element, lanes)
        if isinstance(place.start, SSAValue) and isinstance(place.start.type, TileType):
            positions = b.convert(b.convert(place.start, place.start.type.with_element(element)), line)
        else:
            positions = b.iota(place.start, line)
        return b.broadcast(positions, [axis], self.shape.type(element))

    # -- scalars -----------------------------------------------------------------------------------------------------

    def scalar(self, value: SSAValue) -> SSAValue:
        """A value that does not move with the tile, as a tile of rank 0."""
        if value not in self._scalars:
            self._scalars[value] = self._make_scalar(value)
        return self._scalars[value]

    @property
    def _point(self) -> TileShape:
        return TileShape((), min(self.shape.lanes, 1))

    def _make_scalar(self, value: SSAValue) -> SSAValue:
        b, op, point = self.b, value.owner, self._point
        match op:
            case Block():
                return load(b, self.nest.inputs[self._source(value).input or 0], self.places, point)
            case tensor.NumberOp():
                return b.splat(to_literal(op.value), point.type(computed(value.type)))
            case tensor.ScalarOp():
                return self._function(op, [self.scalar(arg) for arg in op.args], point)
            case tensor.SizeOp() if is_float(value.type):
                whole = b.splat(b.size(op.dim.data), point.type(i64))
                return b.convert(whole, point.type(computed(value.type)))
            case tensor.PositionOp() | tensor.SizeOp():
                return b.splat(self.index(value), point.type(value.type))
            case tensor.AtOp():
                return self._element(op)
        raise TypeError(f"{op.name} stands in the region of a map")

    def index(self, value: SSAValue) -> IndexLike:
        """An integer that does not move with the tile, as an index value."""
        b, op = self.b, value.owner
        match op:
            case tensor.NumberOp():
                return int(to_literal(op.value))
            case tensor.SizeOp():
                return b.size(op.dim.data)
            case tensor.PositionOp():
                return self._place(op).start
            case tensor.ScalarOp() if op.literal("fn") in ("add", "sub", "mul"):
                combine = {"add": b.plus, "sub": b.minus, "mul": b.mul}[op.literal("fn")]
                return combine(self.index(op.args[0]), self.index(op.args[1]))
            case tensor.ScalarOp() if _only_widens(op):
                return self.index(op.args[0])
        return b.to_index(self.scalar(value))

    # -- elements at computed places ---------------------------------------------------------------------------------

    def _table(self, op: tensor.AtOp) -> Operand:
        return self.nest.inputs[self._source(op.table).input or 0]

    def _source(self, argument: SSAValue) -> Source:
        if not isinstance(argument, BlockArgument):
            raise TypeError("an operand of a map is an argument of its region")
        return self.stage.sources[argument.index]

    def _element(self, op: tensor.AtOp) -> SSAValue:
        """One element, at indices that do not move."""
        return self._load(
            op, [Index(self.index(i), None, self._unsure(op, d)) for d, i in enumerate(op.indices)], self._point
        )

    def _elements(self, op: tensor.AtOp) -> SSAValue:
        last = len(self.shape.extents) - 1
        moving = [i for i in op.indices if i in self._moving]
        if last == 0 and len(moving) == 1 and (spot := self._consecutive(moving[0])) is not None:
            place, offset = spot
            at = self.b.plus(place.start, offset)
            indices = [
                Index(at, 0, place.masked or self._unsure(op, dim))
                if i is moving[0]
                else Index(self.index(i), None, self._unsure(op, dim))
                for dim, i in enumerate(op.indices)
            ]
            return self._load(op, indices, self.shape)
        return self._gather(op)

    def _consecutive(self, value: SSAValue) -> tuple[Place, IndexLike] | None:
        """The place that a value moves with, neighbour by neighbour, and the fixed number added to it."""
        op, b = value.owner, self.b
        match op:
            case tensor.PositionOp():
                place = self._place(op)
                is_tile = isinstance(place.start, SSAValue) and isinstance(place.start.type, TileType)
                return None if is_tile or place.over is None else (place, 0)
            case tensor.ScalarOp() if _only_widens(op):
                return self._consecutive(op.args[0])
            case tensor.ScalarOp() if op.literal("fn") in ("add", "sub"):
                lhs, rhs = op.args
                if lhs in self._moving and rhs not in self._moving and (found := self._consecutive(lhs)) is not None:
                    combine = b.plus if op.literal("fn") == "add" else b.minus
                    return found[0], combine(found[1], self.index(rhs))
                if op.literal("fn") == "add" and lhs not in self._moving:
                    found = self._consecutive(rhs)
                    return None if found is None else (found[0], b.plus(found[1], self.index(lhs)))
        return None

    def _load(self, op: tensor.AtOp, indices: list[Index], shape: TileShape) -> SSAValue:
        """A load of one element, or of consecutive ones along the only axis."""
        b, table = self.b, self._table(op)
        if op.literal("checked"):
            self._report(self._inside(op, moving=False), None)
            if shape.extents:
                self._report(self._inside(op, moving=True), self._live())
        masked = any(index.masked for index in indices)
        other = (0 if op.other is None else to_literal(op.other)) if masked else None
        type_, ref = shape.type(table.ref.element_type), b.reference(table.name)
        strided = any(index.over is not None and table.ref.strides[d] != 1 for d, index in enumerate(indices))
        if strided and shape.lanes > 1:
            value = b.convert(b.load(ref, indices, type_.with_lanes(1), other=other), type_)
        else:
            value = b.load(ref, indices, type_, other=other, hint=f"{table.name}_tile")
        return b.convert(value, type_.with_element(computed(table.ref.element_type)))

    def _gather(self, op: tensor.AtOp) -> SSAValue:
        b, table, shape = self.b, self._table(op), self.shape
        span = table.ref.span
        element = i32 if span.is_static and span.value <= NARROW else i64
        fixed: IndexLike = 0
        offsets: SSAValue | None = None
        for index, stride in zip(op.indices, table.ref.strides, strict=True):
            step = b.size(stride)
            if index not in self._moving:
                fixed = b.plus(fixed, b.mul(self.index(index), step))
                continue
            part = b.convert(self.tile(index), shape.type(element))
            if step != 1:
                part = b.map("mul", part, b.splat(step, shape.type(element)))
            offsets = part if offsets is None else b.map("add", offsets, part)
        if offsets is None:
            raise ValueError("elements are gathered at places that move")
        if fixed != 0:
            offsets = b.map("add", offsets, b.splat(fixed, shape.type(element)))
        mask = self._live()
        fixed_inside, inside = self._inside(op, moving=False), self._inside(op, moving=True)
        if op.literal("checked"):
            self._report(fixed_inside, None)
            self._report(inside, mask)
        if fixed_inside is not None:
            inside = self._both(inside, b.broadcast(fixed_inside, [], shape.type(i1)))
        mask = self._both(mask, inside)
        other = None if op.other is None else to_literal(op.other)
        value = b.gather(b.reference(table.name), offsets, mask, other=other, hint=f"{table.name}_tile")
        return b.convert(value, shape.type(computed(table.ref.element_type)))

    # -- masks and checks --------------------------------------------------------------------------------------------

    def _both(self, lhs: SSAValue | None, rhs: SSAValue | None) -> SSAValue | None:
        if lhs is None or rhs is None:
            return rhs if lhs is None else lhs
        return self.b.map("and", lhs, rhs)

    def _report(self, inside: SSAValue | None, live: SSAValue | None, code: int = INDEX_CODE) -> None:
        """The run fails where a place that is live is not inside."""
        b = self.b
        if inside is None:
            return
        ok = inside if live is None else b.map("or", inside, b.map("not", live))
        b.check(ok, b.reference(self.nest.status), code)

    def _inside(self, op: tensor.AtOp, *, moving: bool) -> SSAValue | None:
        """Whether the indices that move (or those that do not) are inside of the table; None where that is known."""
        b = self.b
        every: SSAValue | None = None
        for dim, (index, size) in enumerate(zip(op.indices, self._table(op).ref.shape, strict=True)):
            if not self._unsure(op, dim) or (index in self._moving) is not moving:
                continue
            value = self.tile(index) if moving else self.scalar(index)
            zero, end = b.splat(0, tile_of(value)), b.splat(b.size(size), tile_of(value))
            fits = b.map("and", b.map("ge", value, zero), b.map("lt", value, end))
            every = fits if every is None else b.map("and", every, fits)
        return every

    def _unsure(self, op: tensor.AtOp, dim: int) -> bool:
        """Whether an index may be outside of its dim: the position along a loop as long as the dim is not."""
        if op.other is None and not op.literal("checked"):
            return False
        size, index = self._table(op).ref.shape[dim], op.indices[dim].owner
        while isinstance(index, tensor.ScalarOp) and _only_widens(index):
            index = index.args[0].owner
        match index:
            case tensor.PositionOp():
                letter = self.stage.loops[index.letter]
                return (self.nest.sizes[letter] if letter else 1) != size
            case tensor.NumberOp():
                return not (isinstance(size, int) and 0 <= int(to_literal(index.value)) < size)
        return True

    def _live(self) -> SSAValue | None:
        """Which places of the tile are before the ends of the loops; None where all are."""
        b = self.b
        every: SSAValue | None = None
        for letter, place in self.places.items():
            if place.masked and place.over is not None and place.over < len(self.shape.extents):
                positions = self._along(place, i32)
                end = b.splat(b.size(self.nest.sizes[letter]), tile_of(positions))
                fits = b.map("lt", positions, end)
                every = fits if every is None else b.map("and", every, fits)
        return every


def _only_widens(op: Operation) -> bool:
    """A conversion between integers that keeps every value."""
    if not isinstance(op, tensor.ScalarOp) or op.literal("fn") != "convert":
        return False
    source, result = op.args[0].type, op.result.type
    if not isinstance(source, IntegerType) or not isinstance(result, IntegerType) or source == i1:
        return False
    widens = result.width.data - source.width.data
    return widens >= 0 and source.signedness == result.signedness


def tile_types(nest: Nest, stage: Stage, loops: set[str]) -> set[Attribute]:
    """The types of the tiles that a region makes where these loops of the nest are spanned by a tile."""
    op = stage.op
    if not isinstance(op, tensor.MapOp):
        return set()
    where = {letter: Place(0, 0) for letter in loops}
    places = {letter: where.get(letter, Place(0)) for letter in nest.sizes}
    b = KernelBuilder("types", nest.dims, nest.references)
    region = Region(b, nest, stage, places, TileShape((1,), 1), _no_tile)
    # Indices of 64 bits take two registers rather than halve the vectors of what they find.
    types = {i32 if value.type == i64 else computed(value.type) for value in region.tiles_made()}
    return types | ({i32} if region.has_masks else set())


def _no_tile(source: Source) -> SSAValue:
    raise ValueError("nothing is loaded to find out types")


def evaluate(
    b: KernelBuilder,
    nest: Nest,
    stage: Stage,
    places: Mapping[str, Place],
    shape: TileShape,
    tile_of_source: Callable[[Source], SSAValue],
) -> SSAValue:
    """The tile of a map at some places."""
    return Region(b, nest, stage, places, shape, tile_of_source).evaluate()


def epilogue(
    b: KernelBuilder,
    nest: Nest,
    stages: Sequence[Stage],
    value: SSAValue,
    places: Mapping[str, Place],
    shape: TileShape,
) -> SSAValue:
    """Apply the maps that finish a tile: the first reads `value`, each next one the one before."""
    for stage in stages:

        def tile_of_source(source: Source, value: SSAValue = value) -> SSAValue:
            return value if source.input is None else load(b, nest.inputs[source.input], places, shape)

        value = evaluate(b, nest, stage, places, shape, tile_of_source)
    return value
