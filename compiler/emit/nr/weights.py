"""The weights beside a program: by the names that its layers give them, as the layers keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Box: TypeAlias = tuple[range, ...]
"""The places of an array that are read, along each axis."""


@dataclass(frozen=True)
class Move:
    """How weights are moved on their way into a layer: one of a transpose, a reshape, a slice, a concatenation."""

    axes: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    places: Box | None = None
    along: int | None = None

    def apply(self, arrays: Sequence[Array]) -> Array:
        if self.along is not None:
            return np.concatenate(arrays, self.along)
        (array,) = arrays
        if self.places is not None:
            return array[tuple(map(_slice, self.places))]
        moved: Array = np.transpose(array, self.axes) if self.shape is None else np.reshape(array, self.shape)
        return moved


def _slice(places: range) -> slice:
    """The slice that reads these places."""
    stop = places.stop if places.stop >= 0 else None
    return slice(places.start, stop, places.step)


@dataclass(frozen=True)
class Origin:
    """What a weight of a program is made of: one of the model, or a move of others."""

    symbol: str = ""
    move: Move | None = None
    parts: tuple[Origin, ...] = ()

    def moved(self, move: Move) -> Origin:
        return Origin(move=move, parts=(self,))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The weights of the model it is made of, each once."""
        if self.move is None:
            return (self.symbol,)
        return tuple(dict.fromkeys(symbol for part in self.parts for symbol in part.symbols))

    def within(self, outer: Mapping[str, Origin]) -> Origin:
        """Of a weight in a function, what it is where the function is called with these."""
        if self.move is None:
            return outer[self.symbol]
        return Origin(move=self.move, parts=tuple(part.within(outer) for part in self.parts))

    def array(self, arrays: Mapping[str, Array]) -> Array:
        if self.move is None:
            return arrays[self.symbol]
        return self.move.apply([part.array(arrays) for part in self.parts])

    def boxes(self) -> Iterator[tuple[str, Box | None]]:
        """Which places of each weight of the model it reads; None stands for all."""
        for part in self.parts:
            if part.move is None:
                yield part.symbol, self.move.places if self.move is not None else None
            else:
                yield from part.boxes()
        if self.move is None:
            yield self.symbol, None


def overlap(box: Box | None, other: Box | None) -> bool:
    """Whether two parts of one weight may have a place in common."""
    if box is None or other is None:
        return True
    return all(set(a) & set(b) for a, b in zip(box, other, strict=True))


class MovedWeights(Mapping[str, Array]):
    """The arrays of the program's weights; each is made where it is asked for, and kept by nobody."""

    def __init__(self, arrays: Mapping[str, Array], origins: Mapping[str, Origin]) -> None:
        self._arrays, self._origins = arrays, origins

    def __getitem__(self, name: str) -> Array:
        return self._origins[name].array(self._arrays)

    def __iter__(self) -> Iterator[str]:
        return iter(self._origins)

    def __len__(self) -> int:
        return len(self._origins)
