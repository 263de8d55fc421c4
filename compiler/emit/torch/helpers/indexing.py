"""Reads and writes at places that values say; a negative one counts from the end."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def from_start(places: Tensor, size: int) -> Tensor:
    """Places of which none counts from the end."""
    return torch.where(places < 0, places + size, places)


def gather_nd(x: Tensor, places: Tensor, batch_dims: int = 0) -> Tensor:
    """x where the vectors along the last axis say; the first axes go together."""
    if places.shape[-1] == 0:
        return x.expand(*places.shape[:-1], *x.shape[batch_dims:])
    batch = []
    for axis in range(batch_dims):
        ones = [1] * (places.ndim - 1)
        ones[axis] = -1
        batch.append(torch.arange(x.shape[axis], device=x.device).reshape(ones))
    return x[(*batch, *places.unbind(-1))]


def scatter_nd(x: Tensor, places: Tensor, updates: Tensor, kind: str = "set") -> Tensor:
    """x with updates where the vectors along the last axis say."""
    sizes = x.shape[: places.shape[-1]]
    flat = x.reshape(math.prod(sizes), -1)
    at = torch.zeros_like(places[..., :1]).squeeze(-1)
    for size, along in zip(sizes, places.unbind(-1), strict=True):
        at = at * size + from_start(along, size)
    at = at.reshape(-1, 1).expand(-1, flat.shape[1])
    return scatter(flat, 0, at, updates.reshape(at.shape), kind).reshape(x.shape)


def scatter(x: Tensor, axis: int, at: Tensor, updates: Tensor, kind: str) -> Tensor:
    """x with updates along an axis; those of one place are all taken, or the last."""
    if kind == "set":
        return x.scatter(axis, at, updates)
    return x.scatter_reduce(axis, at, updates, kind)


def reverse_sequence(
    x: Tensor, lengths: Tensor, batch_axis: int, time_axis: int
) -> Tensor:
    """The first `lengths[b]` places of each sequence in reverse order."""
    shape = [1] * x.ndim
    shape[batch_axis] = -1
    ends = lengths.reshape(shape)
    shape[batch_axis], shape[time_axis] = 1, -1
    times = torch.arange(x.shape[time_axis], device=x.device).reshape(shape)
    places = torch.where(times < ends, ends - 1 - times, times)
    return torch.take_along_dim(x, places.expand(x.shape), dim=time_axis)


def moved(x: Tensor, axis: int, neutral: float, *, reverse: bool = False) -> Tensor:
    """x moved on by one place, for running totals that leave out their own place."""
    x = x.flip(axis) if reverse else x
    first = torch.full_like(x.narrow(axis, 0, 1), neutral)
    x = torch.cat((first, x.narrow(axis, 0, x.shape[axis] - 1)), dim=axis)
    return x.flip(axis) if reverse else x


def pad_along(x: Tensor, axis: int, low: int, high: int, mode: str) -> Tensor:
    """x with more of it at both ends of an axis: mirrored, repeated or around."""
    n = x.shape[axis]
    places = torch.arange(-low, n + high, device=x.device)
    if mode == "reflect":
        period = max(2 * (n - 1), 1)
        places = places.remainder(period)
        places = torch.where(places >= n, period - places, places)
    places = places.remainder(n) if mode == "wrap" else places.clamp(0, n - 1)
    return x.index_select(axis, places)
