"""torch code of elementwise ops, functions along axes and normalizations computes what the ops are defined to."""

from __future__ import annotations

import pytest
from support.compare import assert_close
from support.function_cases import CASES, Case
from support.torch_code import run_torch_code

from neuralc.dialects.dims import Dim
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.emit.refusals import CODE
from neuralc.emit.torch import emit
from neuralc.grammar.diagnostics import NeuralcError

UNSIGNED = ("uint16", "uint32", "uint64")
"""Types that torch has, but hardly any function for."""

REFUSED = ("top_k S",)
"""How the names of cases begin of which torch has a part only."""


def is_open(case: Case) -> bool:
    """Whether torch leaves the result open, or it depends on the width of floats, which are doubles here."""
    words = ("saturates", "negative exponents", "cast float", "bitcast float", "bitcast bfloat", *UNSIGNED)
    return any(word in case.name for word in words)


def is_refused(case: Case) -> bool:
    symbolic_rows = case.name.startswith("layer_norm") and any(isinstance(size, Dim) for size in case.shapes[1])
    return case.name.startswith(REFUSED) or symbolic_rows


AGREEING = [case for case in CASES if not is_open(case) and not is_refused(case)]


@pytest.mark.parametrize("case", AGREEING, ids=lambda case: case.name)
def test_torch_code_agrees(case: Case) -> None:
    module, inputs = case.build()
    expected = run_module(module, inputs, WeightStore())
    for actual, reference in zip(run_torch_code(module, inputs, WeightStore()), expected, strict=True):
        assert_close(actual, reference, 1e-9)


@pytest.mark.parametrize("case", [case for case in CASES if is_refused(case)], ids=lambda case: case.name)
def test_what_torch_has_a_part_of_is_refused(case: Case) -> None:
    with pytest.raises(NeuralcError) as caught:
        emit(case.build()[0])
    assert {found.code for found in caught.value.diagnostics} == {CODE}
