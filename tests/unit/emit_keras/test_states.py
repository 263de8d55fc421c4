"""A model that keeps values between runs is a layer that does: fed in pieces, saved without them, begun anew."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_close
from support.keras_code import ask_keras
from support.stateful_models import CAPACITY, FEATURES, HEADS, WIDTH, Model, cached_attention, stateful_lstm

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.dialects.interp.numerics import Array
from neuralc.emit.keras import emit

SHAPES = {"x": (4, 2, FEATURES)} | dict.fromkeys("qkv", (3, HEADS, WIDTH))


def check(model: Model, sizes: dict[str, int]) -> None:
    rng, names = np.random.default_rng(0), the_model(model.module).inputs
    inputs = {name: rng.standard_normal(SHAPES[name]).astype(np.float32) for name in names}
    states: dict[str, Array] = {}
    expected = [run_module(model.module, inputs, model.weights, states=states)[0] for _ in range(3)]
    _, found = ask_keras(model.module, list(inputs.values()), model.weights, action="repeated", sizes=sizes)
    for run, reference in enumerate([*expected, expected[0]]):
        assert_close(found[f"output_{run}"], reference, 1e-10)


@pytest.mark.thorough
def test_a_recurrent_layer_goes_on() -> None:
    check(stateful_lstm(), {"batch": 2})


@pytest.mark.thorough
def test_keys_and_values_stay() -> None:
    assert CAPACITY >= 9
    check(cached_attention(), {})


def test_states_are_weights_that_a_file_does_not_have() -> None:
    code = emit(stateful_lstm().module)
    assert 'states = {"state_h", "state_c"}' in code
    assert "def load(path, batch=1):" in code
    assert "self.state_h.assign(" in code
    assert "def reset(self):" in code
