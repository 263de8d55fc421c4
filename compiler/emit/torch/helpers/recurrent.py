"""Recurrent layers with masks, and those that torch has no layer of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Function = Callable[[Tensor], Tensor]


def masked(
    layer: nn.RNNBase, x: Tensor, mask: Tensor, states: Any = None
) -> tuple[Tensor, Any]:
    """A layer over the steps where the mask [batch, time] is true; others are zeros."""
    order = torch.argsort(~mask, dim=1, stable=True)[..., None]
    counts = mask.sum(dim=1).clamp(min=1).cpu()
    x = torch.take_along_dim(x, order, dim=1)
    packed = pack_padded_sequence(x, counts, batch_first=True, enforce_sorted=False)
    packed, states = layer(packed, states)
    x, _ = pad_packed_sequence(packed, batch_first=True, total_length=mask.shape[1])
    x = torch.take_along_dim(x, order.argsort(dim=1), dim=1)
    return x.masked_fill(~mask[..., None], 0), states


def held(x: Tensor, mask: Tensor, first: Tensor | None = None) -> Tensor:
    """Each step that the mask leaves out has the output of the last one before it."""
    times = torch.arange(1, mask.shape[1] + 1, device=mask.device)
    last = (times * mask).cummax(dim=1).values[..., None]
    start = torch.zeros_like(x[:, 0]) if first is None else first
    return torch.take_along_dim(torch.cat((start[:, None], x), dim=1), last, dim=1)


def lstm(
    x: Tensor,
    h: Tensor,
    c: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    mask: Tensor | None = None,
    *,
    peepholes: Tensor | None = None,
    coupled: bool = False,
    reverse: bool = False,
    sigmoid: Function = torch.sigmoid,
    tanh: Function = torch.tanh,
    output: Function = torch.tanh,
) -> tuple[Tensor, ...]:
    """Outputs, last h and last c; gates are input, forget, cell, output.

    With peepholes the gates see the cell state; coupled gates forget what they do not
    take in.
    """
    none = torch.zeros_like(bias[: 3 * h.shape[-1]])
    p_i, p_f, p_o = (none if peepholes is None else peepholes).chunk(3)

    def cell(x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        i, f, new, o = (x + h @ recurrent).chunk(4, dim=-1)
        i = sigmoid(i + p_i * c)
        c = (1 - i if coupled else sigmoid(f + p_f * c)) * c + i * tanh(new)
        return sigmoid(o + p_o * c) * output(c), c

    return walk(cell, x @ kernel + bias, (h, c), mask, reverse)


def gru(
    x: Tensor,
    h: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    mask: Tensor | None = None,
    *,
    reset_after: bool = False,
    reverse: bool = False,
    sigmoid: Function = torch.sigmoid,
    tanh: Function = torch.tanh,
) -> tuple[Tensor, ...]:
    """Outputs and last h; gates are update, reset, new."""
    added, own = bias if bias.ndim == 2 else (bias, torch.zeros_like(bias))
    u_z, u_r, u_new = recurrent.chunk(3, dim=-1)
    b_z, b_r, b_new = own.chunk(3)

    def cell(x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        z, r, new = x.chunk(3, dim=-1)
        z, r = sigmoid(z + h @ u_z + b_z), sigmoid(r + h @ u_r + b_r)
        if reset_after:
            new = tanh(new + r * (h @ u_new + b_new))
        else:
            new = tanh(new + (r * h) @ u_new + b_new)
        return (z * h + (1 - z) * new,)

    return walk(cell, x @ kernel + added, (h,), mask, reverse)


def rnn(
    x: Tensor,
    h: Tensor,
    kernel: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    mask: Tensor | None = None,
    *,
    reverse: bool = False,
    tanh: Function = torch.tanh,
) -> tuple[Tensor, ...]:
    """Outputs and last h of a plain recurrent layer."""

    def cell(x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        return (tanh(x + h @ recurrent),)

    return walk(cell, x @ kernel + bias, (h,), mask, reverse)


def walk(
    cell: Callable[..., tuple[Tensor, ...]],
    x: Tensor,
    states: tuple[Tensor, ...],
    mask: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, ...]:
    """Outputs of all times [time, batch, units] and the last states."""
    outputs = []
    times = range(len(x))
    for time in reversed(times) if reverse else times:
        following = cell(x[time], *states)
        if mask is not None:
            pairs = zip(following, states, strict=True)
            counts = mask[time][:, None]
            following = tuple(torch.where(counts, new, old) for new, old in pairs)
        states = following
        outputs.append(states[0])
    return torch.stack(outputs[::-1] if reverse else outputs), *states


def clipped(function: Function, bound: float) -> Function:
    """A function of what is bounded first."""
    return lambda x: function(x.clamp(-bound, bound))
