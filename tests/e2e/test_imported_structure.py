"""Models that PyTorch exports leave as code with the classes that they were written with."""

from __future__ import annotations

import re
from io import BytesIO

import numpy as np
import pytest
import torch
from support.compare import assert_close
from support.torch_code import loaded_model, run_torch_code
from torch import Tensor, nn

from neuralc.dialects.interp import run_module
from neuralc.emit.structure_of_imports import with_structure
from neuralc.emit.torch import emit
from neuralc.frontends.onnx.load import load_bytes


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query, key, value = (layer(x).view(2, 5, 2, 4).transpose(1, 2) for layer in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) * 0.5 + mask
        return self.output((scores.softmax(-1) @ value).transpose(1, 2).reshape(2, 5, 8))


class FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        h = self.up(x)
        return self.down(0.5 * h * (1 + torch.tanh(0.7978845608 * (h + 0.044715 * h**3))))


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(8), nn.LayerNorm(8)
        self.attention, self.feed_forward = Attention(), FeedForward()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x), mask)
        return x + self.feed_forward(self.norm2(x))


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(3))
        self.norm = nn.LayerNorm(8)
        self.register_buffer("mask", torch.full((5, 5), -9.0).triu(1))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, self.mask)
        return self.norm(x)


class Residual(nn.Module):
    def __init__(self, channels: int, filters: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters)
        self.conv2, self.bn2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters)
        plain = stride == 1 and channels == filters
        self.downsample = nn.Identity() if plain else nn.Conv2d(channels, filters, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layer1 = nn.Sequential(Residual(4, 4), Residual(4, 4))
        self.layer2 = nn.Sequential(Residual(4, 8, 2), Residual(8, 8), Residual(8, 8))
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2(self.layer1(torch.relu(self.stem(x))))
        return self.head(x.mean((2, 3)))


CLASSES = {
    ("decoder", "dynamo"): ["Attention", "FeedForward", "Layer"],
    ("decoder", "legacy"): ["Attention", "FeedForward", "TransformerBlock"],
    ("resnet", "dynamo"): ["Residual", "ResidualDownsample"],
    ("resnet", "legacy"): ["DownsampleBlock", "ResidualBlock"],
}
MODELS = {"decoder": (Decoder, (2, 5, 8)), "resnet": (ResNet, (1, 3, 8, 8))}


@pytest.mark.thorough
@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
@pytest.mark.parametrize("name", MODELS)
def test_code_of_an_exported_model_has_its_classes_and_its_values(name: str, exporter: str) -> None:
    make, shape = MODELS[name]
    torch.manual_seed(0)
    model = make().eval()
    for parameter in model.parameters():  # what begins as zeros or ones is a parameter all the same
        nn.init.normal_(parameter, std=0.3)
    x = torch.randn(shape)
    file = BytesIO()
    if exporter == "dynamo":
        program = torch.onnx.export(model, (x,), dynamo=True, input_names=["x"])
        assert program is not None
        data = program.model_proto.SerializeToString()
    else:
        torch.onnx.export(model, (x,), file, dynamo=False, input_names=["x"])
        data = file.getvalue()
    loaded = load_bytes(data)
    module = with_structure(loaded.module)

    source = emit(module)
    classes = re.findall(r"^class (\w+)\(nn.Module\)", source, re.MULTILINE)
    assert sorted(classes[:-1]) == CLASSES[name, exporter]
    assert "for layer" in source or name == "resnet"

    inputs = {"x": x.numpy()}
    (expected,) = run_module(module, inputs, loaded.store)
    (found,) = run_torch_code(module, inputs, loaded.store)
    assert_close(found, expected, 1e-10)
    with torch.no_grad():
        ours = loaded_model(module, loaded.store)(x)
        np.testing.assert_allclose(ours.numpy(), model(x).numpy(), atol=1e-5, rtol=1e-4)
