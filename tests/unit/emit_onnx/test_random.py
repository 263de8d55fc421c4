"""Emitted ONNX computes what the reference does: every op of the graph level, in random programs."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_close
from support.onnx_code import as_attributes, by_onnxruntime, emitted, in_float64, with_states
from support.random_graph import EVERY, random_graph_module
from xdsl.dialects.builtin import ModuleOp, bf16, f16, f32, f64

from neuralc.dialects.interp import run_module
from neuralc.dialects.types import element_of
from neuralc.dialects.weights import WeightStore
from neuralc.grammar.diagnostics import NeuralcError

FEW, MANY = range(6), [pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 60)]

REFUSED = ("graph.arg_max_pool as ONNX: ONNX counts places with the channels at axis 1",)
"""What a random program may say and ONNX does not, whatever its sizes."""

MISSING = ("NOT_IMPLEMENTED", "Only 4-D", "Pad reflect: pre-pad", "only supports 4-D or 5-D")
"""What onnxruntime has no code for, in the words of its messages."""


@pytest.mark.parametrize("seed", [*FEW, *MANY])
def test_a_program_of_doubles_is_the_same_when_it_comes_in_again(seed: int) -> None:
    module, weights, inputs = random_graph_module(np.random.default_rng(seed), ops=8, element=f64, layers=EVERY)
    model = _emitted(module, weights)
    expected = run_module(module, inputs, weights)
    found = in_float64(model, with_states(module, inputs, weights))
    for actual, reference in zip(found, expected, strict=False):
        assert_close(actual, reference, 1e-10)


@pytest.mark.parametrize("seed", [*FEW, *MANY])
def test_onnxruntime_runs_a_program_of_floats(seed: int) -> None:
    module, weights, inputs = random_graph_module(np.random.default_rng(seed), ops=8, element=f32, layers=EVERY)
    model = _emitted(module, weights)
    narrow = _narrow(module)
    expected = run_module(as_attributes(module), inputs, weights, numerics="rounded" if narrow else "exact")
    try:
        found = by_onnxruntime(model, with_states(module, inputs, weights))
    except Exception as failure:
        reason = next((known for known in MISSING if known in str(failure)), None)
        if reason is None:
            raise
        pytest.skip(f"onnxruntime: {reason}")
    for actual, reference in zip(found, expected, strict=False):
        assert_close(actual, reference, 2e-2 if narrow else 1e-5)


def _emitted(module: ModuleOp, weights: WeightStore) -> bytes:
    try:
        return emitted(module, weights)
    except NeuralcError as refusal:
        messages = [diagnostic.message for diagnostic in refusal.diagnostics]
        if all("symbolic size" in message or message in REFUSED for message in messages):
            pytest.skip("; ".join(messages))
        raise


def _narrow(module: ModuleOp) -> bool:
    """Whether floats of 16 bits are among the values."""
    return any(element_of(result.type) in (f16, bf16) for op in module.walk() for result in op.results)
