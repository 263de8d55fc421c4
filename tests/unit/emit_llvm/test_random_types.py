"""Kernels of every element type compute natively what the interpreter computes, in vectors and in scalars."""

import numpy as np
import pytest
from support.native_kernels import run_native
from support.tables import few_of
from support.typed_programs import ELEMENT_TYPES, typed_program
from xdsl.dialects.builtin import ModuleOp, f16
from xdsl.ir import Attribute

from neuralc.dialects.interp.kernel import run_kernel
from neuralc.dialects.types import is_float
from neuralc.passes.kernel.verify_target import check_target
from neuralc.passes.target import Target


@pytest.mark.parametrize("seed", few_of(range(4)))
@pytest.mark.parametrize("element_type", ELEMENT_TYPES, ids=str)
def test_native_code_agrees_with_the_interpreter(element_type: Attribute, seed: int) -> None:
    program = typed_program(element_type, seed, lanes=(8, 1, 16, 4)[seed % 4])
    expected = run_kernel(program.func, program.dims, program.arrays, "rounded", check_races=True)
    actual = run_native(program.func, program.arrays, program.dims)
    for number, (array, wanted, before) in enumerate(zip(actual, expected, program.arrays, strict=True)):
        if number not in program.outputs:
            np.testing.assert_array_equal(array, before)
        elif is_float(element_type):
            bound = 1e-2 if element_type == f16 else 1e-6
            np.testing.assert_allclose(array.astype(float), wanted.astype(float), rtol=bound, atol=bound)
        else:
            np.testing.assert_array_equal(array, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
@pytest.mark.parametrize("element_type", ELEMENT_TYPES, ids=str)
def test_many_more_kernels(element_type: Attribute, seed: int) -> None:
    test_native_code_agrees_with_the_interpreter(element_type, seed)


@pytest.mark.parametrize("element_type", ELEMENT_TYPES, ids=str)
def test_what_works_is_legal(element_type: Attribute) -> None:
    module = ModuleOp([typed_program(element_type, 1, lanes=1).func])
    assert not list(check_target(module, Target.host()))
