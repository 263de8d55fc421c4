"""Gathers, scatters, checks and data as index values: native code does what the interpreter does."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.native_kernels import run_native
from xdsl.dialects.builtin import IntegerType, Signedness, f16, f32, f64, i1, i8, i16, i32, i64
from xdsl.ir import Attribute

from neuralc.dialects.interp.kernel import run_kernel
from neuralc.dialects.kernel import FuncOp, RefType, TileType, status_type
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.kernel.memory import Index
from neuralc.dialects.types import numpy_dtype
from neuralc.grammar.diagnostics import NeuralcError

UNSIGNED = [IntegerType(width, Signedness.UNSIGNED) for width in (8, 16, 32, 64)]
TYPES = [f16, f32, f64, i1, i8, i16, i32, i64, *UNSIGNED]

COUNT = 32


def numbers(element_type: Attribute, size: int) -> Any:
    drawn = np.random.default_rng(0).integers(0, 100, size)
    return drawn % 2 == 0 if element_type == i1 else drawn.astype(numpy_dtype(element_type))


def both(func: FuncOp, *arrays: Any) -> list[Any]:
    """The arrays after native code has run, which are those after the interpreter has."""
    expected = run_kernel(func, {}, list(arrays), check_races=True)
    actual = run_native(func, list(arrays))
    for array, wanted in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(array, wanted.astype(array.dtype))
    return actual


def kernel(element_type: Attribute, places: Attribute, lanes: int, write: Callable[..., None], *, grid: int) -> FuncOp:
    """`write(build, offsets, chosen, x, y)` for eight offsets of a program, and which of them count."""
    references = [
        ("x", RefType.of([COUNT], element_type)),
        ("offsets", RefType.of([COUNT], places)),
        ("chosen", RefType.of([COUNT], i1)),
        ("y", RefType.of([COUNT], element_type)),
    ]
    build = KernelBuilder("indirect", [], references)
    x, offsets, chosen, y = build.references
    build.place = Index(build.index(build.mul(build.program_id(), 8)), 0)  # type: ignore[attr-defined]
    loaded = build.load(offsets, [build.place], TileType.of([8], places, lanes))  # type: ignore[attr-defined]
    mask = build.load(chosen, [build.place], TileType.of([8], i1, lanes))  # type: ignore[attr-defined]
    write(build, loaded, mask, x, y)
    return build.finish(grid)


@pytest.mark.parametrize("lanes", [8, 4, 1])
@pytest.mark.parametrize("places", [i32, i64], ids=str)
@pytest.mark.parametrize("element_type", TYPES, ids=str)
def test_a_gather_reads_the_named_places_and_other_elsewhere(
    element_type: Attribute, places: Attribute, lanes: int
) -> None:
    def write(build: Any, offsets: Any, mask: Any, x: Any, y: Any) -> None:
        every = build.map("select", mask, offsets, build.splat(31, TileType.of([8], places, lanes)))
        plain, masked = build.gather(x, every), build.gather(x, offsets, mask, other=1)
        function = "xor" if element_type == i1 else "sub"
        build.store(build.map(function, plain, masked), y, [build.place])

    random = np.random.default_rng(1)
    chosen = random.integers(0, 3, COUNT) > 0
    offsets = np.where(chosen, random.integers(0, COUNT, COUNT), 2**30).astype(numpy_dtype(places))
    x = numbers(element_type, COUNT)
    func = kernel(element_type, places, lanes, write, grid=COUNT // 8)
    result = both(func, x, offsets, chosen, np.zeros_like(x))[-1]
    every = x[np.where(chosen, offsets, 31)]
    other = np.where(chosen, x[np.where(chosen, offsets, 0)], x.dtype.type(1))
    np.testing.assert_array_equal(result, every ^ other if element_type == i1 else every - other)


@pytest.mark.parametrize("lanes", [8, 1])
@pytest.mark.parametrize("element_type", TYPES, ids=str)
def test_a_scatter_writes_in_order_and_leaves_the_rest(element_type: Attribute, lanes: int) -> None:
    def write(build: Any, offsets: Any, mask: Any, x: Any, y: Any) -> None:
        build.scatter(build.load(x, [build.place], TileType.of([8], element_type, lanes)), y, offsets, mask)

    offsets = np.array([5, 5, 31, 5, 0, 99, -7, 31], np.int64)
    chosen = np.array([1, 1, 1, 0, 1, 0, 0, 1], bool)
    x = numbers(element_type, COUNT)
    func = kernel(element_type, i64, lanes, write, grid=1)
    result = both(func, x, np.resize(offsets, COUNT), np.resize(chosen, COUNT), np.zeros_like(x))[-1]
    expected = np.zeros_like(x)
    for value, place, counts in zip(x[:8], offsets, chosen, strict=True):
        if counts:
            expected[place] = value
    np.testing.assert_array_equal(result, expected)


def test_a_place_outside_of_the_reference_is_named_by_the_interpreter() -> None:
    def write(build: Any, offsets: Any, mask: Any, x: Any, y: Any) -> None:
        build.store(build.gather(x, offsets), y, [build.place])

    func = kernel(f32, i64, 8, write, grid=1)
    x = np.zeros(COUNT, np.float32)
    with pytest.raises(NeuralcError, match="program 0 is at offset 32 of 32 elements"):
        run_kernel(func, {}, [x, np.full(COUNT, 32), np.ones(COUNT, bool), x])


def checking(codes: tuple[int, ...] = (910,)) -> FuncOp:
    """Every element of x must be true; one element a program, one check a code, y counts the programs that came by."""
    references = [("x", RefType.of([len(codes), 8], i1)), ("status", status_type()), ("y", RefType.of([8], i32))]
    build = KernelBuilder("checking", [], references)
    x, status, y = build.references
    program = build.index(build.program_id())
    for number, code in enumerate(codes):
        build.check(build.load(x, [Index(number), Index(program)], TileType.of([], i1, 1)), status, code)
    build.store(build.splat(1, TileType.of([], i32, 1)), y, [Index(program)])
    return build.finish(8)


def test_a_failed_check_sets_the_status_and_the_program_goes_on() -> None:
    fine, status, y = np.ones((1, 8), bool), np.zeros(1, np.int32), np.zeros(8, np.int32)
    assert both(checking(), fine, status, y)[1].tolist() == [0]
    wrong = fine.copy()
    wrong[0, 3] = False
    _, after, written = run_native(checking(), [wrong, status, y])
    assert after.tolist() == [910]
    assert written.all()
    with pytest.raises(NeuralcError, match="found by a kernel\\.check in @checking") as caught:
        run_kernel(checking(), {}, [wrong, status, y])
    assert caught.value.diagnostics[0].code == "E0910"


def test_of_several_failures_the_largest_code_stays_in_any_order_of_programs() -> None:
    status, y = np.zeros(1, np.int32), np.zeros(8, np.int32)
    for rows in ([[0, 1] + [1] * 6, [1, 0] + [1] * 6], [[1, 0] + [1] * 6, [0, 1] + [1] * 6]):
        found = run_native(checking((910, 911)), [np.array(rows, bool), status, y])
        assert found[1].tolist() == [911]


@pytest.mark.parametrize("lanes", [8, 1])
def test_a_check_of_vectors_sees_every_lane(lanes: int) -> None:
    references = [("x", RefType.of([2, 16], i1)), ("status", status_type())]
    for wrong in (None, (0, 0), (0, 7), (1, 8), (1, 15)):
        build = KernelBuilder("vectors", [], references)
        x, status = build.references
        build.check(build.load(x, [Index(0, 0), Index(0, 1)], TileType.of([2, 16], i1, lanes)), status, 911)
        values = np.ones((2, 16), bool)
        if wrong is not None:
            values[wrong] = False
        found = run_native(build.finish(1), [values, np.zeros(1, np.int32)])[1]
        assert found.tolist() == [0 if wrong is None else 911]


@pytest.mark.parametrize("element_type", [i8, i16, i32, i64, *UNSIGNED], ids=str)
def test_an_integer_is_a_place_and_a_bound(element_type: Attribute) -> None:
    """y[i] = the sum of x from 0 to n[i]"""
    references = [
        ("x", RefType.of([200], i32)),
        ("n", RefType.of([3], element_type)),
        ("y", RefType.of([3], i32)),
    ]
    build = KernelBuilder("sums", [], references)
    x, n, y = build.references
    program = build.index(build.program_id())
    count = build.to_index(build.load(n, [Index(program)], TileType.of([], element_type, 1)))
    scalar = TileType.of([], i32, 1)
    (total,) = build.loop(
        0,
        count,
        1,
        [build.splat(0, scalar)],
        lambda k, total: [build.map("add", total, build.load(x, [Index(k)], scalar))],
    )
    build.store(total, y, [Index(program)])
    largest = 120 if element_type in (i8,) else 200
    sizes = np.array([0, 7, largest], numpy_dtype(element_type))
    x_values = np.arange(200, dtype=np.int32)
    result = both(build.finish(3), x_values, sizes, np.zeros(3, np.int32))[-1]
    assert result.tolist() == [0, 21, largest * (largest - 1) // 2]
