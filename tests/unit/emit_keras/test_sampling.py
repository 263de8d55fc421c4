"""Images that Keras code reads where data says, and between their places, as the interpreter does."""

from __future__ import annotations

import numpy as np
import pytest
from support import indexing_cases, sampling_cases
from support.compare import assert_close
from support.graph_modules import GraphModule, tensor
from support.keras_code import run_keras_code
from support.layers import resampling
from support.random_graph import random_graph_module
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.interp import run_module

pytestmark = pytest.mark.thorough

SAMPLED = [
    case
    for case in sampling_cases.CASES
    if case.op in (graph.DeformConvOp, graph.FoldOp, graph.MaxRoiPoolOp, graph.RoiAlignOp)
]


@pytest.mark.parametrize("case", SAMPLED, ids=str)
def test_images_read_where_data_says(case: sampling_cases.Case) -> None:
    module, inputs = case.build()
    (found,), (expected,) = run_keras_code(module, inputs, {}), run_module(module, inputs, {})
    assert_close(found, expected, 1e-10)


@pytest.mark.parametrize("seed", range(12))
def test_reads_between_places(seed: int) -> None:
    module, weights, inputs = random_graph_module(np.random.default_rng(seed), ops=2, layers=resampling.LAYERS)
    results = run_keras_code(module, inputs, weights), run_module(module, inputs, weights)
    for found, expected in zip(*results, strict=True):
        assert_close(found, expected, 1e-10)


def test_places_of_the_largest_count_over_a_batch_of_any_size() -> None:
    def body(x: SSAValue) -> SSAValue:
        return graph.ArgMaxPoolOp.of(x, window=(2, 2), strides=(2, 1)).result

    module = GraphModule().model({"x": tensor("batch", 6, 5, 3)}, body)
    inputs = {"x": np.random.default_rng(0).standard_normal((2, 6, 5, 3)).astype(np.float32)}
    (found,), (expected,) = run_keras_code(module, inputs, {}), run_module(module, inputs, {})
    np.testing.assert_array_equal(found, expected)


def test_reads_of_a_region() -> None:
    cases = [case for case in indexing_cases.CASES if case.name == "resize a region"]
    assert cases
    for case in cases:
        module, inputs = case.build()
        (found,), (expected,) = run_keras_code(module, inputs, {}), run_module(module, inputs, {})
        assert_close(found, expected, 1e-10)
