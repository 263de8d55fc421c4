"""Where the elements of a load or store are: the places of all programs at once, prepared once per launch.

A place is base + sum of index * stride. What depends on the program (starts, gathered places) is added up per program,
what does not (steps along the tile) is one array that every evaluation of the op shares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xdsl.ir import SSAValue

from neuralc.dialects.interp.kernel_memory import Reference
from neuralc.dialects.interp.numerics import Array
from neuralc.dialects.kernel.memory import AccessOp, Index
from neuralc.dialects.kernel.types import TileType


class OutOfBounds(Exception):
    """An unmasked place that is outside of its reference; the message names program, dim and sizes."""


@dataclass(frozen=True)
class _Dim:
    """One dim of the reference and how the access walks along it."""

    number: int
    size: int
    stride: int
    place: SSAValue | int
    gather: bool
    masked: bool
    steps: Array
    """What the tile adds to the place: [1, .., n, .., 1], zero where the tile does not span this dim."""

    def starts(self, value_of: Callable[[SSAValue], Array]) -> Array | int:
        """The place of each program: [P, 1, ..], or [P, .., n, ..] for an index tile; a number where all have one."""
        if not isinstance(self.place, SSAValue):
            return self.place
        value = value_of(self.place)
        if self.gather:
            return value.astype(np.int64, copy=False).reshape(-1, *self.steps.shape[1:])
        return int(value[0]) if value.size == 1 else value.reshape(-1, *[1] * (self.steps.ndim - 1))

    def wanted(self, starts: Array | int) -> Array:
        return starts if self.gather and not isinstance(starts, int) else self.steps + starts

    def is_inside(self, starts: Array | int) -> bool:
        """Whether every program is inside, with its whole tile."""
        last = self.size - (1 if self.gather else self.steps.size)
        if isinstance(starts, int):
            return 0 <= starts <= last
        return bool(starts.min() >= 0 and starts.max() <= last)


class Access:
    """A load or store on a certain reference; the base alone may change, with the scratch memory of other programs."""

    def __init__(self, op: AccessOp, tile: TileType, reference: Reference) -> None:
        ones = [1] * (tile.rank + 1)
        self._ones = ones[1:]
        sizes = zip(op.indices, reference.shape, reference.strides, strict=True)
        self._dims = [_dim(number, index, tile, size, stride) for number, (index, size, stride) in enumerate(sizes)]
        steps = [dim.steps * dim.stride for dim in self._dims if not dim.gather]
        self._offsets = sum(steps, np.zeros(ones, np.int64))

    def places(
        self, base: int | Array, value_of: Callable[[SSAValue], Array], active: Array | None, programs: Array
    ) -> tuple[Array, Array | None]:
        """The element of the buffer for every element of the tile, and which of them are inside (None: all).

        Raises OutOfBounds for a place of an active program that is outside without a mask.
        """
        running = None if active is None else active.reshape(-1, *self._ones)
        inside = running
        origin: Array | int = base if isinstance(base, int) else base.reshape(-1, *self._ones)
        for dim in self._dims:
            starts = dim.starts(value_of)
            origin = origin + starts * dim.stride
            if dim.masked:
                wanted = dim.wanted(starts)
                fits = (wanted >= 0) & (wanted < dim.size)
                inside = fits if inside is None else inside & fits
            elif not dim.is_inside(starts):
                _check(dim, dim.wanted(starts), running, programs)
        return self._offsets + origin, inside


def _dim(number: int, index: Index, tile: TileType, size: int, stride: int) -> _Dim:
    shape = [1] * (tile.rank + 1)
    steps = np.zeros(shape, np.int64)
    if index.over is not None:
        shape[index.over + 1] = tile.shape[index.over]
        steps = np.arange(tile.shape[index.over], dtype=np.int64).reshape(shape)
    return _Dim(number, size, stride, index.place, index.is_gather, index.masked, steps)


def _check(dim: _Dim, wanted: Array, running: Array | None, programs: Array) -> None:
    fits = (wanted >= 0) & (wanted < dim.size)
    fits = fits if running is None else fits | ~running
    if fits.all():
        return
    where = np.unravel_index(int((~fits).argmax()), fits.shape)
    place = np.broadcast_to(wanted, fits.shape)[where]
    who = f"program {programs[where[0]]}"
    if fits.shape[0] == 1 and programs.size > 1:
        who = "every program"
    raise OutOfBounds(f"{who} is at {place} of dim {dim.number}, which has {dim.size} places and no mask")
