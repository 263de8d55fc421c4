"""Tile ops in LLVM: a tile is a grid of vectors, and most ops only rename or combine grid entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.dialects.kernel.types import TileType
from neuralc.emit.llvm.instructions import constant, from_lanes, lane, lane_numbers, shuffle, splat
from neuralc.emit.llvm.scalars import Scalars
from neuralc.emit.llvm.types import Grid, Value, element, empty_grid, lanes, lanes_of, vector_of


@dataclass(frozen=True)
class Tiles:
    """Writes tile ops at the builder's place."""

    builder: Any
    scalars: Scalars

    def constant(self, value: float | int | bool, tile: TileType) -> Grid:
        return _filled(tile, constant(vector_of(tile), value))

    def splat_index(self, index: Value, tile: TileType) -> Grid:
        type_ = element(tile.element_type)
        narrow = self.builder.trunc(index, type_) if type_.width < 64 else index
        return _filled(tile, splat(self.builder, narrow, lanes(tile)))

    def iota(self, start: Value, tile: TileType) -> Grid:
        count = lanes(tile)
        out = self.splat_index(start, tile)
        first = out[0]
        for i in range(len(out)):
            step = constant(first.type, i * count)
            if count > 1 and i == 0:
                first = self.builder.add(first, lane_numbers(first.type))
                out[0] = first
            elif i:
                out[i] = self.builder.add(first, step)
        return out

    def map(self, function: str, tile: TileType, args: Sequence[Grid], *, rounded: bool = False) -> Grid:
        """`tile` is the type of the last operand, which decides between float and integer functions."""
        out = empty_grid(tile)
        scalars = self.scalars.without_contraction if rounded else self.scalars
        for place in np.ndindex(*out.shape):
            out[place] = scalars.apply(function, tile.element_type, [arg[place] for arg in args])
        return out

    def broadcast(self, source: Grid, dims: Sequence[int], tile: TileType) -> Grid:
        count = lanes(tile)
        spread: dict[tuple[int, ...], Value] = {}
        out = empty_grid(tile)
        for place in np.ndindex(*out.shape):
            origin = tuple(place[dim] for dim in dims)
            if origin not in spread:
                value = source[origin]
                spread[origin] = value if lanes_of(value) == count else splat(self.builder, value, count)
            out[place] = spread[origin]
        return out

    def convert(self, source: Grid, before: TileType, after: TileType) -> Grid:
        if lanes(before) != lanes(after):
            return self._regroup(source, lanes(before), after)
        out = empty_grid(after)
        for place in np.ndindex(*out.shape):
            out[place] = self.scalars.convert(before.element_type, after.element_type, source[place])
        return out

    def _regroup(self, source: Grid, count: int, after: TileType) -> Grid:
        """The same values in vectors of another width."""
        wanted = lanes(after)
        out = empty_grid(after)
        for row in np.ndindex(*out.shape[:-1]):
            for column in range(out.shape[-1]):
                start = column * wanted
                if count > wanted > 1 and count % wanted == 0:
                    whole, first = source[(*row, start // count)], start % count
                    out[(*row, column)] = shuffle(self.builder, whole, None, range(first, first + wanted))
                    continue
                numbers = range(start, start + wanted)
                picked = [lane(self.builder, source[(*row, n // count)], n % count) for n in numbers]
                out[(*row, column)] = from_lanes(self.builder, picked)
        return out

    def reduce(self, kind: str, source: Grid, axis: int, before: TileType, after: TileType) -> Grid:
        """Pairs of vectors, pairs of pairs, .. then halves of the vector: one fixed order for every run."""

        def combine(a: Value, b: Value) -> Value:
            return self.scalars.apply(kind, before.element_type, [a, b])

        out = empty_grid(after)
        across = axis == before.rank - 1 and lanes(before) > 1
        for place in np.ndindex(*out.shape):
            values = [source[(*place[:axis], i, *place[axis:])] for i in range(source.shape[axis])]
            while len(values) > 1:
                pairs = [combine(values[i], values[i + 1]) for i in range(0, len(values) - 1, 2)]
                values = pairs + values[len(pairs) * 2 :]
            out[place] = self._across_lanes(values[0], combine) if across else values[0]
        return out

    def _across_lanes(self, value: Value, combine: Any) -> Value:
        while (count := lanes_of(value)) > 2 and count % 2 == 0:
            half = count // 2
            low, high = (shuffle(self.builder, value, None, range(i, i + half)) for i in (0, half))
            value = combine(low, high)
        result = lane(self.builder, value, 0)
        for i in range(1, lanes_of(value)):
            result = combine(result, lane(self.builder, value, i))
        return result

    def dot(self, lhs: Grid, rhs: Grid, acc: Grid, source: TileType, tile: TileType) -> Grid:
        """One outer product a step of k, every element in its own accumulator.

        `source` is the type of the lhs, `tile` of the accumulator: products are made in the latter's element type."""
        before, after = source.element_type, tile.element_type
        out = acc.copy()
        for k in range(lhs.shape[1]):
            row = [self.scalars.convert(before, after, value) for value in rhs[k]]
            for i in range(lhs.shape[0]):
                left = splat(self.builder, self.scalars.convert(before, after, lhs[i, k]), lanes(tile))
                for j, right in enumerate(row):
                    out[i, j] = self.scalars.apply("fma", after, [left, right, out[i, j]])
        return out


def _filled(tile: TileType, value: Value) -> Grid:
    out = empty_grid(tile)
    out[...] = value
    return out
