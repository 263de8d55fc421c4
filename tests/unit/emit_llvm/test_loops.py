"""Loops and grids: how often they run, what they carry, and that a range of programs is all that runs."""

from typing import Any

import numpy as np
import pytest
from support.native_kernels import run_native
from xdsl.dialects.builtin import f32, i64

from neuralc.dialects import arith
from neuralc.dialects.kernel import FuncOp, RefType, TileType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.kernel.memory import Index

TILE = TileType.of([8], f32, 8)


def counting_kernel(lower: Any, upper: Any, step: int) -> FuncOp:
    """y = how often the loop ran, and the sum of its counters."""
    build = KernelBuilder("count", ["n"], [("y", RefType.of([2, 8], f32))])
    bounds = [build.dim("n") if bound == "n" else bound for bound in (lower, upper)]

    def body(counter: Any, rounds: Any, total: Any) -> list[Any]:
        number = build.convert(build.splat(counter, TileType.of([8], i64, 8)), TILE)
        return [build.map("add", rounds, build.splat(1.0, TILE)), build.map("add", total, number)]

    zero = build.splat(0.0, TILE)
    rounds, total = build.loop(*bounds, step, [zero, zero], body)
    build.store(rounds, build.references[0], [Index(0), Index(0, 0)])
    build.store(total, build.references[0], [Index(1), Index(0, 0)])
    return build.finish(1)


@pytest.mark.parametrize(
    ("lower", "upper", "step", "n"),
    [
        (0, "n", 1, 0), (0, "n", 1, 1), (0, "n", 1, 5), (0, "n", 3, 7), (4, "n", 2, 3), ("n", 9, 2, 4), ("n", 9, 2, 12),
        (0, 0, 1, 0), (5, 2, 1, 0), (0, 1, 1, 0), (3, 5, 4, 0), (0, 6, 1, 0), (1, 8, 3, 0),
    ],
)  # fmt: skip
def test_a_loop_runs_as_often_as_its_bounds_say(lower: Any, upper: Any, step: int, n: int) -> None:
    (found,) = run_native(counting_kernel(lower, upper, step), [np.full((2, 8), -1.0, np.float32)], {"n": n})
    counters = range(n if lower == "n" else lower, n if upper == "n" else upper, step)
    np.testing.assert_array_equal(found, np.repeat([[len(counters)], [sum(counters)]], 8, axis=1))


def test_carried_values_may_trade_places() -> None:
    build = KernelBuilder("trade", ["n"], [("y", RefType.of([2, 8], f32))])
    first, second = build.splat(1.0, TILE), build.splat(2.0, TILE)
    results = build.loop(0, build.dim("n"), 1, [first, second], lambda _, a, b: [b, a])
    for row, value in enumerate(results):
        build.store(value, build.references[0], [Index(row), Index(0, 0)])
    func = build.finish(1)
    for n in (0, 1, 2, 3):
        (found,) = run_native(func, [np.zeros((2, 8), np.float32)], {"n": n})
        np.testing.assert_array_equal(found[:, 0], [1, 2] if n % 2 == 0 else [2, 1])


def test_an_inner_loop_may_depend_on_the_outer_counter() -> None:
    """A triangle: sum over i < n and j < i of 1."""
    build = KernelBuilder("triangle", ["n"], [("y", RefType.of([8], f32))])

    def outer(i: Any, total: Any) -> list[Any]:
        return build.loop(0, i, 1, [total], lambda _, value: [build.map("add", value, build.splat(1.0, TILE))], "j")

    (total,) = build.loop(0, build.dim("n"), 1, [build.splat(0.0, TILE)], outer, "i")
    build.store(total, build.references[0], [Index(0, 0)])
    (found,) = run_native(build.finish(1), [np.zeros(8, np.float32)], {"n": 6})
    np.testing.assert_array_equal(found, 15.0)


@pytest.mark.parametrize("programs", [(0, 0), (0, 4), (3, 4), (5, 11), (11, 11), (7, 2)])
def test_only_programs_of_the_range_run(programs: tuple[int, int]) -> None:
    build = KernelBuilder("mark", [], [("y", RefType.of([11], f32))])
    build.store(build.splat(1.0, TileType.of([1], f32, 1)), build.references[0], [Index(build.program_id(), 0)])
    (found,) = run_native(build.finish(11), [np.zeros(11, np.float32)], programs=programs)
    np.testing.assert_array_equal(np.flatnonzero(found), np.arange(*programs))


def test_nothing_is_computed_for_an_empty_range() -> None:
    """Sizes divide by dims, and a dim may be 0 when there is nothing to do."""
    build = KernelBuilder("empty", ["n"], [("y", RefType.of([8], f32))])
    quotient = build.add(arith.DivUIOp(build.index(8), build.dim("n")))
    build.store(build.splat(1.0, TILE), build.references[0], [Index(quotient, 0, masked=True)])
    (found,) = run_native(build.finish(0), [np.zeros(8, np.float32)], {"n": 0})
    assert not found.any()
