"""Windows over images that torch's own pools do not have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def average_pool(
    x: Tensor,
    window: int | tuple[int, int],
    stride: int | tuple[int, int],
    padding: tuple[int, int, int, int],
) -> Tensor:
    """Average pooling in which padded places do not count, with any padding."""
    inside = F.pad(torch.ones_like(x[:1, :1]), padding)
    x = F.avg_pool2d(F.pad(x, padding), window, stride)
    return x / F.avg_pool2d(inside, window, stride)
