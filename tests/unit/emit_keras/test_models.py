"""Emitted Keras code runs, trains, is saved by Keras and by itself, and computes what the program does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.code_weights import in_file
from support.compare import assert_close
from support.graph_modules import random_value
from support.keras_code import Array, ask_keras, run_keras_code
from support.random_graph import EVERY, random_graph_module

from neuralc.dialects.graph import the_model
from neuralc.dialects.interp import run_module
from neuralc.emit.keras import emit
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.grammar.diagnostics import NeuralcError, Source
from neuralc.weights_file import initial_weights

pytestmark = pytest.mark.thorough

EXAMPLES = Path(__file__).parents[3] / "examples"
SIZES = {"batch": 2, "S": 6}


def drawn(program: LoadedProgram) -> dict[str, Array]:
    """Inputs that fit a program."""
    rng, model = np.random.default_rng(0), the_model(program.module)
    return {
        name: random_value(rng, value.type, SIZES)  # type: ignore[arg-type]
        for name, value in zip(model.inputs, model.arguments, strict=True)
    }


def program_of(layers: str, shape: str) -> LoadedProgram:
    return load(Source("net.nr", f"network Net {{ input: x: {shape} layers: {layers} }}"))


def check(program: LoadedProgram) -> None:
    inputs, weights = drawn(program), initial_weights(program.weights)
    expected = run_module(program.module, inputs, weights)
    for found, reference in zip(run_keras_code(program.module, inputs, weights), expected, strict=True):
        assert_close(found, reference, 1e-10)


@pytest.mark.parametrize("name", ["mlp", "digits", "mnist", "models/two_inputs", "models/tagger"])
def test_examples(name: str) -> None:
    check(load(EXAMPLES / f"{name}.nr"))


def test_a_variable_is_not_called_like_a_function_of_the_file() -> None:
    text = """
    define Conv(n) { Conv2D(n, 1) ReLU() }
    network Net { input: x: (4, 4, 3) layers:
        a = Conv(2)(x) b = Conv(4)(x) c = Conv(3)(x) conv = Conv(3)(c) d = Conv(5)(conv) Concatenate(a, b, conv, d) }
    """
    check(load(Source("net.nr", text)))


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ('Conv2D(4, 3, strides=2, padding="same") BatchNormalization()', "(7, 8, 3)"),
        ('Conv2DTranspose(4, 3, strides=2, padding="same")', "(4, 5, 3)"),
        ("Conv2DTranspose(4, (2, 3), strides=(3, 2))", "(4, 5, 3)"),
        ('DepthwiseConv2D(3, depth_multiplier=2, padding="same")', "(6, 6, 3)"),
        ('SeparableConv2D(4, 3) MaxPooling2D(2, padding="same")', "(7, 7, 3)"),
        ("Conv1D(4, 3, dilation_rate=2) PReLU()", "(9, 3)"),
        ("GroupNormalization(2) LayerNormalization() RMSNormalization()", "(4, 5, 4)"),
        ("Bidirectional(GRU(4, return_sequences=true)) SimpleRNN(3)", "(5, 3)"),
        ("LSTM(4, go_backwards=true, return_sequences=true)", "(5, 3)"),
        ("Embedding(2000, 4, mask_zero=true) LSTM(4)", "(S) int32"),
        ("MultiHeadAttention(2, 3)", "(5, 6)"),
        ("Lambda('x: x[:, :1, :]') Reshape((5,))", "(S, 5)"),
        ("UpSampling2D((2, 3)) Cropping2D(1) AveragePooling2D(3, strides=2)", "(4, 5, 3)"),
    ],
)
def test_layers(layers: str, shape: str) -> None:
    check(program_of(layers, shape))


@pytest.mark.parametrize("seed", [*range(12), 162])
def test_random_programs(seed: int) -> None:
    module, weights, inputs = random_graph_module(np.random.default_rng(seed), ops=4, layers=EVERY)
    try:
        emit(module)
    except NeuralcError:
        pytest.skip("Keras code is not written for all of it")
    if any(op.name == "graph.bitcast" for op in module.walk()):
        pytest.skip("bits of doubles are others than those of the model")
    # Keras holds sqrt(2) in single precision for gelu.
    tolerance = 1e-7 if "gelu" in emit(module) else 1e-9
    for found, reference in zip(
        run_keras_code(module, inputs, weights), run_module(module, inputs, weights), strict=True
    ):
        assert_close(found, reference, tolerance)


def asked(program: LoadedProgram, action: str, **options: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    inputs, weights = drawn(program), initial_weights(program.weights)
    return ask_keras(program.module, list(inputs.values()), weights, action=action, **options)


def test_training_lowers_the_loss() -> None:
    found, _ = asked(load(EXAMPLES / "digits.nr"), "trained", exact=False, epochs=15)
    assert found["losses"][-1] < 0.9 * found["losses"][0]


@pytest.mark.parametrize(
    "layers", ["Conv2D(4, 3) BatchNormalization() Flatten() Dense(2)", "PReLU() PReLU(shared_axes=[1])"]
)
def test_keras_saves_and_loads_the_model(layers: str) -> None:
    program = program_of(layers, "(5, 5, 3)")
    _, found = asked(program, "saved")
    (expected,) = run_module(program.module, drawn(program), initial_weights(program.weights))
    assert_close(found["output_0"], expected, 1e-10)


def test_weights_are_written_as_they_were_read() -> None:
    program = program_of("Bidirectional(LSTM(4)) Dense(2)", "(5, 3)")
    _, found = asked(program, "written", exact=False)
    weights = in_file("keras", program.module, initial_weights(program.weights))
    assert "bidirectional/forward_lstm/lstm_cell/kernel" in weights
    assert set(found) == set(weights)
    for name, array in found.items():
        np.testing.assert_array_equal(array, weights[name])
