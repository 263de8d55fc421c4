"""How a declared view of a weight is made of the weight in the file: for the tables that emitted code loads by.

graph-raise-layers declares `conv1.kernel` as the transpose of `conv1.weight`, which is what the file holds. The layer
of a framework may want it as the file has it: then both orders of axes undo each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

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
