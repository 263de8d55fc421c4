"""The probes of the machine: plausible numbers, in the right order."""

import pytest
from xdsl.dialects.builtin import f64

from neuralc.emit.llvm.peak import fma_peak_gflops, stream_bandwidth
from neuralc.passes.target import Target


def test_the_peak_needs_no_memory() -> None:
    """Between one multiply-add of one vector in ten cycles at 1 GHz and four a cycle at 7 GHz."""
    target = Target.host()
    peak = fma_peak_gflops(target, seconds=0.02)
    assert 0.2 * target.lanes < peak < 56 * target.lanes


def test_fp64_has_half_the_lanes() -> None:
    target = Target.host()
    ratio = fma_peak_gflops(target, seconds=0.05) / fma_peak_gflops(target, seconds=0.05, element_type=f64)
    assert ratio == pytest.approx(2.0, rel=0.4)


def test_streams_count_what_they_move() -> None:
    small = stream_bandwidth(Target.host(), 16 << 10, seconds=0.02)
    assert small.bytes == pytest.approx(16 << 10, rel=0.05)
    assert 0.5 < small.read < 2000
    assert 0.5 < small.copy < 4000
