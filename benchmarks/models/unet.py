"""U-Net: Ronneberger et al. 2015, figure 1, with padding and batch norm as it is used today, 32 channels at first."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128, 256)
"""Channels of the four levels, the lowest last."""


def double_conv(channels: int, filters: int) -> nn.Sequential:
    """Twice a 3x3 convolution with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, 3, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
        nn.Conv2d(filters, filters, 3, padding=1, bias=False),
        nn.BatchNorm2d(filters),
        nn.ReLU(),
    )


class Up(nn.Module):
    """To the size of the level above, whose features are put beside."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.scale = nn.ConvTranspose2d(2 * filters, filters, 2, stride=2)
        self.conv = double_conv(2 * filters, filters)

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        joined: Tensor = self.conv(torch.cat([beside, self.scale(x)], dim=1))
        return joined


class UNet(nn.Module):
    """image (batch, 3, 128, 128) -> logits of two classes (batch, 2, 128, 128)."""

    def __init__(self) -> None:
        super().__init__()
        channels = (3, *WIDTHS)
        self.down = nn.ModuleList(double_conv(*pair) for pair in zip(channels, WIDTHS, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(Up(width) for width in WIDTHS[-2::-1])
        self.output = nn.Conv2d(WIDTHS[0], 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        levels = [self.down[0](image)]
        for level in list(self.down)[1:]:
            levels.append(level(self.pool(levels[-1])))
        x = levels.pop()
        for up in self.up:
            x = up(x, levels.pop())
        logits: Tensor = self.output(x)
        return logits
