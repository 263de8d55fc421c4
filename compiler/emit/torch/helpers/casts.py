"""Conversions that torch leaves open."""

from __future__ import annotations

import torch
from torch import Tensor


def saturated(x: Tensor, dtype: torch.dtype) -> Tensor:
    """x as integers; what the type does not hold is the nearest that it does, NaN 0."""
    low, high = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    inside = torch.where((x > low) & (x < high), x, 0).to(torch.int64).to(dtype)
    ends = [torch.tensor(end, dtype=dtype, device=x.device) for end in (low, high)]
    return torch.where(x >= high, ends[1], torch.where(x <= low, ends[0], inside))
