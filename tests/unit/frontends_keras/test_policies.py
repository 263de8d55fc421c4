"""Dtype policies: weights are kept and layers compute in the types that Keras has."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_close
from support.keras_reference import keras, layers

from neuralc.dialects.interp import run_module
from neuralc.frontends.keras.load import from_keras

pytestmark = pytest.mark.thorough

HALF = {"float16": 2**-11, "bfloat16": 2**-8}
"""The largest relative error of one rounding."""


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_layers_of_half_precision(policy: str) -> None:
    """The reference does not round: it differs from Keras by a few roundings of values around 1."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        body = [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.Flatten(), layers.Dense(5)]
        head = layers.Activation("softmax", dtype="float32")
        model = keras.Sequential([keras.Input((8, 8, 3), dtype="float32"), *body, head])
        found = from_keras(model)
        x = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
        wanted = keras.ops.convert_to_numpy(model(x))
    finally:
        keras.config.set_dtype_policy(before)
    kept = "float32" if policy.startswith("mixed") else policy
    assert {str(array.dtype) for array in found.weights.values()} == {kept}
    assert f"x{policy.removeprefix('mixed_').replace('float', 'f')}" in str(found.module)
    assert_close(run_module(found.module, [x], found.weights)[0], wanted, 8 * HALF[policy.removeprefix("mixed_")])
