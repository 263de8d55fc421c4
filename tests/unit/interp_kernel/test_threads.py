"""The interpreter finds launches that threads would run at the same time and must not."""

import numpy as np
import pytest

from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module

COPIES = """
kernel.func @copy(%n: index, %x: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>) dims [n] grid (n) {
  %p = kernel.program_id
  %t = kernel.load %x[%p] -> !kernel.tile<f32, v1>
  kernel.store %t, %y[%p]
  kernel.return
}
kernel.host @m(%x: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>) dims [n] inputs ["x"] outputs ["y"] arena (n * 4) {
  %a = kernel.arena 0 -> !kernel.ref<[n], f32>
  kernel.launch @copy[n](%x, %a) FIRST
  BARRIER
  kernel.launch @copy[n](%a, %y) SECOND
  kernel.return
}
"""


def run(size: int, first: str, second: str, barrier: str = "") -> np.ndarray:
    text = COPIES.replace("FIRST", first).replace("SECOND", second).replace("BARRIER", barrier)
    return run_host(parse_module(text), [np.arange(float(size))], WeightStore(), check_races=True)[0]


@pytest.mark.parametrize("marks", [("{parallel}", "{parallel}"), ("{parallel}", ""), ("", "{parallel}")])
def test_a_launch_that_reads_what_other_threads_write_needs_a_barrier(marks: tuple[str, str]) -> None:
    with pytest.raises(NeuralcError, match=r"@copy needs a kernel.barrier .* at element 0 of the arena"):
        run(8, *marks)
    np.testing.assert_array_equal(run(8, *marks, "kernel.barrier"), np.arange(8.0))


def test_the_first_thread_alone_needs_none() -> None:
    np.testing.assert_array_equal(run(8, "", ""), np.arange(8.0))


def test_a_barrier_under_a_condition_counts_where_it_holds() -> None:
    marks = ("{parallel = 6}", "")
    for size in (5, 6):
        np.testing.assert_array_equal(run(size, *marks, "kernel.barrier if n >= 6"), np.arange(float(size)))
    np.testing.assert_array_equal(run(5, *marks), np.arange(5.0))
    with pytest.raises(NeuralcError, match=r"needs a kernel\.barrier"):
        run(7, *marks, "kernel.barrier if n >= 8")


ROUNDS = """
kernel.func @copy(%x: !kernel.ref<[4], f32>, %y: !kernel.ref<[4], f32>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<4xf32, v4>
  kernel.store %t, %y[0 over 0]
  kernel.return
}
kernel.host @m(%x: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>) dims [n] inputs ["x"] outputs ["y"] arena (64) {
  kernel.for @t from 0 to floordiv(n, 4) slots @slot 2 {
    %0 = kernel.view %x offset t * 4 -> !kernel.ref<[4], f32>
    %1 = kernel.view %y offset t * 4 -> !kernel.ref<[4], f32>
    %a = kernel.arena PLACE -> !kernel.ref<[4], f32>
    kernel.launch @copy[](%0, %a)
    kernel.launch @copy[](%a, %1)
  }
  kernel.return
}
"""


def rounds(count: int, place: str) -> np.ndarray:
    module = parse_module(ROUNDS.replace("PLACE", place))
    return run_host(module, [np.arange(count * 4.0)], WeightStore(), check_races=True)[0]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_threads_go_through_rounds_in_memory_of_their_slot(count: int) -> None:
    np.testing.assert_array_equal(rounds(count, "(slot * 16)"), np.arange(count * 4.0))


@pytest.mark.parametrize("place", ["0", "(slot * 8)"])
def test_slots_that_share_memory_are_found(place: str) -> None:
    np.testing.assert_array_equal(rounds(1, place), np.arange(4.0))  # all threads go through one round together
    with pytest.raises(NeuralcError, match="@copy in slot 1 meets another slot at element"):
        rounds(2, place)


SECTIONS = """
kernel.func @copy(%x: !kernel.ref<[4], f32>, %y: !kernel.ref<[4], f32>) dims [] grid (1) {
  %t = kernel.load %x[0 over 0] -> !kernel.tile<4xf32, v4>
  kernel.store %t, %y[0 over 0]
  kernel.return
}
kernel.host @m(%x: !kernel.ref<[4], f32>, %y: !kernel.ref<[4], f32>) dims [] inputs ["x"] outputs ["y"] arena (32) {
  %a = kernel.arena 0 -> !kernel.ref<[4], f32>
  kernel.for @t from 0 to 2 section FIRST {
    kernel.launch @copy[](%x, %a)
  }
  BARRIER
  kernel.for @u from 0 to 2 section SECOND {
    kernel.launch @copy[](%a, %y)
  }
  kernel.return
}
"""


def sections(first: int, second: int, barrier: str = "") -> np.ndarray:
    text = SECTIONS.replace("FIRST", str(first)).replace("SECOND", str(second)).replace("BARRIER", barrier)
    return run_host(parse_module(text), [np.arange(4.0)], WeightStore(), check_races=True)[0]


def test_a_section_that_reads_what_another_one_writes_needs_a_barrier() -> None:
    np.testing.assert_array_equal(sections(1, 1), np.arange(4.0))
    np.testing.assert_array_equal(sections(0, 1, "kernel.barrier"), np.arange(4.0))
    for first, second in ((0, 1), (1, 0), (2, 1)):
        with pytest.raises(NeuralcError, match=r"@copy needs a kernel\.barrier before it: .* of the arena"):
            sections(first, second)
