"""Small modules for single questions: what is refused, what is written, what is assumed of sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class Sampler(nn.Module):
    """Two things that are not compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.noise = Noise()

    def forward(self, x: Tensor) -> Tensor:
        return self.noise(x) + torch.fft.rfft(x).real.sum()


class Noise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class WritesItsInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x.add_(1)
        return x * 2


class WithACondition(nn.Module):
    """torch assumes that half of the sum of two sizes is small."""

    def forward(self, x: Tensor) -> Tensor:
        torch._check(x.shape[0] * x.shape[0] < 100)
        return x * 2 if x.shape[0] * x.shape[0] < 50 else x


class Halves(nn.Module):
    """Works with even sizes alone."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.view(2, x.shape[0] // 2, -1).unbind(0)
        return a * b


class Twice(nn.Module):
    """One layer, called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.relu(self.fc(x)))


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 2)

    def forward(self, image: Tensor, scale: float = 2.0) -> dict[str, Tensor]:
        x = torch.relu_(self.bn(self.conv(image)))
        x[:, 0] = 1
        return {"logits": self.fc(x.mean((2, 3))) * scale, "features": x}


def saved(path: Path, module: nn.Module, args: tuple[Any, ...], **options: Any) -> Path:
    """A .pt2 file of a module."""
    torch.export.save(torch.export.export(module.eval(), args, **options), str(path))
    return path


def small_file(folder: Path) -> Path:
    torch.manual_seed(0)
    batch = torch.export.Dim("batch")
    shapes = {"image": {0: batch}, "scale": None}
    return saved(folder / "small.pt2", Small(), (torch.randn(2, 3, 8, 8), 2.0), dynamic_shapes=shapes)
