"""Reads between places: those around a coordinate, weighted by their distance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


def read_nearest(x: Tensor, axis: int, at: Tensor, rounded: Function) -> Tensor:
    """x at the places that coordinates are rounded to; its border repeats."""
    places = rounded(at).long().clamp(0, x.shape[axis] - 1)
    return x.index_select(axis, places.to(x.device))


def read_between(
    x: Tensor,
    axis: int,
    at: Tensor,
    weight: Function,
    reach: int,
    *,
    narrow: float = 1.0,
    normalized: bool = False,
    exclude_outside: bool = False,
) -> Tensor:
    """x at coordinates: places around each, weighted by distance; its border repeats.

    `narrow` stretches the weights over more places.
    """
    n, around, at = x.shape[axis], math.ceil(reach / narrow), at.to(x.device)
    steps = torch.arange(1 - around, around + 1, device=at.device)
    places = at.floor()[:, None] + steps
    weights = weight((places - at[:, None]) * narrow)
    if exclude_outside:
        weights = torch.where((places >= 0) & (places < n), weights, 0)
    if exclude_outside or normalized:
        total = weights.sum(dim=1, keepdim=True)
        weights = weights / torch.where(total == 0, 1, total)
    taken = x.index_select(axis, places.clamp(0, n - 1).long().flatten())
    taken = taken.reshape(*x.shape[:axis], *weights.shape, *x.shape[axis + 1 :])
    weights = weights.reshape(*weights.shape, *[1] * (x.ndim - axis - 1))
    mixed = (taken * weights).sum(dim=axis + 1)
    return mixed.to(x.dtype)


def linear_weight(distance: Tensor) -> Tensor:
    """The weight of a place at a distance, falling to 0 at 1."""
    return (1 - distance.abs()).clamp(min=0)


def cubic_weight(distance: Tensor, a: float = -0.75) -> Tensor:
    """The weight of a place at a distance (Keys 1981)."""
    d = distance.abs()
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0))


def lanczos_weight(distance: Tensor, reach: int) -> Tensor:
    """The weight of a place at a distance (Duchon 1979)."""
    wave = torch.sinc(distance) * torch.sinc(distance / reach)
    return torch.where(distance.abs() < reach, wave, 0)


def grid_sample(
    x: Tensor, grid: Tensor, mode: str, padding_mode: str, *, align_corners: bool
) -> Tensor:
    """x [batch, channels, *sizes] at grid [batch, *places, rank], last axis first."""
    sizes, farthest = x.shape[2:], 2.0**30
    taps = []
    for n, along in zip(sizes, reversed(grid.unbind(-1)), strict=True):
        at = (along + 1) / 2 * (n - 1) if align_corners else ((along + 1) * n - 1) / 2
        at = at.clamp(-farthest, farthest)
        if mode == "nearest":
            taps.append([(at.round().long(), torch.ones_like(at))])
            continue
        low = at.floor()
        steps = range(-1, 3) if mode == "cubic" else range(2)
        weight_of = cubic_weight if mode == "cubic" else linear_weight
        taps.append([((low + i).long(), weight_of(low + i - at)) for i in steps])
    batch = torch.arange(len(x), device=x.device).reshape(-1, *[1] * len(sizes))
    last, total = x.movedim(1, -1), x.new_zeros(*grid.shape[:-1], x.shape[1])
    for tap in itertools.product(*taps):
        weight = torch.ones_like(grid[..., :1])
        places = []
        for (place, part), n in zip(tap, sizes, strict=True):
            if padding_mode == "reflection":
                place = reflected(place, n, align_corners=align_corners)
            if padding_mode == "zeros":
                part = torch.where((place >= 0) & (place < n), part, 0)
            places.append(place.clamp(0, n - 1))
            weight = weight * part[..., None]
        values = last[batch, *places] * weight
        total = total + torch.where(weight == 0, 0, values)
    return total.movedim(-1, 1)


def reflected(place: Tensor, n: int, *, align_corners: bool) -> Tensor:
    """A place outside brought back, at the centers or the edges of the border."""
    period = max(2 * (n - 1), 1) if align_corners else 2 * n
    place = place.remainder(period)
    last = 2 * (n - 1) if align_corners else 2 * n - 1
    return torch.where(place >= n, last - place, place)
