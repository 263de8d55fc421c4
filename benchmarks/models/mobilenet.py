"""MobileNetV2: Sandler et al. 2018, table 2."""

from __future__ import annotations

from torch import Tensor, nn

STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks and the stride of the first one."""


def conv(channels: int, filters: int, kernel_size: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution, batch norm and ReLU6."""
    padding = kernel_size // 2
    body = nn.Conv2d(channels, filters, kernel_size, stride, padding, groups=groups, bias=False)
    return [body, nn.BatchNorm2d(filters), nn.ReLU6()]


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and a linear projection; the input is added where the shape is the same."""

    def __init__(self, channels: int, filters: int, expansion: int, stride: int) -> None:
        super().__init__()
        wide = channels * expansion
        expand = conv(channels, wide) if expansion > 1 else []
        project = conv(wide, filters)[:-1]
        self.body = nn.Sequential(*expand, *conv(wide, wide, 3, stride, groups=wide), *project)
        self.same = stride == 1 and channels == filters

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.same else y


class MobileNetV2(nn.Module):
    """image (batch, 3, 224, 224) -> logits (batch, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        layers, channels = conv(3, 32, 3, 2), 32
        for expansion, filters, blocks, stride in STAGES:
            for index in range(blocks):
                layers.append(InvertedResidual(channels, filters, expansion, stride if index == 0 else 1))
                channels = filters
        self.features = nn.Sequential(*layers, *conv(channels, 1280))
        self.output = nn.Linear(1280, 1000)

    def forward(self, image: Tensor) -> Tensor:
        x = self.features(image)  # (batch, 1280, 7, 7)
        logits: Tensor = self.output(x.mean(dim=(2, 3)))
        return logits
