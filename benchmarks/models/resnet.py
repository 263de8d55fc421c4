"""ResNet-18 and ResNet-50: He et al. 2016, table 1, with projections (option B).

As everybody runs it, ResNet-50 has its stride in the 3x3 convolution ("v1.5").
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ConvNorm(nn.Sequential):
    """Convolution and batch norm."""

    def __init__(self, channels: int, filters: int, kernel_size: int = 1, stride: int = 1) -> None:
        conv = nn.Conv2d(channels, filters, kernel_size, stride, padding=kernel_size // 2, bias=False)
        super().__init__(conv, nn.BatchNorm2d(filters))


class Residual(nn.Module):
    """Convolutions beside a shortcut: the identity, or a projection where the shape changes."""

    def __init__(self, body: nn.Module, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.body = body
        same = channels == filters and stride == 1
        self.shortcut = nn.Identity() if same else ConvNorm(channels, filters, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def basic(channels: int, width: int, stride: int) -> Residual:
    """Figure 5, left."""
    body = nn.Sequential(ConvNorm(channels, width, 3, stride), nn.ReLU(), ConvNorm(width, width, 3))
    return Residual(body, channels, width, stride)


def bottleneck(channels: int, width: int, stride: int) -> Residual:
    """Figure 5, right: four times as many channels leave."""
    body = nn.Sequential(
        ConvNorm(channels, width),
        nn.ReLU(),
        ConvNorm(width, width, 3, stride),
        nn.ReLU(),
        ConvNorm(width, 4 * width),
    )
    return Residual(body, channels, 4 * width, stride)


class ResNet(nn.Module):
    """image (batch, 3, 224, 224) -> logits (batch, 1000)."""

    def __init__(self, blocks: tuple[int, int, int, int], *, deep: bool) -> None:
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1))
        block, factor = (bottleneck, 4) if deep else (basic, 1)
        stages: list[nn.Module] = []
        channels = 64
        for number, count in enumerate(blocks):
            width = 64 * 2**number
            for index in range(count):
                stages.append(block(channels, width, 2 if number > 0 and index == 0 else 1))
                channels = factor * width
        self.stages = nn.Sequential(*stages)
        self.output = nn.Linear(channels, 1000)

    def forward(self, image: Tensor) -> Tensor:
        x = self.stages(self.stem(image))  # (batch, channels, 7, 7)
        logits: Tensor = self.output(x.mean(dim=(2, 3)))
        return logits


def resnet18() -> ResNet:
    return ResNet((2, 2, 2, 2), deep=False)


def resnet50() -> ResNet:
    return ResNet((3, 4, 6, 3), deep=True)
