"""Emitted code trains: gradients reach every parameter, dropout and batch norm work, weights go back to files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from support.torch_code import loaded_model, python_module

from neuralc.emit.torch import emit
from neuralc.frontends.nr.load import LoadedProgram, load
from neuralc.grammar.diagnostics import Source
from neuralc.weights_file import initial_weights

pytestmark = pytest.mark.thorough

MODEL = """
define Block(filters) { DepthwiseConv2D(3, padding="same", depth_multiplier=2) Conv2D(filters, 1) BatchNormalization() }
network Net {
  input: (6, 6, 2)
  layers:
    Block(4)
    PReLU(shared_axes=[1, 2])
    Block(8) ReLU()
    Block(8) * 2
    Flatten()
    Dropout(0.5)
    Output(3, "softmax")
}
"""


def program(text: str = MODEL) -> LoadedProgram:
    return load(Source("net.nr", text))


def model_of(found: LoadedProgram, seed: int = 1) -> torch.nn.Module:
    return loaded_model(found.module, initial_weights(found.weights, seed))


def batch(count: int = 16) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((count, 6, 6, 2)).astype(np.float32))


def test_gradients_reach_every_parameter() -> None:
    model = model_of(program()).train()
    model(batch())[:, 0].log().sum().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []
    # Batch norm takes away what a bias before it adds: the gradient of such a bias is rounding noise.
    zero = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().max() > 0]
    assert all(name.endswith("conv2d.bias") for name in zero)


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    model, x = model_of(program()).train(), batch(32)
    labels = (x.mean(dim=(1, 2, 3)) > 0).long()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        loss = torch.nn.functional.nll_loss(model(x).clamp_min(1e-7).log(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_dropout_is_active_in_training_only() -> None:
    model, x = model_of(program("network Net { input: (64) layers: Dropout(0.5) }")), torch.ones(4, 64)
    torch.testing.assert_close(model.eval()(x), x)
    found = model.train()(x)
    assert set(found.unique().tolist()) == {0.0, 2.0}


def training_and_inference(layers: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    shape = tuple(x.shape[1:])
    model = model_of(program(f"network Net {{ input: {shape} layers: {layers} }}"))
    return model.train()(x), model.eval()(x)


def test_spatial_dropout_drops_whole_channels() -> None:
    x = torch.ones(4, 5, 6, 50)
    found, same = training_and_inference("SpatialDropout2D(0.25)", x)
    torch.testing.assert_close(same, x)
    torch.testing.assert_close(found, found[:, :1, :1].expand_as(found))
    assert set(found.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert abs((found == 0).float().mean().item() - 0.25) < 0.1


def test_dropout_with_a_noise_shape_makes_one_choice_for_an_axis() -> None:
    x = torch.ones(50, 7, 3)
    found, same = training_and_inference("Dropout(0.5, noise_shape=(None, 1, 3))", x)
    torch.testing.assert_close(same, x)
    torch.testing.assert_close(found, found[:, :1].expand_as(found))
    assert set(found.unique().tolist()) == {0.0, 2.0}


def test_gaussian_noise_and_dropout_have_their_deviations() -> None:
    x = torch.full((50, 400), 3.0)
    for layers, mean, deviation in (("GaussianNoise(0.5)", 3.0, 0.5), ("GaussianDropout(0.2)", 3.0, 1.5)):
        found, same = training_and_inference(layers, x)
        torch.testing.assert_close(same, x)
        assert abs(found.mean().item() - mean) < 0.05
        assert abs(found.std().item() - deviation) < 0.03


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = torch.randn(100, 400, generator=torch.Generator().manual_seed(1))
    found, same = training_and_inference("AlphaDropout(0.3)", x)
    torch.testing.assert_close(same, x)
    assert abs(found.mean().item()) < 0.02
    assert abs(found.std().item() - 1.0) < 0.02


def test_batch_norm_moves_its_statistics_as_keras_does() -> None:
    text = "network Net { input: (5) layers: BatchNormalization(momentum=0.8, epsilon=0.01) }"
    model = model_of(program(text))
    norm = model.batch_normalization
    assert norm.eps == 0.01
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((50, 5)).astype(np.float32))
    model.train()(x)
    torch.testing.assert_close(norm.running_mean, 0.2 * x.mean(dim=0))
    # torch divides by n - 1 here, Keras by n.
    torch.testing.assert_close(norm.running_var, 0.8 + 0.2 * x.var(dim=0, correction=1))


def test_a_frozen_scale_stays_one() -> None:
    model = model_of(program("network Net { input: (5) layers: Dense(4) BatchNormalization(scale=False) }"))
    assert [name for name, _ in model.named_parameters() if "batch" in name and _.requires_grad] == [
        "batch_normalization.bias"
    ]


def test_kernels_start_as_the_model_says() -> None:
    torch.manual_seed(0)
    text = 'network Net { input: (300) layers: Dense(200) Dense(200, kernel_initializer="he_normal", use_bias=False) }'
    model = python_module(emit(program(text).module)).Net()
    limit = (6 / 500) ** 0.5
    assert 0.95 * limit < model.dense.weight.abs().max().item() <= limit
    assert model.dense.bias.abs().max().item() == 0
    assert abs(model.dense_1.weight.std().item() / (2 / 200) ** 0.5 - 1) < 0.05


def test_loading_a_file_of_other_shapes_names_the_parameter(tmp_path: Path) -> None:
    found = program("network Net { input: (5) layers: Dense(4) }")
    save_file({"dense.weight": np.zeros((3, 5), np.float32), "dense.bias": np.zeros(4, np.float32)}, tmp_path / "w")
    code = python_module(emit(found.module))
    with pytest.raises(RuntimeError, match=r"dense\.weight"):
        code.load(str(tmp_path / "w"))
