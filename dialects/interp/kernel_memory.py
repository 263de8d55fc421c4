"""Memory as the kernel interpreter sees it: flat buffers, references into them, an arena, and a record of who did what.

Exact evaluation keeps a float64 for every float, whatever its type, so a buffer is an array of elements rather than of
bytes; an arena is one such array per element type, all covering the same bytes. Memory that nobody wrote holds poison:
NaN, or a large number where the type has none, so that a value that died too early cannot pass unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from xdsl.ir import Attribute

from neuralc.dialects.bfloat16 import cast, is_float_dtype
from neuralc.dialects.interp.numerics import Array, Numerics, widen
from neuralc.dialects.types import element_bytes, is_float, numpy_dtype

NOBODY, MANY = -1, -2
"""In a record of programs: none yet, and more than one."""

SAME = 1e-9
"""Two programs may write one place when they write the same value; this much float64 noise counts as the same."""


def storage_dtype(element_type: Attribute, numerics: Numerics) -> np.dtype[Any]:
    """What an element is kept as."""
    wide = numerics is Numerics.EXACT and is_float(element_type)
    return np.dtype(np.float64) if wide else numpy_dtype(element_type)


def poison(dtype: np.dtype[Any]) -> float | int | bool:
    """What memory holds before anybody writes it."""
    if is_float_dtype(dtype):
        return float("nan")
    return True if dtype == np.bool_ else int(np.iinfo(dtype).max) - 41


class Races:
    """Which program wrote and read each place of a buffer, to find programs that depend on each other's order."""

    def __init__(self, size: int) -> None:
        self._writer = np.full(size, NOBODY, np.int64)
        self._reader = np.full(size, NOBODY, np.int64)

    def read(self, places: Array, programs: Array) -> str | None:
        """Record a read; what is wrong with it, or None."""
        writers = self._writer[places]
        wrong = (writers != NOBODY) & (writers != programs)
        if wrong.any():
            i = int(wrong.argmax())
            return f"program {programs[i]} reads element {places[i]}, which program {writers[i]} writes"
        known = self._reader[places]
        self._reader[places] = programs
        several = ((known != NOBODY) & (known != programs)) | (self._reader[places] != programs)
        self._reader[places[several]] = MANY
        return None

    def write(self, places: Array, programs: Array, before: Array, values: Array, after: Array) -> str | None:
        """Record a write of `values` over `before` that left `after`; what is wrong with it, or None."""
        writers, readers = self._writer[places], self._reader[places]
        wrong = (readers != NOBODY) & (readers != programs)
        if wrong.any():
            i = int(wrong.argmax())
            who = "others read" if readers[i] == MANY else f"program {readers[i]} reads"
            return f"program {programs[i]} writes element {places[i]}, which {who}"
        wrong = (writers != NOBODY) & (writers != programs) & ~_same(before, values)
        if wrong.any():
            i = int(wrong.argmax())
            return f"programs {writers[i]} and {programs[i]} write different values to element {places[i]}"
        wrong = ~_same(after, values)
        if wrong.any():
            i = int(wrong.argmax())
            last = int(np.flatnonzero(places == places[i])[-1])  # of equal places, numpy keeps the last
            who = f"programs {programs[i]} and {programs[last]} write different values"
            who = who if programs[i] != programs[last] else f"program {programs[i]} writes two values"
            return f"{who} to element {places[i]}"
        self._writer[places] = programs
        return None

    def touched(self) -> tuple[Array, Array]:
        """Which places were written, and which were read."""
        return self._writer != NOBODY, self._reader != NOBODY


def _same(a: Array, b: Array) -> Array:
    if is_float_dtype(a.dtype):
        a, b = widen(a), widen(b)
        return np.isclose(a, b, rtol=SAME, atol=SAME, equal_nan=True)
    return np.asarray(a == b)


@dataclass(eq=False)
class Buffer:
    """Flat memory of one element type."""

    name: str
    data: Array
    element_type: Attribute
    writable: bool = True
    arena: Arena | None = None
    races: Races | None = None

    @staticmethod
    def poisoned(name: str, size: int, element_type: Attribute, numerics: Numerics) -> Buffer:
        dtype = storage_dtype(element_type, numerics)
        return Buffer(name, np.full(size, poison(dtype), dtype), element_type)

    def load(self, places: Array) -> Array:
        return self.data[places]

    def store(self, places: Array, values: Array, programs: Array | None = None) -> str | None:
        """Write; with `programs`, look for races. Gives what is wrong, or None."""
        if not self.writable:
            return f"{self.name} is read only"
        values = cast(values, self.data.dtype)
        before = self.data[places] if self.races is not None else values
        self.data[places] = values
        if self.arena is not None:
            self.arena.invalidate(self, places)
        if self.races is None or programs is None:
            return None
        return self.races.write(places, programs, before, values, self.data[places])


@dataclass(eq=False)
class Arena:
    """One region of bytes seen as arrays of several element types: writing one of them poisons the others there."""

    size: int
    numerics: Numerics
    _buffers: dict[Attribute, Buffer] = field(default_factory=dict)

    def buffer(self, element_type: Attribute) -> Buffer:
        if element_type not in self._buffers:
            buffer = Buffer.poisoned("the arena", self.size // element_bytes(element_type), element_type, self.numerics)
            buffer.arena = self
            self._buffers[element_type] = buffer
        return self._buffers[element_type]

    def invalidate(self, written: Buffer, places: Array) -> None:
        width = element_bytes(written.element_type)
        for element_type, other in self._buffers.items():
            if other is written:
                continue
            step = element_bytes(element_type)
            touched = np.asarray(places).reshape(-1, 1) * width + np.arange(0, width, min(step, width))
            touched = touched.ravel() // step
            other.data[touched[touched < other.data.size]] = poison(other.data.dtype)


@dataclass(frozen=True)
class Reference:
    """A `!kernel.ref` at run time: sizes and strides in elements; `base` differs per program for scratch memory."""

    buffer: Buffer
    base: int | Array
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def span(self) -> int:
        """Elements from the first to the last that can be reached."""
        if 0 in self.shape:
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))

    def array(self) -> Array:
        """What it refers to, as a view."""
        if not isinstance(self.base, int):
            raise TypeError("scratch memory is many arrays, one a program")
        data = self.buffer.data[self.base :]
        return as_strided(data, self.shape, [stride * data.itemsize for stride in self.strides])
