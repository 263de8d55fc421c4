"""Random kernels compute natively what the interpreter computes, and touch nothing but their outputs."""

import numpy as np
import pytest
from support.compare import assert_close
from support.kernel_programs import random_program
from support.native_kernels import run_native

from neuralc.dialects.interp.kernel import run_kernel
from neuralc.passes.kernel.expand_math import ExpandMathPass

pytestmark = pytest.mark.thorough

TOLERANCE = 2e-5


@pytest.mark.parametrize("seed", range(24))
def test_native_code_agrees_with_the_interpreter(seed: int) -> None:
    program = random_program(seed, lanes=(8, 4, 16)[seed % 3])
    expected = run_kernel(program.func, program.dims, program.arrays)
    passes = [ExpandMathPass()] if seed % 2 else []
    actual = run_native(program.func, program.arrays, program.dims, passes=passes)
    for number, (array, before) in enumerate(zip(actual, program.arrays, strict=True)):
        if number in program.outputs:
            assert_close(array, expected[number], TOLERANCE)
        else:
            np.testing.assert_array_equal(array, before)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_many_more_random_kernels(seed: int) -> None:
    test_native_code_agrees_with_the_interpreter(seed)
