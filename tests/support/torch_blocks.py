"""Blocks of published nets, written small."""

from __future__ import annotations

from typing import cast

import torch
from support.torch_pieces import conv_norm
from torch import Tensor, nn
from torch.nn import functional as F


class SqueezeExcite(nn.Module):
    """An inverted bottleneck with channel weights (Howard et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.deep = conv_norm(4, 4, 2, groups=4)
        self.fewer, self.more, self.out = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1), nn.Conv2d(4, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.deep(x)
        weights = F.hardsigmoid(self.more(F.relu(self.fewer(F.adaptive_avg_pool2d(x, 1)))))
        return cast("Tensor", self.out(x * weights))


class ConvNext(nn.Module):
    """A depthwise convolution, then a network of each pixel (Liu et al. 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.deep, self.norm = nn.Conv2d(4, 4, 7, padding=3, groups=4), nn.LayerNorm(4)
        self.more, self.fewer = nn.Linear(4, 16), nn.Linear(16, 4)
        self.scale = nn.Parameter(torch.rand(4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.deep(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.fewer(F.gelu(self.more(y)))).permute(0, 3, 1, 2)


class Pyramid(nn.Module):
    """Two scales, the coarse one added to the fine one (Lin et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = conv_norm(4, 8, 2), conv_norm(8, 8, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(x)
        coarse = self.coarse(fine)
        return fine + F.interpolate(coarse, size=fine.shape[2:], mode="nearest"), coarse


class LineReader(nn.Module):
    """Columns of an image as steps of an LSTM (Shi et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Sequential(conv_norm(4, 8), nn.MaxPool2d((2, 1)), conv_norm(8, 8, 2))
        self.steps, self.head = nn.LSTM(8, 6, bidirectional=True), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.steps(self.image(x).mean(2).permute(2, 0, 1))
        return F.log_softmax(self.head(y), -1)


class Cached(nn.Module):
    """One step of attention that gets the keys and values before it."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, _ = x.shape
        q, k, v = (part.view(batch, length, 2, 4).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        k, v = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        before = k.shape[2] - length
        seen = torch.arange(k.shape[2])[None, :] <= torch.arange(length)[:, None] + before
        y = F.scaled_dot_product_attention(q, k, v, seen)
        return self.out(y.transpose(1, 2).flatten(2)), k, v


class WindowAttention(nn.Module):
    """Attention inside windows of 4, after padding to whole windows, shifted by 2 (Liu et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        x = F.pad(x, (0, 0, 0, (4 - length % 4) % 4))
        windows = torch.roll(x, -2, 1).view(batch, -1, 4, width)
        q, k, v = self.attention(windows).chunk(3, -1)
        y = ((q @ k.transpose(-1, -2)) / 8**0.5).softmax(-1) @ v
        return torch.roll(y.reshape(batch, -1, width), 2, 1)[:, :length]


def relative_buckets(x: Tensor) -> Tensor:
    """Buckets of distances, the far ones on a logarithmic scale (Raffel et al. 2020)."""
    places = torch.arange(x.shape[1], device=x.device)
    distance = (places[:, None] - places[None, :]).clamp(min=0)
    far = 4 + (torch.log(distance.float().clamp(min=1) / 4) / 2 * 4).long()
    return torch.where(distance < 4, distance, far.clamp(max=7))


def linear_biases(scores: Tensor) -> Tensor:
    """Scores with a penalty on distance (Press et al. 2022)."""
    places = torch.arange(scores.shape[-1], device=scores.device)
    slopes = 2.0 ** -torch.arange(1, scores.shape[1] + 1, device=scores.device)
    return (scores + slopes[:, None, None] * (places[None, :] - places[:, None])).softmax(-1)
