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
