"""Finds equal blocks that follow one another, each fed by the one before it: they are one block, times so many.

Equal are blocks with the same ops, shapes and costs, connected in the same way. Copies side by side, and those
that something behind the next one reads, are left as they are: one block could not show that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from neuralc.inspection.blocks import Block, name_of, users_of, widths_of
from neuralc.inspection.summary import Layer, Summary

LEAST_SAVED = 2
"""Blocks that a repetition has to take away."""

TRIES = 2000
"""Repetitions of ops that are looked at: where they are all of one kind, most are connected in no regular way."""

HERE, BEFORE, OUTSIDE = range(3)

Reference = tuple[int, int, int]
"""Where an operand comes from: HERE, from the same copy, or from the one BEFORE it: a layer counted from the start of
that copy, and which of its results. OUTSIDE: the number of the value."""


@dataclass(frozen=True)
class Stretch:
    """Blocks `start` to before `stop`, in which each is like the one a period further on."""

    start: int
    stop: int
    period: int

    @property
    def copies(self) -> int:
        return (self.stop - self.start) // self.period

    @property
    def end(self) -> int:
        """Behind the last whole copy."""
        return self.start + self.copies * self.period

    @property
    def saved(self) -> int:
        return (self.copies - 1) * self.period


def fold_repeats(summary: Summary, blocks: Sequence[Block]) -> list[Block]:
    """Repetitions become blocks, those first that take most away."""
    return list(_Folder.of(summary).fold(blocks))


@dataclass(frozen=True)
class _Folder:
    summary: Summary
    users: Sequence[Sequence[int]]
    makers: Sequence[tuple[int, int]]
    """Of each value, the layer that makes it and which of its results it is; inputs are made by layer -1."""
    widths: Sequence[int]

    @staticmethod
    def of(summary: Summary) -> _Folder:
        users = users_of(summary)
        makers = [(-1, number) for number in range(len(summary.values))]
        for index, layer in enumerate(summary.layers):
            for place, value in enumerate(layer.results):
                makers[value] = (index, place)
        return _Folder(summary, users, makers, widths_of(summary))

    def fold(self, blocks: Sequence[Block]) -> Iterator[Block]:
        chosen = self._choose(blocks)
        place = 0
        while place < len(blocks):
            found = chosen.get(place)
            if found is None:
                yield blocks[place]
                place += 1
            else:
                first, last = blocks[place], blocks[found.end - found.period]
                yield Block(first.start, blocks[found.end - 1].stop, name_of(first, last), found.copies)
                place = found.end

    def _choose(self, blocks: Sequence[Block]) -> dict[int, Stretch]:
        """Repetitions that hold and do not overlap, by their first blocks."""
        chosen: dict[int, Stretch] = {}
        taken = [False] * len(blocks)
        tried = 0
        for stretch in self._candidates(blocks):
            if tried == TRIES:
                break
            if not any(taken[stretch.start : stretch.end]):
                tried += 1
                if self._holds(blocks, stretch):
                    chosen[stretch.start] = stretch
                    taken[stretch.start : stretch.end] = [True] * (stretch.end - stretch.start)
        return chosen

    # --- candidates ----------------------------------------------------------------------------------------------
    def _candidates(self, blocks: Sequence[Block]) -> Iterator[Stretch]:
        """The one that takes most away first."""
        for stretch in sorted(self._stretches(blocks), key=lambda each: (-each.saved, each.period, each.start)):
            yield from self._phases(blocks, stretch)

    def _stretches(self, blocks: Sequence[Block]) -> Iterator[Stretch]:
        numbers: dict[object, int] = {}
        likes = [numbers.setdefault(self._like(block), len(numbers)) for block in blocks]
        for period in range(1, len(blocks) // 2 + 1):
            start = 0
            for same, run in groupby(map(int.__eq__, likes, likes[period:])):
                length = sum(1 for _ in run)
                stretch = Stretch(start, start + length + period, period)
                if same and stretch.saved >= LEAST_SAVED:
                    yield stretch
                start += length

    def _like(self, block: Block) -> object:
        layers = [self.summary.layers[index] for index in block.layers]
        return block.copies, tuple((each.op, each.dtype, each.shape, _size(each)) for each in layers)

    def _phases(self, blocks: Sequence[Block], stretch: Stretch) -> list[Stretch]:
        """The first copy may begin anywhere in the first period: best where the fewest values cross.

        Of equal ones the last: what comes before often differs in its beginning and not in its end.
        """
        starts = range(stretch.start, stretch.start + stretch.period)
        found = [Stretch(start, stretch.stop, stretch.period) for start in starts]
        kept = [each for each in found if each.saved >= LEAST_SAVED]
        return sorted(kept, key=lambda each: (self.widths[blocks[each.start].start], -each.copies, -each.start))

    # --- whether copies are connected alike ----------------------------------------------------------------------
    def _holds(self, blocks: Sequence[Block], stretch: Stretch) -> bool:
        firsts = [blocks[stretch.start + copy * stretch.period].start for copy in range(stretch.copies)]
        starts = [*firsts, blocks[stretch.end - 1].stop]
        if len({stop - start for start, stop in pairwise(starts)}) != 1:
            return False
        second = self._references(starts, 1)
        return (
            any(kind == BEFORE for kind, _, _ in second)
            and all(kind != OUTSIDE or self.makers[value][0] < starts[0] for kind, value, _ in second)
            and self._begins(self._references(starts, 0), second)
            and all(self._references(starts, copy) == second for copy in range(2, stretch.copies))
            and self._read_at_once(starts)
        )

    def _references(self, starts: Sequence[int], copy: int) -> list[Reference]:
        """The operands of all layers of a copy, one after the other."""
        start, stop = starts[copy], starts[copy + 1]
        before = starts[copy - 1] if copy else start
        found: list[Reference] = []
        for layer in self.summary.layers[start:stop]:
            for value in layer.operands:
                maker, place = self.makers[value]
                if maker >= start:
                    found.append((HERE, maker - start, place))
                elif maker >= before:
                    found.append((BEFORE, maker - before, place))
                else:
                    found.append((OUTSIDE, value, 0))
        return found

    @staticmethod
    def _begins(first: Sequence[Reference], second: Sequence[Reference]) -> bool:
        """Whether the first copy is as the second, with values from outside for those of a copy before it."""
        if len(first) != len(second):
            return False
        return all(
            one[0] == OUTSIDE if two[0] == BEFORE else one == two for one, two in zip(first, second, strict=True)
        )

    def _read_at_once(self, starts: Sequence[int]) -> bool:
        """Whether no copy but the last is read by anything behind the next one."""
        for copy, start in enumerate(starts[:-2]):
            for layer in self.summary.layers[start : starts[copy + 1]]:
                if any(self.users[value] and self.users[value][-1] >= starts[copy + 2] for value in layer.results):
                    return False
        return True


def _size(layer: Layer) -> int:
    """What tells a convolution of 3 x 3 from one of 1 x 1. A weight that layers share counts for one of them only."""
    return layer.parameters if layer.flops is None else layer.flops
