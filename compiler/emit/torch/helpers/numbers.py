"""Arithmetic between floats and small integers."""

from __future__ import annotations

import torch
from torch import Tensor


def quantize(
    x: Tensor, scale: Tensor, zero_point: Tensor, dtype: torch.dtype
) -> Tensor:
    """x / scale + zero_point, to the nearest integer that the type holds."""
    limits = torch.iinfo(dtype)
    places = torch.round(x / scale) + zero_point
    return places.clamp(limits.min, limits.max).to(dtype)


def dequantize(x: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    """(x - zero_point) * scale, the difference as floats."""
    return (x.to(scale.dtype) - zero_point.to(scale.dtype)) * scale
