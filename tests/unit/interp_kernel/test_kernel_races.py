"""Programs that depend on each other: found by a random order, named by the race check."""

import numpy as np
import pytest
from support.kernel_text import parse_kernel

from neuralc.dialects.interp.kernel import run_kernel
from neuralc.grammar.diagnostics import NeuralcError

NEIGHBOUR = """
kernel.func @f(%n: index, %x: !kernel.ref<[n], f32>) dims [n] grid (n - 1) {
  %p = kernel.program_id
  %c1 = arith.constant 1 : index
  %next = arith.addi %p, %c1 : index
  %a = kernel.load %x[%p over 0] -> !kernel.tile<1xf32>
  %one = kernel.splat 1.0 -> !kernel.tile<1xf32>
  %b = kernel.map add %a, %one -> !kernel.tile<1xf32>
  kernel.store %b, %x[%next over 0]
  kernel.return
}"""
"""Each program reads what the one before it writes."""


def test_the_order_of_programs_shows() -> None:
    func, x = parse_kernel(NEIGHBOUR), np.zeros(8)
    results = {tuple(run_kernel(func, {"n": 8}, [x], order=seed)[0]) for seed in range(4)}
    assert len(results) > 1


@pytest.mark.parametrize("order", [None, 0, 1])
def test_a_read_of_what_another_program_writes_is_named(order: int | None) -> None:
    with pytest.raises(NeuralcError, match=r"on %x in @f: program \d writes element \d, which|which program \d writes"):
        run_kernel(parse_kernel(NEIGHBOUR), {"n": 8}, [np.zeros(8)], order=order, check_races=True)


CLAMPED = """
kernel.func @f(%n: index, %x: !kernel.ref<[n], f32>, %y: !kernel.ref<[n], f32>) dims [n] grid (ceildiv(n, 4)) {{
  %p = kernel.program_id
  %c4 = arith.constant 4 : index
  %start = arith.muli %p, %c4 : index
  %last = arith.subi %n, %c4 : index
  %i = arith.minui %start, %last : index
  %t = kernel.load {source}[%i over 0] -> !kernel.tile<4xf32>
  {body}
  kernel.store %r, %y[%i over 0]
  kernel.return
}}"""
"""The last block of four is moved to the left where it would reach past the end: two programs write the same places."""


@pytest.mark.parametrize("order", [None, 3])
def test_two_programs_may_write_the_same_value(order: int | None) -> None:
    func = parse_kernel(CLAMPED.format(source="%x", body="%r = kernel.map neg %t -> !kernel.tile<4xf32>"))
    x = np.arange(6.0)
    np.testing.assert_array_equal(run_kernel(func, {"n": 6}, [x, x], order=order, check_races=True)[1], -x)


@pytest.mark.parametrize("order", [None, 3])
def test_two_programs_may_not_write_different_values(order: int | None) -> None:
    body = """
    %id = kernel.splat %p -> !kernel.tile<4xi32>
    %r = kernel.convert %id -> !kernel.tile<4xf32>"""
    func = parse_kernel(CLAMPED.format(source="%x", body=body))
    with pytest.raises(NeuralcError, match=r"programs \d and \d write different values to element 2"):
        run_kernel(func, {"n": 6}, [np.arange(6.0), np.zeros(6)], order=order, check_races=True)


def test_a_moved_block_must_not_work_in_place() -> None:
    func = parse_kernel(CLAMPED.format(source="%y", body="%r = kernel.map neg %t -> !kernel.tile<4xf32>"))
    with pytest.raises(NeuralcError, match="which others read"):
        run_kernel(func, {"n": 6}, [np.zeros(6), np.arange(6.0)], check_races=True)


def test_one_store_may_not_write_a_place_twice() -> None:
    func = parse_kernel("""
    kernel.func @f(%y: !kernel.ref<[4], f32, [0]>) dims [] grid (1) {
      %count = kernel.iota -> !kernel.tile<4xi32>
      %t = kernel.convert %count -> !kernel.tile<4xf32>
      kernel.store %t, %y[0 over 0]
      kernel.return
    }""")
    with pytest.raises(NeuralcError, match="program 0 writes two values to element 0"):
        run_kernel(func, {}, [np.zeros(1)], check_races=True)


def test_programs_that_share_what_they_read_are_fine() -> None:
    func = parse_kernel("""
    kernel.func @f(%x: !kernel.ref<[4], f32>, %y: !kernel.ref<[3, 4], f32>) dims [] grid (3) {
      %p = kernel.program_id
      %t = kernel.load %x[0 over 0] -> !kernel.tile<4xf32>
      kernel.store %t, %y[%p, 0 over 0]
      kernel.return
    }""")
    found = run_kernel(func, {}, [np.arange(4.0), np.zeros((3, 4))], check_races=True)[1]
    np.testing.assert_array_equal(found, np.tile(np.arange(4.0), (3, 1)))
