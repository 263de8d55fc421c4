"""Data that a model cannot compute with ends the run with an error, whatever the number of threads."""

import numpy as np
import pytest
from support.native_modules import LOOKUP, TABLE, lookup

from neuralc.dialects.interp.kernel_host import run_host
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError
from neuralc.passes.parsing import parse_module
from neuralc.runtime import ModelError


@pytest.mark.parametrize("threads", [1, 4])
def test_an_index_out_of_range_is_E0910_and_the_model_goes_on_working(threads: int) -> None:
    model = lookup(threads=threads)
    ids = np.arange(1000) % 40
    for place, wrong in ((0, -1), (999, 40), (500, 2**62), (31, -(2**63))):
        broken = ids.copy()
        broken[place] = wrong
        with pytest.raises(ModelError, match="an index in the inputs is outside") as caught:
            model(TABLE, broken)
        assert caught.value.code == "E0910"
        np.testing.assert_array_equal(model(TABLE, ids), TABLE[ids])


def test_integer_division_by_zero_is_E0911() -> None:
    with pytest.raises(ModelError, match="integer division by zero") as caught:
        lookup(911)(TABLE, np.array([40]))
    assert caught.value.code == "E0911"


@pytest.mark.parametrize("code", [910, 911])
def test_the_interpreter_raises_the_same_error(code: int) -> None:
    module = parse_module(LOOKUP.replace("CODE", str(code)))
    (y,) = run_host(module, [TABLE, np.array([3, 39])], WeightStore())
    np.testing.assert_array_equal(y, [3, 39])
    with pytest.raises(NeuralcError, match="found by a kernel\\.check in @look") as caught:
        run_host(module, [TABLE, np.array([3, 40])], WeightStore())
    assert caught.value.diagnostics[0].code == f"E0{code}"
