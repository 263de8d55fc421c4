"""Blocks of networks over images against PyTorch, or against the equations of their papers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.compare import Array, assert_close
from support.nr_programs import Weights, agrees, program_of, refusal

from neuralc.dialects.interp import run_module
from neuralc.weights_file import bind_weights

pytestmark = pytest.mark.thorough


def tensor(x: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x))


# --- Inception -------------------------------------------------------------------------------------------------------
def inception(x: Array, w: Weights, activation: Any = torch.relu) -> Array:
    """Figure 2b, channels first."""

    def conv(name: str, value: torch.Tensor) -> torch.Tensor:
        kernel = tensor(w[f"inception.{name}.kernel"].transpose(3, 2, 0, 1))
        return activation(F.conv2d(value, kernel, tensor(w[f"inception.{name}.bias"]), padding="same"))

    first = tensor(x)
    branches = [
        conv("conv_1x1", first),
        conv("conv_3x3", conv("reduce_3x3", first)),
        conv("conv_5x5", conv("reduce_5x5", first)),
        conv("pool_projection", F.max_pool2d(first, 3, 1, 1)),
    ]
    return torch.cat(branches, 1).numpy()


def test_inception() -> None:
    agrees(
        "Inception((3, 4, 5, 2, 6, 1))",
        {"x": (7, 6, 4)},
        lambda x, w: inception(x.transpose(0, 3, 1, 2), w).transpose(0, 2, 3, 1),
    )


def test_inception_channels_first() -> None:
    agrees(
        'Inception(2, activation="tanh", data_format="channels_first")',
        {"x": (4, 5, 6)},
        lambda x, w: inception(x, w, torch.tanh),
        batch=1,
    )


# --- SqueezeExcitation -----------------------------------------------------------------------------------------------
def excited(x: Array, w: Weights) -> Array:
    """Equations 2 to 4; channels are the last axis."""
    path = "squeeze_excitation"
    z = x.reshape(len(x), -1, x.shape[-1]).mean(1)
    hidden = np.maximum(z @ w[f"{path}.squeeze.kernel"] + w.get(f"{path}.squeeze.bias", 0.0), 0)
    gates = 1 / (1 + np.exp(-(hidden @ w[f"{path}.excite.kernel"] + w.get(f"{path}.excite.bias", 0.0))))
    return x * gates.reshape(len(x), *[1] * (x.ndim - 2), -1)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("SqueezeExcitation(ratio=4)", (5, 6, 8)),
        ("SqueezeExcitation(use_bias=false)", (5, 8)),
        ("SqueezeExcitation()", (2, 3, 4, 8)),
    ],
)
def test_squeeze_excitation(text: str, shape: tuple[int, ...]) -> None:
    agrees(text, {"x": shape}, excited)


def test_squeeze_excitation_of_channels_first_and_named_sizes() -> None:
    agrees(
        'SqueezeExcitation(2, data_format="channels_first")',
        {"x": (6, "H", "W")},
        lambda x, w: excited(x.transpose(0, 2, 3, 1), w).transpose(0, 3, 1, 2),
        sizes={"H": 3, "W": 5},
    )


# --- Capsule ---------------------------------------------------------------------------------------------------------
def squash(s: Array) -> Array:
    norm = np.sqrt((s**2).sum(-1, keepdims=True))
    return norm**2 / (1 + norm**2) * s / norm


def routed(u: Array, w: Weights, rounds: int) -> Array:
    """Procedure 1, with loops over the capsules; u is (batch, capsules, in)."""
    kernel = w["capsule.kernel"]
    inputs, outputs, _, size = kernel.shape
    results = np.empty((len(u), outputs, size))
    for n, sample in enumerate(u):
        votes = np.array([[sample[i] @ kernel[i, j] for j in range(outputs)] for i in range(inputs)])
        b = np.zeros((inputs, outputs))
        for _ in range(rounds):
            c = np.exp(b) / np.exp(b).sum(1, keepdims=True)
            v = squash(np.array([(c[:, j, None] * votes[:, j]).sum(0) for j in range(outputs)]))
            b = b + np.array([[votes[i, j] @ v[j] for j in range(outputs)] for i in range(inputs)])
        results[n] = v
    return results


@pytest.mark.parametrize(("text", "rounds"), [("", 3), (", routings=1", 1), (", routings=2", 2)])
def test_capsule(text: str, rounds: int) -> None:
    agrees(f"Capsule(4, 6{text})", {"x": (7, 5)}, lambda x, w: routed(x, w, rounds))


def test_places_of_an_image_are_capsules() -> None:
    agrees("Capsule(3, 4)", {"x": (2, 4, 5)}, lambda x, w: routed(x.reshape(len(x), 8, 5), w, 3))


def test_capsules_of_zeros_give_zeros() -> None:
    agrees("Capsule(3, 4)", {"x": (6, 5)}, lambda x, w: np.zeros((2, 3, 4)), data={"x": np.zeros((2, 6, 5))})


# --- SpatialTransformer ----------------------------------------------------------------------------------------------
def transformed(x: Array, theta: Array, sizes: tuple[int, ...], **options: Any) -> Array:
    """PyTorch, channels first."""
    corners = options.get("align_corners", False)
    grid = F.affine_grid(tensor(theta), [*x.shape[:2], *sizes], align_corners=corners)
    return F.grid_sample(tensor(x), grid, **{"align_corners": corners, **options}).numpy()


def theta(x: Array, w: Weights) -> Array:
    """Of a block `Flatten() Dense(4, "tanh")`."""
    path = "spatial_transformer"
    kernel, bias = (w[f"{path}.localisation.dense.{name}"] for name in ("kernel", "bias"))
    hidden = np.tanh(x.reshape(len(x), -1) @ kernel + bias)
    return np.einsum("bf,fij->bij", hidden, w[f"{path}.theta.kernel"]) + w[f"{path}.theta.bias"]


def test_an_untrained_spatial_transformer_reads_each_place_where_it_is() -> None:
    program = program_of("SpatialTransformer() { Flatten() Dense(4) }", {"x": "(5, 6, 2)"})
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 2))
    (found,) = run_module(program.module, [x], bind_weights(program).store)
    assert_close(found, x, 1e-10)


@pytest.mark.parametrize(
    ("text", "sizes", "options"),
    [
        ("", (5, 6), {}),
        ("(7, 4)", (7, 4), {}),
        ("(1, 3), align_corners=true", (1, 3), {"align_corners": True}),
        ('mode="nearest", padding_mode="border"', (5, 6), {"mode": "nearest", "padding_mode": "border"}),
        ('mode="bicubic", padding_mode="reflection"', (5, 6), {"mode": "bicubic", "padding_mode": "reflection"}),
    ],
)
def test_spatial_transformer(text: str, sizes: tuple[int, ...], options: Mapping[str, Any]) -> None:
    agrees(
        f'SpatialTransformer({text}) {{ Flatten() Dense(4, "tanh") }}',
        {"x": (5, 6, 2)},
        lambda x, w: transformed(x.transpose(0, 3, 1, 2), theta(x, w), sizes, **options).transpose(0, 2, 3, 1),
    )


def test_spatial_transformer_of_a_volume_channels_first() -> None:
    agrees(
        'SpatialTransformer((2, 3, 4), data_format="channels_first") { Flatten() Dense(4, "tanh") }',
        {"x": (2, 3, 4, 3)},
        lambda x, w: transformed(x, theta(x, w), (2, 3, 4)),
    )


@pytest.mark.parametrize("corners", [False, True])
def test_a_block_may_give_the_numbers_of_the_map(corners: bool) -> None:
    """And sizes may have names: the block sees means of the channels alone."""

    def reference(x: Array, w: Weights) -> Array:
        path = "spatial_transformer.localisation.dense"
        numbers = x.mean((1, 2)) @ w[f"{path}.kernel"] + w[f"{path}.bias"]
        image = x.transpose(0, 3, 1, 2)
        return transformed(image, numbers.reshape(-1, 2, 3), x.shape[1:3], align_corners=corners).transpose(0, 2, 3, 1)

    agrees(
        f"SpatialTransformer(align_corners={corners}) {{ GlobalAveragePooling2D() Dense(6) }}",
        {"x": ("H", "W", 3)},
        reference,
        sizes={"H": 4, "W": 7},
    )


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        ("Inception()", "(8)", "it takes images"),
        ("Capsule()", "(8)", "it takes capsules (batch, capsules, features)"),
        ("Capsule()", "(S, 8)", "the number of capsules must be a number"),
        ("SqueezeExcitation()", "(8)", "it takes values (batch, places.., channels)"),
        ("SpatialTransformer(4) { Flatten() }", "(8, 8, 1)", "`output_size` has 1 sizes"),
        ("SpatialTransformer() { Conv2D(1, 3) }", "(H, 8, 1)", "the result of its block must be a number"),
    ],
)
def test_refusals(layer: str, shape: str, message: str) -> None:
    code, found = refusal(layer, {"x": shape})
    assert (code, message in found) == ("E0401", True), found
