"""Loops over functions; each round gives the carried values, then those to stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def scan(
    body: Callable[..., tuple[Tensor, ...]],
    carried: Sequence[Tensor],
    scanned: Sequence[Tensor],
    rounds: int,
    reverse: Sequence[bool] = (),
) -> tuple[Tensor, ...]:
    """The last carried values, and the others of all rounds.

    `reverse` has a flag for each scanned value and each stacked one, those that begin
    at their end.
    """
    states, outputs = tuple(carried), []
    turned = tuple(reverse) or (False,) * len(scanned)
    xs = [x.flip(0) if turn else x for x, turn in zip(scanned, turned, strict=False)]
    for time in range(rounds):
        results = body(*states, *(x[time] for x in xs))
        states = results[: len(states)]
        outputs.append(results[len(states) :])
    ends = tuple(torch.stack(each) for each in zip(*outputs, strict=True))
    turned = turned[len(scanned) :] or (False,) * len(ends)
    pairs = zip(ends, turned, strict=True)
    return *states, *(y.flip(0) if turn else y for y, turn in pairs)


def loop(
    body: Callable[..., tuple[Tensor, ...]],
    carried: Sequence[Tensor],
    *,
    rounds: int | None = None,
    limit: Tensor | None = None,
    condition: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """The last carried values, and the others of all rounds.

    With a condition each round gives in front whether there is another one.
    """
    states, outputs, number = tuple(carried), [], 0
    while True:
        if condition is not None and not condition:
            break
        if rounds is not None and number >= rounds:
            break
        if limit is not None and number >= limit:
            break
        results = body(torch.tensor(number), *states)
        if condition is not None:
            condition, results = results[0], results[1:]
        states = results[: len(states)]
        outputs.append(results[len(states) :])
        number += 1
    return *states, *(torch.stack(each) for each in zip(*outputs, strict=True))
