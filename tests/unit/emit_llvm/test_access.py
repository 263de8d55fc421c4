"""Loads and stores: every form of address and of mask, for every element type, against the interpreter."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.native_kernels import run_native
from xdsl.dialects.builtin import IntegerType, Signedness, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

from neuralc.dialects.dims import Dim
from neuralc.dialects.interp.kernel import run_kernel
from neuralc.dialects.kernel import FuncOp, RefType, TileType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.types import numpy_dtype

Array = NDArray[Any]

u8 = IntegerType(8, Signedness.UNSIGNED)
TYPES = [f16, f32, f64, i1, i8, i16, i32, i64, u8]


def numbers(element_type: Attribute, *shape: int) -> Array:
    drawn = np.random.default_rng(0).integers(0, 100, shape)
    return (drawn % 2 == 0) if element_type == i1 else drawn.astype(numpy_dtype(element_type))


def check(func: FuncOp, arrays: Sequence[Array], dims: dict[str, int] | None = None) -> None:
    """Native code leaves the arrays as the interpreter does."""
    expected = run_kernel(func, dims or {}, arrays)
    for actual, wanted in zip(run_native(func, arrays, dims), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted.astype(actual.dtype))


def one_program(types: Sequence[tuple[str, RefType]], write: Callable[..., None], dims: Sequence[str] = ()) -> FuncOp:
    build = KernelBuilder("access", dims, types)
    write(build, *build.references)
    return build.finish(1)


@pytest.mark.parametrize("lanes", [8, 4, 1])
@pytest.mark.parametrize("element_type", TYPES, ids=str)
def test_a_masked_tail_reads_other_and_keeps_what_is_there(element_type: Attribute, lanes: int) -> None:
    tile = TileType.of([3, 16], element_type, lanes)

    def write(build: KernelBuilder, x: Any, y: Any) -> None:
        indices = [Index(1, 0, masked=True), Index(2, 1, masked=True)]
        build.store(build.load(x, indices, tile, other=1), y, [Index(0, 0), Index(0, 1, masked=True)])

    types = [("x", RefType.of([3, 11], element_type)), ("y", RefType.of([3, 13], element_type))]
    check(one_program(types, write), [numbers(element_type, 3, 11), numbers(element_type, 3, 13)])


@pytest.mark.parametrize("start", [-20, -3, -1, 0, 2, 5, 30])
@pytest.mark.parametrize("lanes", [8, 1])
def test_a_masked_vector_may_begin_anywhere(start: int, lanes: int) -> None:
    """Before the reference, inside of it, and behind it: the start is known at run time only."""

    def write(build: KernelBuilder, x: Any, y: Any) -> None:
        place = build.index(build.minus(build.dim("shift"), 40))
        tile = build.load(x, [Index(place, 0, masked=True)], TileType.of([16], f32, lanes), other=-1.0)
        build.store(tile, y, [Index(0, 0)])
        build.store(tile, y, [Index(build.index(build.plus(place, 16)), 0, masked=True)])

    types = [("x", RefType.of([10], f32)), ("y", RefType.of([32], f32))]
    check(one_program(types, write, ["shift"]), [numbers(f32, 10), np.zeros(32, np.float32)], {"shift": start + 40})


@pytest.mark.parametrize("lanes", [8, 1])
def test_rows_outside_are_masked_as_a_whole(lanes: int) -> None:
    """As for a convolution on an image without a border: rows and columns before and behind the image."""

    def write(build: KernelBuilder, x: Any, y: Any) -> None:
        row = build.minus(build.dim("one"), 2)
        indices = [Index(build.index(row), 0, masked=True), Index(build.index(row), 1, masked=True), Index(0, 2)]
        tile = build.load(x, indices, TileType.of([4, 4, 8], f32, lanes), other=0.5)
        build.store(tile, y, [Index(0, 0), Index(0, 1), Index(0, 2)])

    types = [("x", RefType.of([2, 2, 8], f32)), ("y", RefType.of([4, 4, 8], f32))]
    check(one_program(types, write, ["one"]), [numbers(f32, 2, 2, 8), np.zeros((4, 4, 8), np.float32)], {"one": 1})


@pytest.mark.parametrize("index_type", [i32, i64, u8], ids=str)
def test_gathered_rows_are_vectors_at_their_own_addresses(index_type: Attribute) -> None:
    def write(build: KernelBuilder, x: Any, where: Any, y: Any) -> None:
        rows = build.load(where, [Index(0, 0)], TileType.of([6], index_type, 1))
        wide = build.load(x, [Index(rows, 0, masked=True), Index(8, 1)], TileType.of([6, 16], f32, 8), other=7.0)
        build.store(wide, y, [Index(0, 0), Index(0, 1)])

    types = [
        ("x", RefType.of([10, 24], f32, [30, 1])),
        ("where", RefType.of([6], index_type)),
        ("y", RefType.of([6, 16], f32)),
    ]
    where = np.array([9, 0, 3, 10, 3, 200 if index_type == u8 else -1], numpy_dtype(index_type))
    check(one_program(types, write), [numbers(f32, 10, 30), where, np.zeros((6, 16), np.float32)])


def test_gathered_rows_may_be_written() -> None:
    def write(build: KernelBuilder, x: Any, where: Any, y: Any) -> None:
        rows = build.load(where, [Index(0, 0)], TileType.of([3], i32, 1))
        tile = build.load(x, [Index(0, 0), Index(0, 1)], TileType.of([3, 8], f32, 8))
        build.store(tile, y, [Index(rows, 0, masked=True), Index(0, 1)])

    types = [("x", RefType.of([3, 8], f32)), ("where", RefType.of([3], i32)), ("y", RefType.of([5, 8], f32))]
    arrays = [numbers(f32, 3, 8), np.array([4, -7, 1], np.int32), np.zeros((5, 8), np.float32)]
    check(one_program(types, write), arrays)


@pytest.mark.parametrize("lanes", [8, 1])
def test_an_index_tile_may_move_along_the_lanes(lanes: int) -> None:
    def write(build: KernelBuilder, x: Any, where: Any, y: Any) -> None:
        columns = build.load(where, [Index(0, 0)], TileType.of([8], i32, lanes))
        tile = build.load(x, [Index(0, 0), Index(columns, 1, masked=True)], TileType.of([2, 8], f32, lanes), other=9.0)
        build.store(tile, y, [Index(0, 0), Index(0, 1)])
        build.store(tile, y, [Index(2, 0), Index(columns, 1, masked=True)])

    types = [("x", RefType.of([2, 8], f32)), ("where", RefType.of([8], i32)), ("y", RefType.of([4, 8], f32))]
    where = np.array([3, 1, 7, 8, 0, 6, -2, 5], np.int32)
    check(one_program(types, write), [numbers(f32, 2, 8), where, np.zeros((4, 8), np.float32)])


@pytest.mark.parametrize("stride", [0, 2, 5])
@pytest.mark.parametrize("masked", [True, False])
def test_the_lanes_may_be_apart_in_memory(stride: int, masked: bool) -> None:
    """Stride 0 is one element in all lanes; others are read and written lane by lane."""

    def write(build: KernelBuilder, x: Any, y: Any) -> None:
        tile = build.load(x, [Index(0, 0, masked=masked)], TileType.of([8], f32, 8), other=3.0)
        build.store(tile, y, [Index(0, 0, masked=masked)])

    size = 6 if masked else 8
    types = [("x", RefType.of([size], f32, [stride])), ("y", RefType.of([size], f32, [3]))]
    check(one_program(types, write), [numbers(f32, 40), np.zeros(30, np.float32)])


def test_symbolic_sizes_and_strides() -> None:
    rows, columns = Dim.symbol("rows"), Dim.symbol("columns")

    def write(build: KernelBuilder, x: Any, y: Any) -> None:
        tile = TileType.of([4, 8], f32, 8)
        loaded = build.load(x, [Index(1, 0, masked=True), Index(2, 1, masked=True)], tile, other=2.0)
        build.store(loaded, y, [Index(0, 0, masked=True), Index(0, 1, masked=True)])

    types = [
        ("x", RefType.of([rows, columns], f32, [columns.ceildiv(4) * 4 + 1, 1])),
        ("y", RefType.of([columns, rows + 2], f32)),
    ]
    arrays = [numbers(f32, 3 * 13), np.zeros(9 * 5, np.float32)]
    check(one_program(types, write, ["rows", "columns"]), arrays, {"rows": 3, "columns": 9})


def test_scratch_memory_is_kept_between_ops_and_ends_with_the_program() -> None:
    def write(build: KernelBuilder, x: Any, y: Any) -> None:
        scratch = build.local(RefType.of([8, 8], i1), "scratch")
        tile = build.load(x, [Index(0, 0), Index(0, 1)], TileType.of([8, 8], i1, 8))
        build.store(tile, scratch, [Index(0, 0), Index(0, 1)])
        turned = build.load(scratch, [Index(0, 1), Index(0, 0)], TileType.of([8, 8], i1, 1))
        build.store(turned, y, [Index(0, 0), Index(0, 1)])

    types = [("x", RefType.of([8, 8], i1)), ("y", RefType.of([8, 8], i1))]
    check(one_program(types, write), [numbers(i1, 8, 8), np.zeros((8, 8), np.bool_)])


def test_inputs_need_only_the_alignment_of_their_elements() -> None:
    """Views into larger arrays, one element off every boundary."""

    def write(build: KernelBuilder, x: Any, y: Any) -> None:
        place = [Index(build.index(build.mul(build.program_id(), 16)), 0)]
        build.store(build.load(x, place, TileType.of([16], f32, 8)), y, place)

    build = KernelBuilder("copy", [], [("x", RefType.of([64], f32)), ("y", RefType.of([64], f32))])
    write(build, *build.references)
    source = numbers(f32, 65)[1:]
    _, copied = run_native(build.finish(4), [source, np.zeros(64, np.float32)])
    np.testing.assert_array_equal(copied, source)
