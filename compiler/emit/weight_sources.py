"""How a declared view of a weight is made of the weight in the file: for the tables that emitted code loads by.

graph-raise-layers declares `conv1.kernel` as the transpose of `conv1.weight`, which is what the file holds. The layer
of a framework may want it as the file has it: then both orders of axes undo each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import shape_of

Sizes: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """`stored[key].permute(axes)`, with its axes joined or split so as to be the weight."""

    key: str
    shape: Sizes
    """Of the weight in the file."""
    parts: tuple[Sizes, ...]
    """The axes of the file that each axis of the weight is made of, the outer one first; none for an axis of size 1."""

    def reordered(self, axes: Sequence[int]) -> tuple[Sizes, Sizes]:
        """The order of the file's axes for a parameter that has those of the weight in the order `axes`.

        Behind it the sizes that it has then, as far as they are not one for each axis of the weight.
        """
        taken = tuple(axis for place in axes for axis in self.parts[place])
        order = (*(axis for axis in range(len(self.shape)) if axis not in taken), *taken)
        plain = [self.parts[place] for place in axes] == [(axis,) for axis in order]
        return order, () if plain else tuple(self.shape[axis] for axis in order)


def source_of(weight: graph.WeightOp) -> Source | None:
    """Where a derived weight comes from; None for one that is more than its source in another order."""
    if weight.body is None or len(weight.source_names) != 1:
        return None
    argument = weight.body.block.args[0]
    shape = _sizes(argument.type)
    found: dict[SSAValue, tuple[Sizes, ...]] = {argument: tuple((axis,) for axis in range(len(shape)))}
    for op in weight.body.block.ops:
        if isinstance(op, graph.ReturnOp):
            return Source(weight.source_names[0], shape, found[op.values[0]])
        if isinstance(op, graph.TransposeOp):
            parts = found[op.x]
            found[op.result] = tuple(parts[axis] for axis in op.literal("perm"))
        elif isinstance(op, graph.ReshapeOp) and (split := _reshaped(found[op.x], shape, _sizes(op.result.type))):
            found[op.result] = split
        else:
            return None
    return None


Places: TypeAlias = NDArray[np.int64]


def whole_source(weight: graph.WeightOp, taken: Callable[[Places], Places]) -> tuple[str, Sizes] | None:
    """The weight in the file that what is `taken` of a derived one is all of, as it lies there, and its sizes.

    PyTorch's GRU has the gates in its own order: an import puts them in ours, `taken` puts them back. Followed by the
    numbers of the places that values come from; None for a weight that is computed, or is another part of the file.
    """
    places = None if weight.body is None else _places(weight)
    if places is None:
        return None
    found, start = taken(places), 0
    assert weight.body is not None, "it has places"
    for key, argument in zip(weight.source_names, weight.body.block.args, strict=True):
        shape = _sizes(argument.type)
        numbers = start + np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        if found.shape == numbers.shape and bool((found == numbers).all()):
            return key, shape
        start += numbers.size
    return None


def _places(weight: graph.WeightOp) -> Places | None:
    """For each value of a derived weight its place among those of its sources, one source behind the other."""
    assert weight.body is not None, "a derived weight"
    block, start = weight.body.block, 0
    found: dict[Any, Places] = {}
    for argument in block.args:
        shape = _sizes(argument.type)
        found[argument] = start + np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
        start += found[argument].size
    for op in block.ops:
        operands = [found[value] for value in op.operands]
        match op:
            case graph.ReturnOp():
                return operands[0]
            case graph.TransposeOp():
                found[op.result] = operands[0].transpose(op.literal("perm"))
            case graph.ReshapeOp():
                found[op.result] = operands[0].reshape(_sizes(op.result.type))
            case graph.ConcatOp():
                found[op.result] = np.concatenate(operands, axis=op.literal("axis"))
            case graph.SliceOp():
                found[op.result] = operands[0][_slices(op)]
            case _:
                return None
    return None


def _slices(op: graph.SliceOp) -> tuple[slice, ...]:
    entries = zip(op.starts.data, op.literal("steps"), _sizes(op.result.type), strict=True)
    # A slice that goes backwards to the first place has no end that is a number.
    bounds = [(start.value, step, start.value + count * step) for start, step, count in entries]
    return tuple(slice(start, None if end < 0 else end, step) for start, step, end in bounds)


def _sizes(type_: Attribute) -> Sizes:
    return tuple(int(str(size)) for size in shape_of(type_))


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
