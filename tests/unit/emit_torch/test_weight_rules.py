"""`penalty` and `constrain` of emitted code against Keras's regularizers and constraints, for the same weights."""

import os
from typing import Any

import numpy as np
import pytest
import torch
from support.code_weights import from_file
from support.compare import assert_close
from support.torch_code import loaded_model, python_module

from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.grammar.diagnostics import Source
from neuralc.weights_file import initial_weights

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
regularizers, constraints = keras.regularizers, keras.constraints

pytestmark = pytest.mark.thorough

LAYERS = {
    "dense": ("Dense(5, {})", "(7)", "kernel", "dense"),
    "conv2d": ("Conv2D(5, 3, {})", "(8, 8, 4)", "kernel", "conv2d"),
    "depthwise": ("DepthwiseConv2D(3, depth_multiplier=2, {})", "(8, 8, 4)", "depthwise", "depthwise_conv2d"),
    "transposed": ("Conv1DTranspose(5, 3, {})", "(8, 4)", "kernel", "conv1d_transpose"),
}


def program(layer: str, rule: str, written: str) -> LoadedProgram:
    text, shape, weight, _ = LAYERS[layer]
    argument = f"{weight}_{rule}={written}"
    return load(Source("m.nr", f"network M {{ input: {shape} layers: {text.format(argument)} }}"))


def trained(found: LoadedProgram) -> tuple[Any, Any, np.ndarray]:
    """The emitted file, its model, and the kernel as the file has it."""
    source, weights = emit(found.module), initial_weights(found.weights, 3)
    code = python_module(source)
    model = loaded_model(found.module, weights)
    return code, model, weights[next(name for name in weights if name.endswith("kernel"))]


@pytest.mark.parametrize("layer", sorted(LAYERS))
@pytest.mark.parametrize(
    ("written", "keras_rule"),
    [
        ('"l1"', regularizers.L1()),
        ("L2(0.3)", regularizers.L2(0.3)),
        ("L1L2(0.1, 0.2)", regularizers.L1L2(0.1, 0.2)),
    ],
)
def test_the_penalty_is_that_of_keras(layer: str, written: str, keras_rule: Any) -> None:
    code, model, kernel = trained(program(layer, "regularizer", written))
    expected = keras.ops.convert_to_numpy(keras_rule(keras.ops.convert_to_tensor(kernel)))
    assert_close(code.penalty(model).detach().numpy(), expected, 1e-5)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonality_is_that_of_keras(mode: str) -> None:
    code, model, kernel = trained(program("dense", "regularizer", f'OrthogonalRegularizer(0.5, "{mode}")'))
    expected = regularizers.OrthogonalRegularizer(0.5, mode)(keras.ops.convert_to_tensor(kernel))
    assert_close(code.penalty(model).detach().numpy(), keras.ops.convert_to_numpy(expected), 1e-5)


@pytest.mark.parametrize("layer", sorted(LAYERS))
@pytest.mark.parametrize(
    ("written", "keras_rule"),
    [
        ("MaxNorm(0.2, axis=0)", constraints.MaxNorm(0.2, 0)),
        ("MaxNorm(0.2, axis=[0, 1])", constraints.MaxNorm(0.2, [0, 1])),
        ('"non_neg"', constraints.NonNeg()),
        ("UnitNorm(axis=-1)", constraints.UnitNorm(-1)),
        ("MinMaxNorm(0.3, 0.4, 0.5)", constraints.MinMaxNorm(0.3, 0.4, 0.5)),
    ],
)
def test_a_step_ends_where_that_of_keras_does(layer: str, written: str, keras_rule: Any) -> None:
    found = program(layer, "constraint", written)
    code, model, kernel = trained(found)
    code.constrain(model)
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    weights = from_file("torch", found.module, state)
    after = weights[next(name for name in weights if name.endswith("kernel"))]
    expected = keras.ops.convert_to_numpy(keras_rule(keras.ops.convert_to_tensor(kernel)))
    assert_close(after, expected, 1e-5)


def test_a_penalty_has_gradients() -> None:
    code, model, _ = trained(program("dense", "regularizer", "L2(0.5)"))
    code.penalty(model).backward()
    torch.testing.assert_close(model.dense.weight.grad, model.dense.weight.detach())


def test_a_model_without_rules_has_no_functions() -> None:
    code, _, _ = trained(load(Source("m.nr", "network M { input: (3) layers: Dense(2) }")))
    assert not hasattr(code, "penalty")
    assert not hasattr(code, "constrain")
