"""How a declared view of weights is made of the weights of the model: for what a file beside emitted code has.

graph-raise-layers declares `conv1.kernel` as the transpose of `conv1.weight`, which is what the file holds. The layer
of a framework may want it as the file has it: then both orders of axes undo each other. Kernels of recurrent layers
have their gates in another order in a file of ONNX; biases are halves of one weight, rows of several, or a sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of

Sizes: TypeAlias = tuple[int, ...]
Runs: TypeAlias = tuple[range, ...]
"""Places along an axis, one run behind the other; two that follow each other are one. A run may go backwards."""


@dataclass(frozen=True)
class Source:
    """`stored[key][places].permute(axes)`, with its axes joined or split so as to be the weight."""

    key: str
    shape: Sizes
    """Of the weight in the file."""
    parts: tuple[Sizes, ...]
    """The axes of the file that each axis of the weight is made of, the outer one first; none for an axis of size 1."""
    places: tuple[Runs, ...]
    """What is read along each axis of the file."""

    @classmethod
    def whole(cls, key: str, shape: Sizes) -> Source:
        return cls(key, shape, tuple((axis,) for axis in range(len(shape))), tuple((range(size),) for size in shape))

    @property
    def sizes(self) -> Sizes:
        """How much is read along each axis of the file."""
        return tuple(sum(map(len, runs)) for runs in self.places)

    def reordered(self, axes: Sequence[int]) -> Sizes:
        """The axes of the file for a parameter that has those of the weight in the order `axes`; others are of size 1
        and stand in front."""
        taken = tuple(axis for place in axes for axis in self.parts[place])
        return (*(axis for axis in range(len(self.shape)) if axis not in taken), *taken)

    def cut(self, axis: int, pieces: Sequence[range]) -> Source | None:
        """The places of `pieces` along an axis of the weight; None for an axis that is several of the file."""
        size = math.prod(self.sizes[part] for part in self.parts[axis])
        if list(pieces) == [range(size)]:
            return self
        if len(self.parts[axis]) != 1:
            return None
        (part,) = self.parts[axis]
        read = _joined(run for piece in pieces for run in _cut(self.places[part], piece))
        return replace(self, places=(*self.places[:part], read, *self.places[part + 1 :]))

    def row(self, index: int) -> Source | None:
        """One place along the first axis of the weight, without that axis."""
        cut = self.cut(0, [range(index, index + 1)])
        return cut and replace(cut, parts=cut.parts[1:])

    def in_blocks(self, axis: int, order: Sequence[int]) -> Source | None:
        """With the blocks along an axis in another order."""
        size = math.prod(self.sizes[part] for part in self.parts[axis]) // max(len(order), 1)
        return self.cut(axis, [range(block * size, (block + 1) * size) for block in order]) if order else self


@dataclass(frozen=True)
class Piece:
    """A source that is a row of the weight, or a summand of it where several pieces are no rows."""

    source: Source
    row: int | None = None

    def reordered(self, axes: Sequence[int]) -> Piece | None:
        """Of a parameter that has the axes of the weight in another order: the axes of rows are one less."""
        return self if self.row is None or axes[0] == 0 else None


Pieces: TypeAlias = tuple[Piece, ...]


def pieces_of(weight: graph.WeightOp) -> Pieces | None:
    """What a weight is put together from; None for one that is computed from its sources in another way."""
    if weight.body is None:
        return (Piece(Source.whole(weight.sym_name.data, _sizes(weight))),)
    block = weight.body.block
    found: dict[SSAValue, Pieces] = {
        argument: (Piece(Source.whole(key, _sizes(argument))),)
        for key, argument in zip(weight.source_names, block.args, strict=True)
    }
    for op in block.ops:
        if isinstance(op, graph.ReturnOp):
            return found[op.values[0]]
        follow = _FOLLOWING.get(type(op))
        sources = [found[operand][0].source for operand in op.operands if len(found[operand]) == 1]
        made = follow(op, sources) if follow and len(sources) == len(op.operands) else None
        if made is None:
            return None
        found[op.results[0]] = made
    return None


def _transpose(op: graph.TransposeOp, sources: Sequence[Source]) -> Pieces | None:
    (source,) = sources
    return (Piece(replace(source, parts=tuple(source.parts[axis] for axis in op.literal("perm")))),)


def _reshape(op: graph.ReshapeOp, sources: Sequence[Source]) -> Pieces | None:
    (source,) = sources
    parts = _reshaped(source.parts, source.sizes, _sizes(op.result))
    return None if parts is None else (Piece(replace(source, parts=parts)),)


def _slice(op: graph.SliceOp, sources: Sequence[Source]) -> Pieces | None:
    found: Source | None = sources[0]
    entries = zip(op.starts.data, op.literal("steps"), _sizes(op.result), strict=True)
    for axis, (start, step, count) in enumerate(entries):
        if found is None or not start.is_static or abs(step) != 1:
            return None
        found = found.cut(axis, [range(start.value, start.value + step * count, step)])
    return None if found is None else (Piece(found),)


def _concat(op: graph.ConcatOp, sources: Sequence[Source]) -> Pieces | None:
    """Places of one weight behind each other, or rows of several."""
    first, axis = sources[0], op.literal("axis") % len(_sizes(op.result))
    (part, *others) = first.parts[axis] or (None,)
    if part is not None and not others and all(_differ_along(first, source, part) for source in sources):
        read = _joined(run for source in sources for run in source.places[part])
        return (Piece(replace(first, places=(*first.places[:part], read, *first.places[part + 1 :]))),)
    rows = [source.row(0) for source in sources]
    if axis != 0 or _sizes(op.result)[0] != len(sources):
        return None
    return tuple(Piece(row, index) for index, row in enumerate(rows) if row is not None)


def _differ_along(one: Source, other: Source, axis: int) -> bool:
    """Whether two sources are the same up to what they read along an axis of the file."""
    return replace(other, places=(*other.places[:axis], one.places[axis], *other.places[axis + 1 :])) == one


def _add(op: graph.AddOp, sources: Sequence[Source]) -> Pieces | None:
    alike = _sizes(op.lhs) == _sizes(op.rhs) == _sizes(op.result)
    return tuple(Piece(source) for source in sources) if alike else None


_FOLLOWING: Mapping[type[Operation], Callable[[Any, Sequence[Source]], Pieces | None]] = {
    graph.AddOp: _add,
    graph.ConcatOp: _concat,
    graph.ReshapeOp: _reshape,
    graph.SliceOp: _slice,
    graph.TransposeOp: _transpose,
}


def _sizes(value: SSAValue | graph.WeightOp) -> Sizes:
    return tuple(int(str(size)) for size in shape_of(value.type))


def _cut(runs: Runs, piece: range) -> list[range]:
    """The places of a piece, counted along all runs."""
    if piece.step < 0:
        return [run[::-1] for run in reversed(_cut(runs, piece[::-1]))]
    found, before = [], 0
    for run in runs:
        start, stop = max(piece.start - before, 0), min(piece.stop - before, len(run))
        found += [run[start:stop]] if start < stop else []
        before += len(run)
    return found


def _joined(runs: Any) -> Runs:
    found: list[range] = []
    for run in runs:
        if found and found[-1].stop == run.start and found[-1].step == run.step == 1:
            found[-1] = range(found[-1].start, run.stop)
        else:
            found.append(run)
    return tuple(found)


def _reshaped(parts: Sequence[Sizes], source: Sizes, shape: Sizes) -> tuple[Sizes, ...] | None:
    """The parts of each axis after a reshape that only joins axes, splits them again, or counts axes of size 1."""
    waiting = [axis for part in parts for axis in part if source[axis] != 1]
    found: list[Sizes] = []
    for size in shape:
        taken: list[int] = []
        product = 1
        while product < size and waiting:
            taken.append(waiting.pop(0))
            product *= source[taken[-1]]
        if product != size:
            return None
        found.append(tuple(taken))
    return None if waiting else tuple(found)
