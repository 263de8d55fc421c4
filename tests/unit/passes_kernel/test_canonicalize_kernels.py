"""kernel-canonicalize on random kernels: they compute the same, get no larger, and a second run finds nothing."""

import numpy as np
import pytest
from support.kernel_programs import random_program
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.interp.kernel import run_kernel
from neuralc.passes.base import PassContext
from neuralc.passes.kernel.canonicalize import CanonicalizePass
from neuralc.passes.printing import print_module
from neuralc.passes.verifier import verify_module

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize("lanes", [8, 4, 0])
@pytest.mark.parametrize("seed", range(6))
def test_random_kernels_compute_the_same(seed: int, lanes: int) -> None:
    program = random_program(seed, lanes=lanes)
    expected = run_kernel(program.func, program.dims, program.arrays)
    module, context = ModuleOp([program.func]), PassContext()
    size = sum(1 for _ in module.walk())
    CanonicalizePass().run_in(module, context)
    verify_module(module)
    assert sum(1 for _ in module.walk()) <= size
    found = run_kernel(program.func, program.dims, program.arrays, check_races=True)
    for index in program.outputs:
        bound = 1e-9 * max(1.0, np.abs(expected[index]).max())
        assert np.abs(found[index] - expected[index]).max() <= bound
    text = print_module(module)
    CanonicalizePass().run_in(module, context)
    assert print_module(module) == text


def test_the_random_kernels_are_worth_it() -> None:
    """Together they make most patterns fire: a pattern that none of them reaches is tested by lit alone."""
    context = PassContext()
    for seed in range(40):
        CanonicalizePass().run_in(ModuleOp([random_program(seed, lanes=8 * (seed % 2)).func]), context)
    fired = {event for _, event in context.statistics}
    assert fired >= {
        "DropEmptyLoop",
        "DropNeutralMap",
        "InlineSingleTrip",
        "MapBeforeBroadcast",
        "NumberInAccess",
        "ReduceOneElement",
        "SimplifyReshape",
        "common values merged",
    }
