"""Loops around the tiles of a GPU program: over the positions of a window, over steps of a long axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TypeAlias

from xdsl.ir import SSAValue

from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.passes.lower.gpu.axes import Axis
from neuralc.passes.lower.nest import Nest
from neuralc.passes.lower.tiles import Place

STRAIGHT = 4
"""Rounds that are written out: a 2x2 window is no loop."""

Start: TypeAlias = Callable[[], SSAValue]
"""Makes the accumulator before the first step; not called where the first step stands alone and needs none."""
Accumulator: TypeAlias = SSAValue | None


def each_position(
    b: KernelBuilder,
    nest: Nest,
    letters: str,
    start: Start,
    step: Callable[[Mapping[str, Place], Accumulator], SSAValue],
) -> SSAValue:
    """`step` at every position of some loops, one after the other."""
    straight = prod(nest.static(letter) or STRAIGHT + 1 for letter in letters) <= STRAIGHT

    def around(rest: str, fixed: Mapping[str, Place], acc: Accumulator) -> SSAValue:
        if not rest:
            return step(fixed, acc)
        letter, size = rest[0], nest.sizes[rest[0]]

        def one(position: IndexLike, acc: Accumulator) -> SSAValue:
            return around(rest[1:], {**fixed, letter: Place(position)}, acc)

        if straight and isinstance(size, int):
            for position in range(size):
                acc = one(position, acc)
            return acc if acc is not None else start()
        initial = start() if acc is None else acc
        return b.loop(0, b.size(size), 1, [initial], lambda at, a: [one(at, a)], hint=letter)[0]

    return around(letters, {}, None)


def each_step(
    b: KernelBuilder, axis: Axis, start: Start, step: Callable[[IndexLike, Accumulator], SSAValue]
) -> SSAValue:
    """`step` at the start of every tile along an axis; no loop where one tile covers it."""
    if isinstance(axis.size, int) and axis.size <= axis.extent:
        return step(0, None)
    return b.loop(0, b.size(axis.size), axis.extent, [start()], lambda k, a: [step(k, a)], hint="k")[0]
