"""Images NCHW that are read where data says, and patches added up to an image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor


def fold(
    x: Tensor,
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[tuple[int, int]],
) -> Tensor:
    """Patches [batch, channels * taps, places] added up where they lie in an image."""
    padded = [size + sum(around) for size, around in zip(sizes, padding, strict=True)]
    extents = [
        (size - (reach - 1) * rate - 1) // step + 1
        for size, reach, rate, step in zip(
            padded, window, dilation, strides, strict=True
        )
    ]
    channels = x.shape[1] // math.prod(window)
    patches = x.reshape(x.shape[0], channels, -1, *extents)
    image = x.new_zeros(x.shape[0], channels, *padded)
    taps = itertools.product(*map(range, window))
    for number, tap in enumerate(taps):
        steps = zip(tap, dilation, extents, strides, strict=True)
        where = [
            slice(place * rate, place * rate + (extent - 1) * step + 1, step)
            for place, rate, extent, step in steps
        ]
        image[:, :, *where] += patches[:, :, number]
    pairs = zip(padding, sizes, strict=True)
    inside = [slice(low, low + size) for (low, _), size in pairs]
    return image[:, :, *inside]


def corners(y: Tensor, x: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    """The four places around each point, and how much each counts."""
    top, left = y.floor(), x.floor()
    return [
        (
            (top + i).long(),
            (left + j).long(),
            (1 - (y - top - i).abs()) * (1 - (x - left - j).abs()),
        )
        for i, j in itertools.product(range(2), range(2))
    ]


def roi_align(
    x: Tensor,
    rois: Tensor,
    batch_indices: Tensor,
    sizes: Sequence[int],
    *,
    scale: float,
    samples: int,
    half_pixel: bool,
    maximum: bool = False,
) -> Tensor:
    """Bins of regions [count, (x1, y1, x2, y2)]: mean or maximum of their samples."""
    height, width = x.shape[2:]

    def along(
        start: Tensor, size: Tensor, bins: int, extent: int
    ) -> tuple[Tensor, Tensor]:
        count = samples or max(math.ceil(size / bins), 1)
        steps = (torch.arange(count, device=x.device, dtype=x.dtype) + 0.5) / count
        places = torch.arange(bins, device=x.device)[:, None] + steps
        at = start + places * (size / bins)
        return at.clamp(0, extent - 1), (at >= -1) & (at <= extent)

    def region(roi: Tensor, image: Tensor) -> Tensor:
        left, top, right, bottom = roi * scale - (0.5 if half_pixel else 0)
        least = -math.inf if half_pixel else 1
        y, in_y = along(top, (bottom - top).clamp(min=least), sizes[0], height)
        z, in_z = along(left, (right - left).clamp(min=least), sizes[1], width)
        counted = in_y[:, None, :, None] & in_z[None, :, None, :]
        grid = y[:, None, :, None], z[None, :, None, :]
        values = torch.stack(
            [
                torch.where(counted, weight, 0)
                * image[:, i.clamp(max=height - 1), j.clamp(max=width - 1)]
                for i, j, weight in corners(*grid)
            ]
        )
        if maximum:
            return values.amax(dim=(0, -2, -1))
        return values.sum(dim=0).mean(dim=(-2, -1))

    found = [region(roi, x[i]) for roi, i in zip(rois, batch_indices, strict=True)]
    return torch.stack(found) if found else x.new_zeros(0, x.shape[1], *sizes)


def max_roi_pool(x: Tensor, rois: Tensor, sizes: Sequence[int], scale: float) -> Tensor:
    """Bins of regions [count, (batch, x1, y1, x2, y2)]: the largest pixel in each."""

    def inside(first: Tensor, last: Tensor, bins: int, extent: int) -> Tensor:
        size, numbers = (last - first + 1).clamp(min=1), torch.arange(bins + 1)
        numbers = numbers.to(x.device)
        start = first + numbers[:-1] * size // bins
        end = first - (-(numbers[1:] * size) // bins)
        at = torch.arange(extent, device=x.device)
        return (at >= start[:, None]) & (at < end[:, None])

    def region(roi: Tensor) -> Tensor:
        corner = roi[1:] * scale
        corner = corner.sign() * (corner.abs() + 0.5).floor()
        left, top, right, bottom = corner.long()
        rows = inside(top, bottom, sizes[0], x.shape[2])
        columns = inside(left, right, sizes[1], x.shape[3])
        mask = rows[:, None, :, None] & columns[None, :, None, :]
        image = x[int(roi[0])][:, None, None]
        found = torch.where(mask, image, -math.inf).amax(dim=(-2, -1))
        return torch.where(mask.any(dim=-1).any(dim=-1), found, 0)

    return torch.stack([region(roi) for roi in rois])


def deform_conv(
    x: Tensor,
    offset: Tensor,
    kernel: Tensor,
    mask: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    groups: int = 1,
    offset_groups: int = 1,
) -> Tensor:
    """A convolution whose taps read x at places moved by `offset`; kernel HWIO."""
    kh, kw, depth, out = kernel.shape
    batch, _, height, width = x.shape
    oh, ow = offset.shape[2:]
    moves = offset.reshape(batch, offset_groups, kh, kw, 2, oh, ow)
    images = x.reshape(batch, offset_groups, -1, height * width)
    weights = kernel.reshape(kh, kw, depth, groups, out // groups)

    def read(y: Tensor, x: Tensor) -> Tensor:
        total = x.new_zeros(batch, offset_groups, images.shape[2], oh, ow)
        for i, j, weight in corners(y, x):
            inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
            at = i.clamp(0, height - 1) * width + j.clamp(0, width - 1)
            at = at.flatten(2)[:, :, None].expand(-1, -1, images.shape[2], -1)
            there = images.gather(3, at).reshape(total.shape)
            total = total + torch.where(inside, weight, 0)[:, :, None] * there
        return total

    result = x.new_zeros(batch, groups, out // groups, oh, ow)
    for i, j in itertools.product(range(kh), range(kw)):
        rows = torch.arange(oh, device=x.device) * strides[0] - padding[0]
        columns = torch.arange(ow, device=x.device) * strides[1] - padding[1]
        y = moves[:, :, i, j, 0] + (rows + i * dilation[0])[:, None]
        tap = read(y, moves[:, :, i, j, 1] + columns + j * dilation[1])
        if mask is not None:
            amounts = mask.reshape(batch, offset_groups, kh, kw, oh, ow)
            tap = tap * amounts[:, :, i, j][:, :, None]
        tap = tap.reshape(batch, groups, depth, oh, ow)
        result = result + torch.einsum("ngdyx,dgo->ngoyx", tap, weights[i, j])
    result = result.reshape(batch, out, oh, ow)
    return result if bias is None else result + bias[:, None, None]
