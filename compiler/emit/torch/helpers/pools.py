"""Windows over images that torch's own pools do not have."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

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


def taps(
    x: Tensor,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    value: float,
) -> Tensor:
    """What each place of a window reads, one behind the other; all axes have one."""
    around = [amount for pair in reversed(padding) for amount in pair]
    x = F.pad(x, around, value=value)
    found = []
    for tap in itertools.product(*map(range, window)):
        steps = zip(tap, dilation, x.shape, window, strides, strict=True)
        where = tuple(
            slice(place * rate, size - (reach - 1 - place) * rate, step)
            for place, rate, size, reach, step in steps
        )
        found.append(x[where])
    return torch.stack(found)


def lowest(x: Tensor) -> float:
    """What no value of the type of x is below."""
    return -math.inf if x.is_floating_point() else torch.iinfo(x.dtype).min


def max_pool(
    x: Tensor,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> Tensor:
    """The largest value under each window; padding never wins."""
    return taps(x, window, strides, padding, dilation, lowest(x)).amax(dim=0)


def mean_pool(
    x: Tensor,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> Tensor:
    """The mean of the values under each window; padding does not count."""
    counts = taps(torch.ones_like(x), window, strides, padding, dilation, 0).sum(dim=0)
    return taps(x, window, strides, padding, dilation, 0).sum(dim=0) / counts


def arg_max_pool(
    x: Tensor,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    dilation: Sequence[int],
    order: Sequence[int],
) -> Tensor:
    """Where the largest value under each window is, counted along `order` of axes."""
    numbers = torch.arange(x.numel(), device=x.device)
    numbers = numbers.reshape([x.shape[axis] for axis in order])
    numbers = numbers.permute([order.index(axis) for axis in range(x.ndim)])
    places = taps(numbers, window, strides, padding, dilation, -1)
    found = taps(x, window, strides, padding, dilation, lowest(x))
    best = found.amax(dim=0)
    fits = (places >= 0) & ((found == best) | (found != found))
    first = fits.to(torch.uint8).argmax(dim=0, keepdim=True)
    return torch.take_along_dim(places, first, dim=0).squeeze(0)


def local_response_norm(
    x: Tensor, size: int, alpha: float, beta: float, bias: float, axis: int
) -> Tensor:
    """x over a power of the sum of squares around each channel."""
    squares = F.pad(x.movedim(axis, -1).square(), ((size - 1) // 2, size // 2))
    total = squares.unfold(-1, size, 1).sum(dim=-1).movedim(-1, axis)
    return x / (bias + alpha / size * total) ** beta
