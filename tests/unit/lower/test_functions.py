"""The loops of elementwise ops, reductions and normalizations compute what the ops are defined to compute."""

from __future__ import annotations

import pytest
from support.compare import assert_pass_preserves
from support.function_cases import CASES, Case

from neuralc.dialects.weights import WeightStore
from neuralc.passes.lower.graph_to_tensor import GraphToTensorPass


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_loops_are_the_op(case: Case) -> None:
    module, inputs = case.build()
    assert_pass_preserves(GraphToTensorPass(), module, WeightStore(), inputs)
