"""Padding as Keras names it: what explicit numbers of places around each dim mean as `valid`, `same` or `causal`."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects.dims import Dim
from neuralc.dialects.types import Shape


def padding_name(
    sizes: Shape, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Sequence[int]
) -> str | None:
    """`valid` or `same`, or None where the padding is neither; `pads` are all lows, then all highs."""
    if not any(pads):
        return "valid"
    rank = len(window)
    wanted = [
        _same(size, dilation * (k - 1) + 1, stride)
        for size, k, stride, dilation in zip(sizes, window, strides, dilations, strict=True)
    ]
    return "same" if [*zip(pads[:rank], pads[rank:], strict=True)] == wanted else None


def _same(size: int | Dim, reach: int, stride: int) -> tuple[int, int] | None:
    """What `same` puts before and behind a dim; what a symbolic size decides is not known."""
    if stride == 1:
        total = reach - 1
    elif isinstance(size, Dim):
        return None
    else:
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def is_causal(window: Sequence[int], dilations: Sequence[int], pads: Sequence[int]) -> bool:
    """True for a sequence that is padded by what its window reaches back."""
    return len(window) == 1 and tuple(pads) == (dilations[0] * (window[0] - 1), 0)


def around(pads: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """(low, high) of each dim."""
    rank = len(pads) // 2
    return tuple(zip(pads[:rank], pads[rank:], strict=True))
