"""Activation layers against Keras: every parameter, inputs on both sides of every bend."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support import nr_programs
from support.compare import assert_close
from support.keras_reference import agrees, keras, layers, program_of

from neuralc.dialects.interp import run_module
from neuralc.dialects.weights import WeightStore
from neuralc.frontends.nr.activations import APPLY
from neuralc.grammar.diagnostics import NeuralcError

pytestmark = pytest.mark.thorough

BENDS = np.array([-7.5, -3.0, -2.0, -1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 0.9, 1.0, 1.5, 2.0, 3.0, 6.0, 9.0])
"""Values at and beside every place where some activation bends; no layer of Keras is undefined at them."""
AS_THE_PAPER = {"sparsemax"}
"""Where Keras has a fault: its sparsemax does not sum to 1."""


@pytest.mark.parametrize("name", sorted(set(APPLY) - AS_THE_PAPER))
def test_a_function_by_name(name: str) -> None:
    activation = "hard_silu" if name == "hard_swish" else name
    agrees(f'Activation("{name}")', (16,), layers.Activation(activation), data={"x": np.stack([BENDS, -BENDS])})


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("layer", ["Softmax", "LogSoftmax", "GLU"])
def test_a_function_along_an_axis(layer: str, axis: int) -> None:
    functions = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "GLU": "glu"}
    function = getattr(keras.activations, functions[layer])
    agrees(f"{layer}({axis})", (4, 3, 6), lambda x: layers.Lambda(lambda v: function(v, axis=axis))(x))


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    program = program_of('Activation("sparsemax")', {"x": "(5, 7)"})
    x = np.random.default_rng(3).normal(size=(4, 5, 7))
    (found,) = run_module(program.module, [x], WeightStore())
    np.testing.assert_allclose(found.sum(-1), 1.0, rtol=1e-12)
    # What lies in the support is x less one number, what does not lies below that number.
    tau = np.where(found > 0, x - found, -np.inf).max(-1, keepdims=True)
    assert_close(found, np.maximum(x - tau, 0.0), 1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_value": 2.0},
        {"max_value": 6},
        {"negative_slope": 0.25},
        {"threshold": 1.5},
        {"max_value": 6, "negative_slope": 0.1},
        {"max_value": 2, "negative_slope": 0.1, "threshold": 0.5},
        {"negative_slope": 0.2, "threshold": 1},
        {"max_value": 3, "threshold": 1},
    ],
    ids=str,
)
def test_relu_takes_a_ceiling_a_slope_and_a_threshold(arguments: dict[str, float]) -> None:
    written = ", ".join(f"{name}={value}" for name, value in arguments.items())
    agrees(f"ReLU({written})", (16,), layers.ReLU(**arguments), data={"x": BENDS[None]})


def test_positions_are_those_of_keras() -> None:
    agrees("ReLU(0.75, 0.5, 0.25)", (16,), layers.ReLU(0.75, 0.5, 0.25), data={"x": BENDS[None]})


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("LeakyReLU()", layers.LeakyReLU()),
        ("LeakyReLU(0.05)", layers.LeakyReLU(0.05)),
        ("LeakyReLU(alpha=0.125)", layers.LeakyReLU(0.125)),
        ("ELU(0.5)", layers.ELU(0.5)),
        ("CELU(0.5)", lambda x: layers.Lambda(lambda v: keras.activations.celu(v, 0.5))(x)),
        ("GELU(approximate=true)", lambda x: layers.Lambda(lambda v: keras.activations.gelu(v, True))(x)),
        ("Hardtanh(-2, 0.5)", lambda x: layers.Lambda(lambda v: v.clamp(-2, 0.5), output_shape=(16,))(x)),
    ],
)
def test_a_parameter_away_from_its_default(text: str, build: object) -> None:
    agrees(text, (16,), build, data={"x": np.stack([BENDS, 2 * BENDS, -BENDS])})


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("Hardshrink(1)", lambda x: F.hardshrink(x, 1.0)),
        ("Hardshrink()", F.hardshrink),
        ("Softshrink(0.75)", lambda x: F.softshrink(x, 0.75)),
        ("Tanhshrink()", F.tanhshrink),
        ("Threshold(0.5, 20)", lambda x: F.threshold(x, 0.5, 20.0)),
        ("ReLU6()", F.relu6),
        ("LogSigmoid()", F.logsigmoid),
        ("Hardtanh()", F.hardtanh),
    ],
)
def test_a_layer_of_pytorch(text: str, reference: Callable[[torch.Tensor], torch.Tensor]) -> None:
    x = np.stack([BENDS, -BENDS])
    nr_programs.agrees(text, {"x": (16,)}, lambda x, _: reference(torch.from_numpy(x)).numpy(), data={"x": x})


@pytest.mark.parametrize(
    "layer",
    ["SELU", "SiLU", "Mish", "Sigmoid", "Tanh", "Softplus", "Softsign", "HardSigmoid", "HardSwish", "Exponential",
     "Linear"],
)  # fmt: skip
def test_a_layer_is_the_function_of_its_name(layer: str) -> None:
    name = {"HardSwish": "hard_silu", "HardSigmoid": "hard_sigmoid"}.get(layer, layer.lower())
    agrees(f"{layer}()", (16,), layers.Activation(name), data={"x": np.stack([BENDS, -BENDS])})


@pytest.mark.parametrize("shared", [None, [1], [1, 2], 2])
def test_prelu(shared: object) -> None:
    agrees(f"PReLU(shared_axes={shared})", (4, 3, 2), layers.PReLU(shared_axes=shared))


def test_prelu_on_images_of_any_size() -> None:
    program = program_of("PReLU(shared_axes=[1, 2])", {"x": "(H, W, 3)"})
    assert [weight.shape for weight in program.weights] == [(1, 1, 3)]
    with pytest.raises(NeuralcError, match="axis 1, which `shared_axes` does not name, must be a number, it is H"):
        program_of("PReLU(shared_axes=[2])", {"x": "(H, W, 3)"})


# --- softmax ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("axes", [(1, 2), (-1, 1), (3,)])
def test_softmax_over_several_axes(axes: tuple[int, ...]) -> None:
    agrees(f"Softmax({list(axes)})", (3, 4, 5), layers.Softmax(axes))


@pytest.mark.parametrize("axis", [-1, 1, (1, 2)])
def test_softmax_under_a_mask(axis: object) -> None:
    generator = np.random.default_rng(5)
    mask = generator.random(size=(2, 4, 5)) < 0.6
    mask[0, 1] = False
    agrees(
        f"Softmax(x, mask=m, axis={list(axis) if isinstance(axis, tuple) else axis})",
        {"x": (4, 5), "m": (4, 5)},
        lambda x, m: layers.Softmax(axis)(x, mask=m),
        data={"m": mask},
    )


def test_a_mask_of_numbers_is_true_above_a_half() -> None:
    agrees(
        "Softmax()(x, m)",
        {"x": (4, 5), "m": (1, 5)},
        lambda x, m: layers.Softmax()(x, mask=m),
        data={"m": np.random.default_rng(6).random(size=(2, 1, 5))},
    )


def test_a_mask_that_does_not_broadcast_is_refused() -> None:
    with pytest.raises(NeuralcError, match=r"its mask \(batch, 4\) does not broadcast to \(batch, 4, 5\)"):
        program_of("Softmax(x, mask=m)", {"x": "(4, 5)", "m": "(4,) bool"})


def test_an_axis_twice_is_refused() -> None:
    with pytest.raises(NeuralcError, match="names one axis twice"):
        program_of("Softmax([1, -2])", {"x": "(4, 5)"})


def test_a_gate_needs_two_halves() -> None:
    with pytest.raises(NeuralcError, match=r"the gated axis 2 of \(batch, 4, 5\) is no even number"):
        program_of("GLU()", {"x": "(4, 5)"})


# --- as an argument of another layer ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "activation"),
    [
        ("LeakyReLU(0.125)", layers.LeakyReLU(0.125)),
        ("Softmax(axis=1)", layers.Softmax(axis=1)),
        ("ReLU(max_value=0.5, threshold=0.25)", layers.ReLU(0.5, threshold=0.25)),
        ("ELU()", layers.ELU()),
    ],
)
def test_a_layer_as_the_activation_of_another(written: str, activation: object) -> None:
    agrees(f"Dense(4, activation={written})", (3, 5), lambda x: layers.Dense(4, activation=activation)(x))


def test_a_cell_takes_an_activation_with_parameters() -> None:
    build = layers.LSTM(3, activation=layers.ELU(alpha=0.5))
    agrees("LSTM(3, activation=ELU(alpha=0.5))", (4, 5), build)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("PReLU()", "`PReLU` has weights of its own"),
        ("Conv2D(3, 3)", "`Conv2D` is no activation layer"),
        ('LeakyReLU("a")', "`negative_slope` is a number from 0"),
        ("LeakyReLU(slope=1)", "has no parameter `slope`"),
        ("3", "`activation` is the name of an activation, not 3"),
    ],
)
def test_what_is_no_activation_is_refused(written: str, message: str) -> None:
    with pytest.raises(NeuralcError, match=re.escape(message)):
        program_of(f"Dense(4, activation={written})", {"x": "(3, 5)"})
