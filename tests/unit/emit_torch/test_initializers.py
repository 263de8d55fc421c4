"""Parameters of emitted code start as the initializers of the model say, where torch has a function for that."""

import numpy as np
import pytest
import torch
from support.torch_code import python_module

from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import load
from neuralc.grammar.diagnostics import Source
from neuralc.weights_file import initial_weights

pytestmark = pytest.mark.thorough


def started(initializer: str) -> tuple[torch.Tensor, np.ndarray]:
    """The kernel of a dense layer as torch and as neuralc start it, and the code."""
    text = f"network Net {{ input: (300) layers: Dense(200, kernel_initializer={initializer}) }}"
    program = load(Source("net.nr", text))
    torch.manual_seed(0)
    model = python_module(emit(program.module)).Net()
    return model.dense.weight.detach().T, initial_weights(program.weights)["dense.kernel"]


@pytest.mark.parametrize(
    "initializer",
    [
        '"glorot_uniform"',
        "HeNormal(seed=3)",
        "LecunUniform()",
        'VarianceScaling(1.5, "fan_out", "uniform")',
        'VarianceScaling(3.0, "fan_avg")',
        "RandomNormal(1.0, 0.2)",
        "RandomUniform(-1, 2)",
        "TruncatedNormal(stddev=0.3)",
        "Orthogonal(gain=2)",
    ],
)
def test_torch_draws_from_the_same_distribution(initializer: str) -> None:
    found, expected = started(initializer)
    assert abs(found.std().item() / expected.std() - 1) < 0.02
    assert abs(found.mean().item() - expected.mean()) < 0.02 * expected.std()


@pytest.mark.parametrize("initializer", ["Constant(0.25)", '"zeros"', '"ones"', "Identity()"])
def test_values_that_are_no_chance_are_the_same(initializer: str) -> None:
    found, expected = started(initializer)
    np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize(
    "initializer", ['"glorot_uniform"', '"he_normal"', 'VarianceScaling(0.5, "fan_out", "uniform")']
)
def test_a_vector_has_its_length_for_both_fans(initializer: str) -> None:
    text = f"network Net {{ input: (3) layers: Dense(30000, bias_initializer={initializer}) }}"
    program = load(Source("net.nr", text))
    torch.manual_seed(0)
    found = python_module(emit(program.module)).Net().dense.bias.detach()
    expected = initial_weights(program.weights)["dense.bias"]
    assert abs(found.std().item() / expected.std() - 1) < 0.02


@pytest.mark.parametrize("layer", ["LSTM(5)", "ConvLSTM1D(5, 3)"])
def test_the_forget_gate_begins_with_ones_in_any_layer(layer: str) -> None:
    shape = "(7, 3)" if layer.startswith("LSTM") else "(7, 6, 3)"
    program = load(Source("net.nr", f"network Net {{ input: {shape} layers: {layer} }}"))
    model = python_module(emit(program.module)).Net()
    (expected,) = (array for name, array in initial_weights(program.weights).items() if name.endswith(".bias"))
    found = [array.detach().numpy() for name, array in model.named_parameters() if "bias" in name and array.any()]
    assert [each.tolist() for each in found] == [expected.tolist()]


def test_a_seed_makes_the_values_reproducible() -> None:
    first, _ = started("HeNormal(seed=3)")
    torch.rand(7)
    again, _ = started("HeNormal(seed=3)")
    torch.testing.assert_close(first, again)


def test_what_torch_has_no_function_for_is_told() -> None:
    text = "network Net { input: (4) layers: Dense(2, kernel_initializer=VarianceScaling(3.0)) }"
    code = emit(load(Source("net.nr", text)).module)
    assert "# torch has no initializer like `variance_scaling`: self.dense.weight has to be loaded" in code
