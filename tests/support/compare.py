"""How tests compare results.

NaN and infinity stand at the same places, floats are within a bound relative to the largest, integers are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from neuralc.dialects.graph import declared_states
from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.passes.base import ModulePass, PassContext
from neuralc.passes.verifier import verify_module

Array = NDArray[Any]


def assert_close(actual: Array, expected: Array, tolerance: float) -> None:
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    if expected.dtype.kind in "iub":
        np.testing.assert_array_equal(actual, expected)
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(actual), finite)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    if finite.any():
        bound = tolerance * max(1.0, float(np.abs(expected[finite]).max()))
        difference = np.abs(actual[finite].astype(np.float64) - expected[finite].astype(np.float64))
        assert difference.max() <= bound, f"differs by {difference.max():.3e}, allowed {bound:.3e}"


def assert_pass_preserves(
    passes: ModulePass | Sequence[ModulePass],
    module: ModuleOp,
    weights: WeightStore,
    inputs: dict[str, Array],
    tolerance: float = 1e-9,
) -> PassContext:
    """Run passes on a module in place: it stays valid and computes the same values. Gives the context with remarks."""
    expected = calls(module, inputs, weights)
    context = PassContext(weights=weights)
    for each in [passes] if isinstance(passes, ModulePass) else passes:
        each.run_in(module, context)
        verify_module(module)
    for after, before in zip(calls(module, inputs, weights), expected, strict=True):
        assert_close(after, before, tolerance)
    return context


def calls(module: ModuleOp, inputs: Mapping[str, Array], weights: WeightStore) -> list[Array]:
    """The outputs of one call; of two calls on the same inputs where the second one depends on the first."""
    states: dict[str, Array] = {}
    rounds = 2 if declared_states(module) else 1
    return [array for _ in range(rounds) for array in run_module(module, inputs, weights, states=states)]
