"""Random kernels of one element type each: every way to load, compute, reduce and store values of that type.

    program = typed_program(i8, seed, lanes=16)
    expected = run_kernel(program.func, program.dims, program.arrays, "rounded")

Integers wrap around alike everywhere and are compared exactly. Floats stay small, and only sums and products of a few
of them are formed, so that halves compare within a few of their last digits.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.kernel_programs import KernelProgram
from xdsl.dialects.builtin import IntegerType, Signedness, bf16, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import scalar
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.kernel.types import RefType, TileType
from neuralc.dialects.types import is_float, numpy_dtype

Array = NDArray[Any]

INTEGERS = (i8, i16, i32, i64, *(IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64)))
ELEMENT_TYPES = (f16, bf16, f32, f64, i1, *INTEGERS)

ROWS = 3

FUNCTIONS: dict[str, tuple[str, ...]] = {
    "float": ("add", "sub", "neg", "abs", "maximum", "minimum", "maxnum", "minnum", "floor", "ceil", "round_even"),
    "integer": (
        "add", "sub", "mul", "div", "rem", "fma", "neg", "abs", "maximum", "minimum", "pow",
        "bit_and", "bit_or", "bit_xor", "bit_not", "shift_left", "shift_right",
    ),
    "truth": ("and", "or", "xor", "not", "maximum", "minimum"),
}  # fmt: skip


def random_values(element_type: Attribute, shape: tuple[int, ...], numbers: np.random.Generator) -> Array:
    """Floats are multiples of 1/4, exact in halves; integers are of the whole range, small ones more often."""
    dtype = numpy_dtype(element_type)
    if is_float(element_type):
        return (numbers.integers(-8, 9, shape) / 4).astype(dtype)
    if element_type == i1:
        return numbers.integers(0, 2, shape).astype(bool)
    limits = np.iinfo(dtype)
    wide = numbers.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    small = numbers.integers(max(-5, limits.min), 6, shape).astype(dtype)
    return np.where(numbers.random(shape) < 0.7, small, wide)


def typed_program(element_type: Attribute, seed: int, lanes: int) -> KernelProgram:
    return _Writer(element_type, random.Random(seed), lanes).program()


class _Writer:
    """Writes one kernel: y = f(x, z, weights, offsets) with a column tail, and a reduction per row and per column."""

    def __init__(self, element_type: Attribute, choose: random.Random, lanes: int) -> None:
        self.element, self.choose, self.lanes = element_type, choose, lanes
        self.numbers = np.random.default_rng(choose.getrandbits(32))
        self.width = max(1, lanes) * choose.choice([1, 2])
        self.columns = self.width + choose.choice([-1, 0, 0, 3]) if self.width > 1 else 2
        self.tile = TileType.of([ROWS, self.width], element_type, lanes)
        kind = "truth" if element_type == i1 else "float" if is_float(element_type) else "integer"
        self.functions = FUNCTIONS[kind]
        self.reductions = {
            "truth": ("and", "or", "maximum", "minimum"),
            "float": ("add", "maximum", "minimum"),
            "integer": ("add", "mul", "maximum", "minimum"),
        }[kind]

    def program(self) -> KernelProgram:
        element, columns, width = self.element, self.columns, self.width
        shapes: dict[str, tuple[Attribute, tuple[int, ...], list[int] | None]] = {
            "x": (element, (ROWS, columns), None),
            "z": (element, (ROWS, columns), [2 * columns, 2]),
            "row": (element, (columns + 2,), None),
            "left": (element, (ROWS, 2), None),
            "right": (element, (2, columns), None),
            "places": (self.choose.choice([i32, i64]), (ROWS, columns), None),
            "y": (element, (ROWS, columns), None),
            "rows": (element, (ROWS,), None),
            "columns": (element, (width,), None),
            "scattered": (element, (4 * ROWS * width,), None),
            "status": (i32, (1,), None),
        }
        types = [(name, RefType.of(shape, of, strides)) for name, (of, shape, strides) in shapes.items()]
        arrays = []
        for name, ref in types:
            size = (ref.span.value + 1,)
            if name == "status":
                arrays.append(np.zeros(1, np.int32))
            elif name == "places":
                arrays.append(self.numbers.integers(0, ROWS * columns, size).astype(numpy_dtype(ref.element_type)))
            else:
                arrays.append(random_values(ref.element_type, size, self.numbers))
        self.build = build = KernelBuilder("typed", [], types)
        self.refs = dict(zip(shapes, build.references, strict=True))
        self.where = [Index(0, 0), Index(0, 1, masked=True)]
        self.pool = [build.load(self.refs["x"], self.where, self.tile, other=self._number())]
        steps: list[Callable[[], SSAValue]] = [self._map, self._map, self._strided, self._gather, self._splat]
        steps += [self._broadcast, self._convert, self._select, self._loop, self._named_row]
        steps += [] if element == i1 else [self._dot, self._dot]
        steps += [self._iota] if scalar.is_integer(element) else []
        for _ in range(self.choose.randint(4, 9)):
            self.pool.append(self._bounded(self.choose.choice(steps)()))
        result = self.pool[-1]
        build.store(result, self.refs["y"], self.where)
        for axis, name in ((1, "rows"), (0, "columns")):
            reduced = build.reduce(self.choose.choice(self.reductions), self._any(), axis)
            build.store(reduced, self.refs[name], [Index(0, 0)])
        self._scatter(result)
        outputs = [number for number, name in enumerate(shapes) if name in ("y", "rows", "columns", "scattered")]
        return KernelProgram(build.finish(1), {}, arrays, tuple(outputs))

    def _any(self) -> SSAValue:
        return self.choose.choice(self.pool)

    def _number(self) -> float | int:
        if is_float(self.element):
            return self.choose.choice([0.0, 1.5, -0.25])
        return self.choose.choice([0, 1]) if self.element == i1 else self.choose.choice([0, 1, 3, 7])

    def _bounded(self, value: SSAValue) -> SSAValue:
        if not is_float(self.element):
            return value
        small = self.build.map("minimum", value, self.build.splat(4.0, self.tile))
        return self.build.map("maximum", small, self.build.splat(-4.0, self.tile))

    # -- steps: each gives a tile of rows x width --------------------------------------------------------------------

    def _map(self) -> SSAValue:
        name = self.choose.choice(self.functions)
        return self.build.map(name, *(self._any() for _ in range(scalar.FUNCTIONS[name].arity)))

    def _select(self) -> SSAValue:
        compare = self.choose.choice(["eq", "ne", "lt", "le", "gt", "ge"])
        return self.build.map("select", self.build.map(compare, self._any(), self._any()), self._any(), self._any())

    def _splat(self) -> SSAValue:
        return self.build.splat(self._number(), self.tile)

    def _strided(self) -> SSAValue:
        """Every other element, lane by lane."""
        return self.build.load(self.refs["z"], self.where, self.tile, other=self._number())

    def _broadcast(self) -> SSAValue:
        line = TileType.of([self.width], self.element, self.lanes)
        row = self.build.load(self.refs["row"], [Index(0, 0, masked=True)], line)
        return self.build.broadcast(row, [1], self.tile)

    def _places(self) -> tuple[SSAValue, SSAValue]:
        """Offsets and which of them are inside of the columns."""
        ref = self.refs["places"]
        of = ref.type.element_type  # type: ignore[attr-defined]
        tile = TileType.of([ROWS, self.width], of, self.lanes)
        places = self.build.load(ref, self.where, tile, other=0)
        counted = self.build.iota(0, TileType.of([self.width], of, self.lanes))
        inside = self.build.map("lt", self.build.broadcast(counted, [1], tile), self.build.splat(self.columns, tile))
        return places, inside

    def _gather(self) -> SSAValue:
        places, inside = self._places()
        if self.choose.random() < 0.5:
            return self.build.gather(self.refs["x"], places)
        return self.build.gather(self.refs["x"], places, inside, other=self._number())

    def _named_row(self) -> SSAValue:
        """A place that data names, as the start of a line of memory; a check that holds."""
        ref = self.refs["places"]
        of = ref.type.element_type  # type: ignore[attr-defined]
        place = self.build.load(ref, [Index(0), Index(0)], TileType.of([], of, 1))
        small = self.build.map("rem", place, self.build.splat(2, TileType.of([], of, 1)))
        self.build.check(
            self.build.map("lt", small, self.build.splat(2, TileType.of([], of, 1))), self.refs["status"], 910
        )
        line = TileType.of([self.width], self.element, self.lanes)
        row = [Index(self.build.to_index(small)), Index(0, 0, masked=True)]
        return self.build.broadcast(self.build.load(self.refs["right"], row, line), [1], self.tile)

    def _scatter(self, value: SSAValue) -> None:
        places, inside = self._places()
        self.build.scatter(value, self.refs["scattered"], places, inside)

    def _convert(self) -> SSAValue:
        other = self.tile.with_element(self.choose.choice(ELEMENT_TYPES))
        value = self.build.convert(self.build.convert(self._any(), other), self.tile)
        if self.lanes > 1 and self.choose.random() < 0.5:
            narrow = self.tile.with_lanes(self.choose.choice([1, self.lanes // 2]))
            value = self.build.convert(self.build.convert(value, narrow), self.tile)
        return value

    def _iota(self) -> SSAValue:
        start = self.choose.choice([0, 5])
        counted = self.build.iota(start, TileType.of([self.width], self.element, self.lanes))
        return self.build.broadcast(counted, [1], self.tile)

    def _dot(self) -> SSAValue:
        left = self.build.load(self.refs["left"], [Index(0, 0), Index(0, 1)], TileType.of([ROWS, 2], self.element, 1))
        right = TileType.of([2, self.width], self.element, self.lanes)
        return self.build.dot(left, self.build.load(self.refs["right"], self.where, right), self._any())

    def _loop(self) -> SSAValue:
        """A carried value; a scalar of memory in all lanes."""

        def body(k: SSAValue, carried: SSAValue) -> list[SSAValue]:
            one = self.build.load(self.refs["row"], [Index(k)], TileType.of([], self.element, 1))
            name = "xor" if self.element == i1 else "maximum"
            return [self.build.map(name, carried, self.build.broadcast(one, [], self.tile))]

        return self.build.loop(0, 2, 1, [self._any()], body)[0]
