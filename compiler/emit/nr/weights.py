"""The weights beside a program: by the names that its layers give them, as the layers keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from neuralc.emit.nr.values import Move


@dataclass(frozen=True)
class Source:
    """Where a weight of the program comes from: one of the model, with its axes moved."""

    symbol: str
    moves: tuple[Move, ...] = ()


class MovedWeights(Mapping[str, NDArray[Any]]):
    """The arrays of the program's weights; each is made where it is asked for, and kept by nobody."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], sources: Mapping[str, Source]) -> None:
        self._arrays, self._sources = arrays, sources

    def __getitem__(self, name: str) -> NDArray[Any]:
        source = self._sources[name]
        array = self._arrays[source.symbol]
        for move in source.moves:
            array = move.apply(array)
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)
