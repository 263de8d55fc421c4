"""The first values in order on a CPU, and a sort.

    few values: k passes over the row                       many: merge sort, in memory that the host gives
      for each of the k:                                      values, positions = x, 0, 1, ..
        for tiles of the row: keep, lane by lane, the first     for width = 1, 2, 4, ..:
          of what comes behind the last one found                 merge neighbouring runs of that width
        the first over the lanes                              the first k of them

Of equal values the one at the lower position comes first; NaN is larger than any number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from xdsl.dialects.builtin import i1, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import arith, scalar, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, Index, RefType, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder, tile_of
from neuralc.dialects.tensor.subscripts import identity
from neuralc.dialects.types import is_float
from neuralc.passes.lower.cpu.elementwise import cover
from neuralc.passes.lower.nest import Operand
from neuralc.passes.lower.tiles import Place, TileShape, computed, load
from neuralc.passes.target import Target

PASSES = 24
"""Values up to which passes over the row are less work than sorting it."""
SHORT = 64
"""A row of so many values or fewer is not worth a sort."""
LAST = 2**31 - 1
"""A position behind every row."""
LEVELS = 16
"""Times that a run grows fourfold, until it is as long as any row."""


def build_top_k(
    op: Operation, operands: Sequence[RefType], results: Sequence[RefType], target: Target
) -> tuple[FuncOp, bool]:
    """The kernel of tensor.top_k; `results` may be followed by scratch memory (see `scratch`)."""
    if not isinstance(op, tensor.TopKOp):
        raise TypeError(f"{op.name} has no order")
    names = ["values", "positions", "sorted", "order", "merged", "merged_order"]
    references = [("x", operands[0]), *zip(names, results, strict=False)]
    dims = sorted(frozenset().union(*(ref.symbols for _, ref in references)))
    b = KernelBuilder("top_k", dims, references)
    order = Order(b, operands[0].element_type, bool(op.literal("largest")))
    rows = _Rows(b, operands[0], dict(references), op.literal("dim"), order, target)
    return rows.passes() if len(results) == 2 else rows.sort(), False


def scratch(op: tensor.TopKOp, x: RefType) -> list[RefType]:
    """The memory that a sort needs beside its results: values and positions, twice; none where passes do."""
    size, k = x.shape[op.literal("dim")], op.k.data[0]
    if (k.is_static and k.value <= PASSES) or (isinstance(size, int) and size <= SHORT):
        return []
    rest = [n for i, n in enumerate(x.shape) if i != op.literal("dim")]
    values, positions = RefType.of([*rest, size], x.element_type), RefType.of([*rest, size], i64)
    return [values, positions, values, positions]


SORTED, MERGED = ("sorted", "order"), ("merged", "merged_order")
"""Values and positions of the runs, and of those twice as long."""
Way = tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True)
class Order:
    """What comes before what."""

    b: KernelBuilder
    memory: Attribute
    largest: bool

    @property
    def element(self) -> Attribute:
        """The type in which values are compared."""
        return i32 if self.memory == i1 else computed(self.memory)

    def key(self, value: SSAValue) -> SSAValue:
        return self.b.convert(value, tile_of(value).with_element(self.element))

    def before(self, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
        """Whether lhs stands before rhs; false for equal ones."""
        b = self.b
        found = b.map("gt" if self.largest else "lt", lhs, rhs)
        if not is_float(self.element):
            return found
        # NaN compares as neither; it is the largest.
        first, second = (lhs, rhs) if self.largest else (rhs, lhs)
        strange = b.map("and", b.map("ne", first, first), b.map("eq", second, second))
        return b.map("or", found, strange)


@dataclass(frozen=True)
class _Line:
    """A row of scratch memory: its place along the dims around, which stand before it."""

    around: Mapping[str, Place]
    letters: str
    along: str

    def at(self, index: IndexLike, *, masked: bool = False) -> list[Index]:
        return [Index(index, None, masked) if c == self.along else Index(self.around[c].start) for c in self.letters]


@dataclass(frozen=True)
class _Rows:
    b: KernelBuilder
    x: RefType
    refs: Mapping[str, RefType]
    dim: int
    order: Order
    target: Target

    # -- programs ----------------------------------------------------------------------------------------------------

    def _begin(self) -> tuple[dict[str, Place], str, str, Dim]:
        """A row of each program: its place along the other dims, all letters, the one of the row, the grid."""
        letters = identity(self.x.rank)
        along = letters[self.dim]
        outer = [letter for letter in letters if letter != along]
        sizes = dict(zip(letters, self.x.shape, strict=True))
        program = self.b.program_id() if outer else 0
        position = self.b.unravel(program, [sizes[letter] for letter in outer], outer)
        grid = Dim.constant(1)
        for letter in outer:
            grid *= sizes[letter]
        return {letter: Place(at) for letter, at in zip(outer, position, strict=True)}, letters, along, grid

    @property
    def _size(self) -> int | Dim:
        return self.x.shape[self.dim]

    @property
    def _point(self) -> TileShape:
        return TileShape((), 1)

    def _write(self, name: str, letters: str, here: Mapping[str, Place], value: SSAValue) -> None:
        memory = tile_of(value).with_element(self.refs[name].element_type)
        self.b.store(self.b.convert(value, memory), self.b.reference(name), [Index(here[c].start) for c in letters])

    # -- passes ------------------------------------------------------------------------------------------------------

    def passes(self) -> FuncOp:
        b = self.b
        around, letters, along, grid = self._begin()
        x = Operand("x", letters, self.x)
        k = self.refs["values"].shape[self.dim]
        point = self._point
        element = self.order.element
        first = b.splat(0, point.type(element), "last")
        none = b.splat(-1, point.type(i32), "place")

        def one(number: SSAValue, last: SSAValue, place: SSAValue) -> list[SSAValue]:
            found = self._next(x, around, along, last, place)
            index = b.to_index(found)
            value = b.load(
                b.reference("x"),
                [Index(index, None, True) if c == along else Index(around[c].start) for c in letters],
                point.type(self.x.element_type),
                other=0,
            )
            here = {**around, along: Place(number)}
            self._write("values", letters, here, value)
            self._write("positions", letters, here, found)
            return [self.order.key(value), found]

        b.loop(0, b.size(k), 1, [first, none], one, hint="rank")
        return b.finish(grid)

    def _next(self, x: Operand, around: Mapping[str, Place], along: str, last: SSAValue, place: SSAValue) -> SSAValue:
        """The position of the first value behind the one found last; all are behind the place -1."""
        b, order, element = self.b, self.order, self.order.element
        lanes = min(self.target.lanes_of(element), self.target.lanes)
        shape = TileShape((lanes,), lanes)
        size = b.size(self._size)
        key_type, place_type = shape.type(element), shape.type(i32)
        start = [b.splat(0, key_type, "best"), b.splat(LAST, place_type, "where")]
        edge, behind = b.broadcast(last, [], key_type), b.broadcast(place, [], place_type)
        end, nothing = b.splat(size, place_type), b.splat(LAST, place_type)
        fresh = b.map("lt", behind, b.splat(0, place_type))

        def step(at: SSAValue, best: SSAValue, where: SSAValue) -> list[SSAValue]:
            spot = {**around, along: Place(at, 0, masked=True)}
            value = order.key(load(b, x, spot, shape))
            positions = b.iota(at, place_type)
            later = b.map("and", b.map("not", order.before(value, edge)), b.map("gt", positions, behind))
            wanted = b.map("or", fresh, b.map("or", order.before(edge, value), later))
            wanted = b.map("and", wanted, b.map("lt", positions, end))
            better = b.map("or", b.map("eq", where, nothing), order.before(value, best))
            taken = b.map("and", wanted, better)
            return [b.map("select", taken, value, best), b.map("select", taken, positions, where)]

        best, where = b.loop(0, size, lanes, start, step, hint="at")
        return self._over_lanes(best, where)

    def _over_lanes(self, best: SSAValue, where: SSAValue) -> SSAValue:
        """The position of the first of the lanes' values; of equal ones, the lowest position."""
        b, order = self.b, self.order
        type_, nothing = tile_of(best), b.splat(LAST, tile_of(where))
        kind = "maximum" if order.largest else "minimum"
        neutral = b.splat(scalar.identity(kind, order.element), type_)
        counted = b.map("ne", where, nothing)
        if is_float(order.element) and not order.largest:
            counted = b.map("and", counted, b.map("eq", best, best))
        extreme = b.reduce(kind, b.map("select", counted, best, neutral), 0)
        everywhere = b.broadcast(extreme, [], type_)
        same = b.map("not", b.map("or", order.before(everywhere, best), order.before(best, everywhere)))
        found = b.reduce("minimum", b.map("select", same, where, nothing), 0)
        # None is like the extreme: only NaN is left, in ascending order.
        any_ = b.reduce("minimum", where, 0)
        missed = b.map("eq", found, b.splat(LAST, tile_of(found)))
        return b.map("select", missed, any_, found)

    # -- merge sort --------------------------------------------------------------------------------------------------

    def sort(self) -> FuncOp:
        b = self.b
        around, letters, along, grid = self._begin()
        inner = "".join(letter for letter in letters if letter != along) + along
        size = b.size(self._size)
        self._fill(around, letters, inner, along)

        line = _Line(around, inner, along)

        def level(number: SSAValue, width: SSAValue) -> list[SSAValue]:
            """Runs of a width into runs of four times that, there and back; nothing once a run is the whole row."""
            double = b.map("add", width, width)
            fourfold = b.map("add", double, double)
            widths = [b.to_index(each) for each in (width, double, fourfold)]
            left = b.add(arith.MaxSIOp(b.index(b.minus(size, widths[0])), b.index(0)))
            begun = b.minimum(left, 1)
            there, back = (SORTED, MERGED), (MERGED, SORTED)
            for run, pair, way in ((widths[0], widths[1], there), (widths[1], widths[2], back)):
                pairs = b.mul(b.div(b.minus(b.plus(size, pair), 1), pair), begun)
                b.loop(0, pairs, 1, [], partial(self._merge_pair, line, way, run, pair), hint="block")
            return [fourfold]

        b.loop(0, LEVELS, 1, [b.splat(1, self._point.type(i64), "width")], level, hint="level")
        self._copy(around, letters, inner, along)
        return b.finish(grid)

    def _merge_pair(self, line: _Line, way: Way, run: SSAValue, pair: SSAValue, block: SSAValue) -> Sequence[SSAValue]:
        b, size = self.b, self.b.size(self._size)
        low = b.mul(block, pair)
        middle, high = b.minimum(b.plus(low, run), size), b.minimum(b.plus(low, pair), size)
        self._merge(line, way, (low, middle, high))
        return ()

    def _fill(self, around: Mapping[str, Place], letters: str, inner: str, along: str) -> None:
        """The row and its positions, as they are."""
        b, x = self.b, Operand("x", letters, self.x)
        lanes = min(self.target.lanes_of(computed(self.x.element_type)), self.target.lanes_of(i64))

        def tile(place: Place, shape: TileShape) -> None:
            here = {**around, along: place}
            at = [Index(here[c].start, here[c].over, here[c].masked) for c in inner]
            value = load(b, x, here, shape)
            b.store(b.convert(value, shape.type(self.x.element_type)), b.reference("sorted"), at)
            b.store(b.iota(place.start, shape.type(i64)), b.reference("order"), at)

        cover(b, 0, b.size(self._size), lanes, 1, tile)

    def _merge(self, line: _Line, way: Way, ends: tuple[IndexLike, IndexLike, IndexLike]) -> None:
        """Two neighbouring runs into one."""
        b, point = self.b, self._point
        source, result = way
        low, middle, high = ends
        number = point.type(i64)
        left_end, right_end = (b.splat(b.index(end), number) for end in (middle, high))
        starts = [b.splat(b.index(low), number, "left"), b.splat(b.index(middle), number, "right")]

        def head(name: str, place: SSAValue) -> SSAValue:
            type_ = point.type(self.refs[name].element_type)
            return b.load(b.reference(name), line.at(b.to_index(place), masked=True), type_, other=0)

        def step(place: SSAValue, left: SSAValue, right: SSAValue) -> list[SSAValue]:
            values = head(source[0], left), head(source[0], right)
            has_left, has_right = b.map("lt", left, left_end), b.map("lt", right, right_end)
            sooner = self.order.before(self.order.key(values[1]), self.order.key(values[0]))
            take_right = b.map("and", has_right, b.map("or", sooner, b.map("not", has_left)))
            b.store(b.map("select", take_right, values[1], values[0]), b.reference(result[0]), line.at(place))
            positions = head(source[1], left), head(source[1], right)
            b.store(b.map("select", take_right, positions[1], positions[0]), b.reference(result[1]), line.at(place))
            moved, one = b.convert(take_right, number), b.splat(1, number)
            return [b.map("add", left, b.map("sub", one, moved)), b.map("add", right, moved)]

        b.loop(low, high, 1, starts, step, hint="place")

    def _copy(self, around: Mapping[str, Place], letters: str, inner: str, along: str) -> None:
        """The first k of the sorted row."""
        b, point = self.b, self._point

        def one(number: SSAValue) -> Sequence[SSAValue]:
            here = {**around, along: Place(number)}
            for source, target in (("sorted", "values"), ("order", "positions")):
                memory: TileType = point.type(self.refs[source].element_type)
                value = b.load(b.reference(source), [Index(here[c].start) for c in inner], memory)
                self._write(target, letters, here, value)
            return ()

        b.loop(0, b.size(self.refs["values"].shape[self.dim]), 1, [], one, hint="rank")
