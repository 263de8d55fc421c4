"""Views that are one expression together: `x[:, 0]` for a slice of one place and the reshape that drops its axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.graph import ReshapeOp, SliceOp
from neuralc.dialects.types import Shape, shape_of
from neuralc.emit.python.expressions import Expression, Value, name


@dataclass(frozen=True)
class Taken:
    """Places that are taken from axes of a value, which then are no axes any more."""

    source: SliceOp
    places: dict[int, int]
    """The place along each such axis of the slice's operand; negative ones count from the end."""


def taken_by(op: ReshapeOp) -> Taken | None:
    """What a reshape takes with the slice before it, where the slice cuts nothing else."""
    source = op.x.owner
    if not isinstance(source, SliceOp) or not op.x.has_one_use():
        return None
    before, after = shape_of(source.x.type), shape_of(op.result.type)
    cut = [axis for axis, (size, left) in enumerate(zip(before, shape_of(op.x.type), strict=True)) if size != left]
    places = {axis: place for axis in cut if (place := _place(source, axis, before[axis])) is not None}
    kept = tuple(size for axis, size in enumerate(before) if axis not in places)
    is_forward = all(step > 0 for step in source.literal("steps"))
    return Taken(source, places) if places.keys() == {*cut} and is_forward and kept == after else None


def _place(source: SliceOp, axis: int, size: int | Dim) -> int | None:
    if shape_of(source.result.type)[axis] != 1:
        return None
    start = source.starts.data[axis]
    if start.is_static:
        return int(start.value)
    behind = start - as_dim(size)
    return int(behind.value) if behind.is_static else None


def taking(rank: int, places: dict[int, int]) -> list[str]:
    """The entries of a subscript that takes places: `:, 0`."""
    entries = [str(places[axis]) if axis in places else ":" for axis in range(rank)]
    while entries[-1] == ":":
        entries.pop()
    return entries


def added_axes(before: Shape, after: Shape) -> list[str] | None:
    """The entries of a subscript that adds axes of size 1, which is all that a reshape does."""
    if len(after) <= len(before) or not before:
        return None
    entries: list[str] = []
    left = list(before)
    for size in after:
        if left and size == left[0] and not (size == 1 and len(after) - len(entries) > len(left)):
            entries.append(":")
            left.pop(0)
        elif size == 1:
            entries.append("None")
        else:
            return None
    if left:
        return None
    while entries[-1] == ":":
        entries.pop()
    leading = next(index for index, entry in enumerate(entries) if entry == "None")
    # `x[..., None]` for an axis behind all others
    return ["...", *entries[leading:]] if leading > 1 and entries[leading:] == ["None"] and after[-1] == 1 else entries


def listed_sizes(x: Expression, sizes: Sequence[int | str]) -> list[Value]:
    """The arguments of a reshape: `*x.shape[:2], 12, 64` where the first sizes stay; texts are those of the operand."""
    kept = next((place for place, size in enumerate(sizes) if size != f"shape[{place}]"), len(sizes))
    if kept < 2:
        return [name(f"{x}.{size}") if isinstance(size, str) else size for size in sizes]
    rest = listed_sizes(x, ["", *sizes[kept:]])[1:]
    return [name(f"*{x}.shape[:{kept}]"), *rest]


def split_last(before: Shape, after: Shape) -> tuple[int, ...] | None:
    """The sizes that the last axis is split into, where that is all that a reshape does: the heads of attention."""
    first = len(before) - 1
    sizes = tuple(size for size in after[first:] if isinstance(size, int))
    is_split = len(after) > len(before) > 0 and after[:first] == before[:-1] and len(sizes) == len(after) - first
    return sizes if is_split else None
