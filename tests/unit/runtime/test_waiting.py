"""A thread that waits for another one within a run keeps looking, and sleeps only where others want its processor."""

from __future__ import annotations

import resource
import time

import numpy as np
import pytest
from support.native_modules import native

from neuralc.emit.llvm.in_process import load_native
from neuralc.passes.target import Target
from neuralc.runtime import Model

ROUNDS = 800_000
"""Multiply-adds of the second program, each waiting for the last: about a millisecond. The first one has none."""
UNEQUAL = f"""builtin.module {{
  kernel.func @chain(%x: !kernel.ref<[16], f32, [1]>, %y: !kernel.ref<[16], f32, [1]>) dims [] grid (2) {{
    %program = kernel.program_id
    %lanes = arith.constant 8 : index
    %rounds = arith.constant {ROUNDS} : index
    %at = arith.muli %program, %lanes : index
    %end = arith.muli %program, %rounds : index
    %factor = kernel.splat 0.5 -> !kernel.tile<8xf32, v8>
    %first = kernel.load %x[%at over 0] -> !kernel.tile<8xf32, v8>
    %last = kernel.loop %i = 0 to %end step 1 iter(%value = %first) {{
      %next = kernel.map fma %value, %factor, %factor -> !kernel.tile<8xf32, v8>
      kernel.yield %next
    }}
    kernel.store %last, %y[%at over 0]
    kernel.return
  }}
  kernel.host @Unequal(%x: !kernel.ref<[16], f32, [1]>, %y: !kernel.ref<[16], f32, [1]>)
      dims [] inputs ["x"] outputs ["y"] arena (0) shared (4000000) {{
    kernel.launch @chain[](%x, %y) {{parallel}}
    kernel.return
  }}
}}
"""


def sleeps_and_losses(model: Model, x: np.ndarray) -> tuple[int, int, float]:
    """How often a run makes its caller sleep, how often the caller loses its processor meanwhile, and its seconds."""
    before, start = resource.getrusage(resource.RUSAGE_THREAD), time.perf_counter()
    model(x)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_THREAD)
    return after.ru_nvcsw - before.ru_nvcsw, after.ru_nivcsw - before.ru_nivcsw, seconds


@pytest.mark.skipif(Target.host().threads < 2, reason="one processor")
def test_a_caller_that_waits_for_a_worker_does_not_sleep_unless_others_run() -> None:
    model = load_native(native(UNEQUAL, target=Target.host(), threads=2))
    x = np.ones(16, np.float32)
    expected = np.r_[x[:8], np.ones(8, np.float32)]
    np.testing.assert_allclose(model(x), expected, rtol=1e-6)
    runs = [sleeps_and_losses(model, x) for _ in range(200)]
    undisturbed = [sleeps for sleeps, losses, seconds in runs if losses == 0 and seconds < 0.004]
    # What an interrupt or the host of a virtual machine takes is not counted as a loss.
    assert sum(undisturbed) * 5 <= len(undisturbed)
