"""Random kernels with their memory: legal, in bounds, free of races, well conditioned, so that results compare.

    program = random_program(seed)                       # a CPU kernel in vectors of 8
    program = random_program(seed, lanes=0)              # a GPU kernel: no lanes, powers of two
    program = random_program(seed, without={"gather"})   # when a back end lacks something
    expected = run_kernel(program.func, program.dims, program.arrays)

Values stay small and away from poles. Only values that no back end rounds (loaded, or moved and selected ones) are
compared, floored or converted to integers: a last bit must not decide between two branches.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import f32, f64, i32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import arith, kernel
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel.builder import KernelBuilder, tile_of
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.dialects.types import numpy_dtype

Array = NDArray[Any]

FEATURES = (
    "broadcast",
    "convert",
    "dot",
    "dynamic loop",
    "f64",
    "gather",
    "integers",
    "local",
    "loop",
    "map",
    "math",
    "reduce",
    "reshape",
    "select",
    "transpose",
)
"""What a program may hold; `without` leaves some out."""


@dataclass(frozen=True)
class KernelProgram:
    """A kernel, sizes for its dims, an array per reference, and which of the references it writes."""

    func: kernel.FuncOp
    dims: dict[str, int]
    arrays: list[Array]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Tile:
    """A value of the pool: `bound` is the largest magnitude, `exact` says that no rounding was involved."""

    value: SSAValue
    bound: float
    exact: bool


@dataclass
class _References:
    """The memory arguments: known before the kernel is written."""

    types: list[tuple[str, RefType]] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def add(self, name: str, type_: RefType, array: Array, *, written: bool = False) -> int:
        self.types.append((name, type_))
        self.arrays.append(array)
        if written:
            self.outputs.append(len(self.arrays) - 1)
        return len(self.arrays) - 1


def random_program(seed: int, *, lanes: int = 8, without: Collection[str] = ()) -> KernelProgram:
    """A kernel over a grid of row and column blocks; `lanes` 0 gives one for a GPU."""
    unknown = set(without) - set(FEATURES)
    if unknown:
        raise ValueError(f"unknown features {sorted(unknown)}; known: {', '.join(FEATURES)}")
    return _Generator(random.Random(seed), lanes, frozenset(FEATURES) - frozenset(without)).program()


class _Generator:
    """Writes one kernel: y[n, columns] = f(x, vectors, matrices), with a side result per row."""

    def __init__(self, choose: random.Random, lanes: int, features: frozenset[str]) -> None:
        self.choose = choose
        self.features = features
        self.numbers = np.random.default_rng(choose.getrandbits(32))
        self.element: Attribute = f64 if "f64" in features and choose.random() < 0.2 else f32
        self.gpu = lanes == 0
        self.lanes = choose.choice([lanes, lanes, 1]) if lanes else 0
        if lanes > 1 and self.element == f64 and self.lanes > 1:
            self.lanes = max(1, lanes // 2)
        self.rows = choose.choice([1, 2, 4, 8] if self.gpu else [1, 2, 3, 4, 6])
        vectors = min(choose.choice([1, 2, 3]), 15 // (self.rows + 1))  # a dot fits into 16 registers
        self.columns = choose.choice([8, 16, 32]) if self.gpu else max(1, self.lanes) * vectors
        self.total_columns = self.columns * choose.choice([1, 2]) + choose.choice([0, 0, 1, 5])
        self.depth = choose.choice([16, 32]) if self.gpu else choose.choice([1, 2, 4, 7])
        self.n = self.rows * choose.choice([1, 2, 3]) + choose.randrange(self.rows)
        self.clamp_rows = not self.gpu and choose.random() < 0.5
        self.memory = _References()

    @property
    def overlap(self) -> bool:
        """Whether two programs compute the same rows, which must then depend on nothing but the row."""
        return self.clamp_rows and self.n % self.rows != 0

    # -- memory ------------------------------------------------------------------------------------------------------

    def _floats(self, *shape: int) -> Array:
        return np.clip(self.numbers.standard_normal(shape), -2, 2).astype(numpy_dtype(self.element))

    def _declare(self) -> None:
        n, columns, element = Dim.symbol("n"), self.total_columns, self.element
        pitch = columns + self.choose.choice([0, 3])  # rows of x may lie apart

        def ref(*shape: int | Dim, of: Attribute = element, strides: list[int | Dim] | None = None) -> RefType:
            return RefType.of(shape, of, strides)

        self.memory.add("x", ref(n, columns, strides=[pitch, 1]), self._floats(self.n, pitch))
        self.memory.add("bias", ref(columns), self._floats(columns))
        self.memory.add("scale", ref(n), self._floats(self.n))
        self.memory.add("left", ref(n, 4 * self.depth), self._floats(self.n, 4 * self.depth))
        self.memory.add("right", ref(4 * self.depth, columns), self._floats(4 * self.depth, columns))
        places = self.numbers.integers(0, self.n, self.n).astype(np.int32)
        self.memory.add("places", ref(n, of=i32), places)
        counts = self.numbers.integers(-9, 10, (self.n, columns)).astype(np.int32)
        self.memory.add("counts", ref(n, columns, of=i32), counts)
        self.memory.add("y", ref(n, columns), np.full((self.n, columns), np.nan, numpy_dtype(element)), written=True)
        self.memory.add("side", ref(n), np.full(self.n, np.nan, numpy_dtype(element)), written=True)

    def _ref(self, name: str) -> SSAValue:
        names = [known for known, _ in self.memory.types]
        return self.build.references[names.index(name)]

    def _row(self, over: int | None = 0) -> Index:
        return Index(self.row, over, masked=not self.clamp_rows)

    def _column(self, over: int = 1) -> Index:
        return Index(self.column, over, masked=True)

    # -- the kernel --------------------------------------------------------------------------------------------------

    def program(self) -> KernelProgram:
        self._declare()
        self.build = KernelBuilder("random", ["n"], self.memory.types)
        self._place()
        self.tile = TileType.of([self.rows, self.columns], self.element, self.lanes)
        self.row_tile = TileType.of([self.rows], self.element, min(self.lanes, 1))
        self.column_tile = TileType.of([self.columns], self.element, self.lanes)
        x = self.build.load(self._ref("x"), [self._row(), self._column()], self.tile, other=0.5, hint="x_tile")
        self.pool = [Tile(x, 2.0, True)]
        steps = self._steps()
        for _ in range(self.choose.randint(3, 8)):
            self.pool.append(self._bounded(self.choose.choice(steps)()))
        result = self.pool[-1]
        for tile in self.pool[:-1]:  # nothing is dead
            result = self._bounded(self._apply("add", result, tile))
        side = self.build.reduce("maximum", result.value, 1, "peak")
        self.build.store(result.value, self._ref("y"), [self._row(), self._column()])
        if self.blocks == 1:  # several column blocks would write one row
            self.build.store(side, self._ref("side"), [self._row()])
        grid = Dim.symbol("n").ceildiv(self.rows) * self.blocks
        outputs = tuple(self.memory.outputs if self.blocks == 1 else self.memory.outputs[:1])
        return KernelProgram(self.build.finish(grid), {"n": self.n}, self.memory.arrays, outputs)

    def _place(self) -> None:
        """Row and column of the program: row blocks are clamped or masked, column tails masked."""
        build = self.build
        self.blocks = -(-self.total_columns // self.columns)
        program = build.program_id()
        row_block, column_block = build.unravel(program, [Dim.symbol("n"), self.blocks], ["pm", "pn"])
        row = build.mul(row_block, self.rows, "row")
        if self.clamp_rows:
            row = build.minimum(row, build.minus(build.dim("n"), self.rows), "row")
        self.program_index = program
        self.row = build.index(row)
        self.column = build.index(build.mul(column_block, self.columns, "column"))

    def _steps(self) -> list[Callable[[], Tile]]:
        table: dict[str, Callable[[], Tile]] = {
            "broadcast": self._broadcast,
            "convert": self._convert,
            "dot": self._dot,
            "dynamic loop": self._dynamic_loop,
            "gather": self._gather,
            "integers": self._integers,
            "local": self._local,
            "loop": self._loop,
            "map": self._map,
            "math": self._math,
            "reduce": self._reduce,
            "reshape": self._reshape,
            "select": self._select,
            "transpose": self._transpose,
        }
        absent = {"local"} if self.gpu else set()
        absent |= {"dynamic loop"} if self.overlap else set()
        found = [step for name, step in table.items() if name in self.features - absent]
        return found or [self._constant]

    def _any(self, *, exact: bool = False) -> Tile:
        return self.choose.choice([tile for tile in self.pool if tile.exact or not exact])

    def _splat(self, number: float) -> Tile:
        return Tile(self.build.splat(number, self.tile), abs(number), True)

    def _apply(self, name: str, *tiles: Tile) -> Tile:
        bounds = [tile.bound for tile in tiles]
        bound = {
            "add": sum(bounds),
            "sub": sum(bounds),
            "mul": float(np.prod(bounds)),
            "fma": bounds[0] * bounds[-2 if len(bounds) > 2 else -1] + bounds[-1],
            "exp": float(np.exp(min(bounds[0], 50.0))),
            "tanh": 1.0,
            "erf": 1.0,
        }.get(name, max(bounds))
        exact = name in ("neg", "abs", "maximum", "minimum", "maxnum", "minnum") and all(tile.exact for tile in tiles)
        return Tile(self.build.map(name, *(tile.value for tile in tiles)), bound, exact)

    def _bounded(self, tile: Tile) -> Tile:
        """The tile, or it scaled down: products of products must not leave the range where errors stay small."""
        if tile.bound <= 8.0:
            return tile
        scaled = self._apply("mul", tile, self._splat(2.0 ** -int(np.ceil(np.log2(tile.bound / 4)))))
        return Tile(scaled.value, 4.0, False)

    # -- steps: each gives a tile of rows x columns ------------------------------------------------------------------

    def _constant(self) -> Tile:
        return self._apply("add", self._any(), self._splat(self.choose.choice([0.0, 1.0, -0.25])))

    def _map(self) -> Tile:
        name = self.choose.choice(["add", "sub", "mul", "maximum", "minimum", "maxnum", "minnum", "neg", "abs", "fma"])
        arity = {"neg": 1, "abs": 1, "fma": 3}.get(name, 2)
        return self._apply(name, *(self._any() for _ in range(arity)))

    def _math(self) -> Tile:
        x = self._any()
        name = self.choose.choice(["exp", "tanh", "erf", "div", "sqrt", "rsqrt", "log", "floor", "round_even"])
        match name:
            case "exp":
                return self._apply("exp", self._apply("minimum", x, self._splat(2.0)))
            case "div":
                return Tile(self._apply("div", x, self._away_from_zero(self._any())).value, x.bound * 2, False)
            case "sqrt" | "rsqrt" | "log":
                positive = self._away_from_zero(x)
                return Tile(self._apply(name, positive).value, max(3.0, positive.bound), False)
            case "floor" | "round_even":
                exact = self._any(exact=True)
                return Tile(self._apply(name, exact).value, exact.bound + 1, True)
            case _:
                return self._apply(name, x)

    def _away_from_zero(self, x: Tile) -> Tile:
        return self._apply("add", self._apply("abs", x), self._splat(0.5))

    def _select(self) -> Tile:
        compare = self.choose.choice(["lt", "le", "gt", "ge", "eq", "ne"])
        condition = self.build.map(compare, self._any(exact=True).value, self._any(exact=True).value)
        if self.choose.random() < 0.3:
            other = self.build.map("lt", self._any(exact=True).value, self._splat(0.25).value)
            condition = self.build.map(self.choose.choice(["and", "or", "xor"]), condition, other)
        if self.choose.random() < 0.3:
            condition = self.build.map("not", condition)
        x, y = self._any(), self._any()
        value = self.build.map("select", condition, x.value, y.value)
        return Tile(value, max(x.bound, y.bound), x.exact and y.exact)

    def _broadcast(self) -> Tile:
        if self.choose.random() < 0.5:
            vector = self.build.load(self._ref("bias"), [self._column(0)], self.column_tile, other=1.0)
            wide = self.build.broadcast(vector, [1], self.tile)
        else:
            vector = self.build.load(self._ref("scale"), [self._row(0)], self.row_tile)
            wide = self.build.broadcast(vector, [0], self.tile)
        return Tile(wide, 2.0, True)

    def _convert(self) -> Tile:
        """Float to integer and back: truncation toward zero of a value that is exact."""
        x = self._any(exact=True)
        whole = self.build.convert(x.value, self.tile.with_element(i32))
        return Tile(self.build.convert(whole, self.tile), x.bound, True)

    def _integers(self) -> Tile:
        tile = self.tile.with_element(i32)
        counts = self.build.load(self._ref("counts"), [self._row(), self._column()], tile, other=3)
        for _ in range(self.choose.randint(1, 3)):
            other = self.build.splat(self.choose.randint(-5, 5), tile)
            counts = self.build.map(
                self.choose.choice(["add", "sub", "mul", "maximum", "minimum"]),
                counts,
                self.choose.choice([counts, other]),
            )
        if self.choose.random() < 0.5:
            ids = self.build.iota(self.column, TileType.of([self.columns], i32, self.lanes))
            counts = self.build.map("add", counts, self.build.broadcast(ids, [1], tile))
        small = self.build.map("minimum", counts, self.build.splat(6, tile))
        small = self.build.map("maximum", small, self.build.splat(-6, tile))
        return Tile(self.build.convert(small, self.tile), 6.0, True)

    def _reduce(self) -> Tile:
        x, kind = self._any(), self.choose.choice(["add", "maximum", "minimum"])
        axis = 1 if self.overlap else self.choose.choice([0, 1])
        size = self.tile.shape[axis]
        reduced = self.build.reduce(kind, x.value, axis)
        wide = self.build.broadcast(reduced, [1 - axis], self.tile)
        return Tile(wide, x.bound * (size if kind == "add" else 1), x.exact and kind != "add")

    def _reshape(self) -> Tile:
        x = self._any()
        folded = [1, self.rows, self.columns] if self.choose.random() < 0.5 else [self.rows, 1, self.columns]
        return Tile(self.build.reshape(self.build.reshape(x.value, folded), x_shape(x)), x.bound, x.exact)

    def _transpose(self) -> Tile:
        """Swap two leading dims and back; with scalars or without lanes, the last dim as well."""
        x = self._any()
        if self.lanes <= 1 and self.choose.random() < 0.5:
            turned = self.build.map("neg", self.build.transpose(x.value, [1, 0]))
            return Tile(self.build.transpose(turned, [1, 0]), x.bound, x.exact)
        first = self.build.reshape(x.value, [1, self.rows, self.columns])
        turned = self.build.map("neg", self.build.transpose(first, [1, 0, 2]))
        return Tile(self.build.reshape(turned, x_shape(x)), x.bound, x.exact)

    def _gather(self) -> Tile:
        """Rows of x named by an index tile; masked rows gather row 0."""
        where = TileType.of([self.rows], i32, min(self.lanes, 1))
        rows = self.build.load(self._ref("places"), [self._row(0)], where, other=0)
        indices = [Index(rows, 0), self._column()]
        return Tile(self.build.load(self._ref("x"), indices, self.tile, other=0.25), 2.0, True)

    def _products(self, start: SSAValue, acc: SSAValue) -> SSAValue:
        """acc + left[rows, start ..] . right[start .., columns]"""
        left_tile = TileType.of([self.rows, self.depth], self.element, min(self.lanes, 1))
        right_tile = TileType.of([self.depth, self.columns], self.element, self.lanes)
        left = self.build.load(self._ref("left"), [self._row(), Index(start, 1)], left_tile)
        right = self.build.load(self._ref("right"), [Index(start, 0), self._column()], right_tile)
        self.build.prefetch(self._ref("right"), self.build.mul(start, 1000))  # far outside, too
        return self.build.dot(left, right, acc)

    def _dot(self) -> Tile:
        acc = self._any()
        steps = self.choose.choice([1, 2, 4])
        (total,) = self.build.loop(
            0, steps * self.depth, self.depth, [acc.value], lambda k, acc: [self._products(k, acc)]
        )
        return Tile(total, acc.bound + 4.0 * steps * self.depth, False)

    def _loop(self) -> Tile:
        """Two carried values, the counter in an address, a trip count that may be zero."""
        x, y, trips = self._any(), self._any(), self.choose.choice([0, 1, 3])

        def body(k: SSAValue, a: SSAValue, b: SSAValue) -> list[SSAValue]:
            line = self.build.load(self._ref("right"), [Index(k), self._column(0)], self.column_tile, other=0.0)
            return [b, self.build.map("add", a, self.build.broadcast(line, [1], self.tile))]

        a, _ = self.build.loop(0, trips, 1, [x.value, y.value], body)
        return Tile(a, max(x.bound, y.bound) + 2.0 * trips, False)

    def _dynamic_loop(self) -> Tile:
        """A trip count that differs from program to program."""
        x = self._any()
        trips = self.build.add(arith.RemUIOp(self.program_index, self.build.index(4)), "trips")

        def body(k: SSAValue, a: SSAValue) -> list[SSAValue]:
            line = self.build.load(self._ref("right"), [Index(k), self._column(0)], self.column_tile)
            return [self.build.map("sub", a, self.build.broadcast(line, [1], self.tile))]

        (total,) = self.build.loop(0, trips, 1, [x.value], body)
        return Tile(total, x.bound + 6.0, False)

    def _local(self) -> Tile:
        """Through scratch memory, read back as scalars: how a dot takes a computed left side on a CPU."""
        x = self._any()
        scratch = self.build.local(RefType.of([self.rows, self.columns], self.element))
        self.build.store(x.value, scratch, [Index(0, 0), Index(0, 1)])

        def body(k: SSAValue, acc: SSAValue) -> list[SSAValue]:
            column = TileType.of([self.rows, 1], self.element, min(self.lanes, 1))
            left = self.build.load(scratch, [Index(0, 0), Index(k, 1)], column)
            line = TileType.of([1, self.columns], self.element, self.lanes)
            right = self.build.load(self._ref("right"), [Index(0, 0), self._column()], line)
            return [self.build.dot(left, right, acc)]

        zero = self.build.splat(0.0, self.tile)
        (total,) = self.build.loop(0, self.columns, 1, [zero], body)
        return Tile(total, 2.0 * x.bound * self.columns, False)


def x_shape(tile: Tile) -> tuple[int, ...]:
    return tile_of(tile.value).shape


def count_ops(program: KernelProgram, kind: type[Any]) -> int:
    """Ops of a kind in a program, loops included: tests look whether generated programs hold what they are for."""
    return sum(isinstance(op, kind) for op in program.func.body.walk())
