"""The example of every layer of the language as Keras code, in the precision that Keras has for all of them."""

from __future__ import annotations

import numpy as np
import pytest
from support.compare import assert_close
from support.graph_modules import random_value
from support.keras_code import run_keras_code

from neuralc.dialects.graph import DimOp, the_model
from neuralc.dialects.interp import run_module
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.grammar.signatures import SIGNATURES, Signature
from neuralc.weights_file import initial_weights

pytestmark = pytest.mark.slow

SINGLE = {"AveragePooling3D", "GELU", "GraphAttention", "LeakyReLU", "MaxPooling3D", "Rescaling", "Resizing"}
"""What TensorFlow has no doubles for, or Keras constants in single precision."""


@pytest.mark.parametrize("signature", [each for each in SIGNATURES if each.example], ids=lambda each: each.name)
def test_the_example_of_a_layer(signature: Signature) -> None:
    program = load(Source("layer.nr", f"network M {{ {signature.example} }}"))
    rng, weights = np.random.default_rng(0), initial_weights(program.weights)
    for declared in program.weights:
        value = weights[declared.name]
        if value.dtype.kind == "f":
            # None is at its neutral initial value.
            moved = value + np.abs(rng.standard_normal(value.shape)) * 0.2
            weights[declared.name] = moved.astype(value.dtype)
    model = the_model(program.module)
    dims = [op for op in program.module.body.block.ops if isinstance(op, DimOp)]
    sizes = {op.sym_name.data: max(3, op.minimum.data.value) for op in dims}
    inputs = {}
    for name, argument in zip(model.inputs, model.arguments, strict=True):
        value = random_value(rng, argument.type, sizes)
        # Integers count along dims, of which there are at least two places.
        inputs[name] = value if value.dtype.kind in "fb" else value % 2
    exact = signature.name not in SINGLE
    results = run_keras_code(program.module, inputs, weights, exact=exact), run_module(program.module, inputs, weights)
    for found, expected in zip(*results, strict=True):
        assert_close(found, expected, 1e-10 if exact else 1e-5)
