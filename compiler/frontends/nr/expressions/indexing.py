"""`x[:, 0, 1:-1, ..., None]` as in numpy: places, slices, new axes, and one tensor of places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import ShapeError, format_shape, shape_of
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.promotion import dtype_of
from neuralc.frontends.nr.expressions.values import Value, axis_of, described, size_of, tensor_of, whole
from neuralc.frontends.sizes import Size, Undecided
from neuralc.frontends.slices import UNBOUNDED, extent


@dataclass(frozen=True)
class Range:
    """`start:stop:step`, each None where it is not written."""

    start: Value
    stop: Value
    step: Value


@dataclass(frozen=True)
class Rest:
    """`...`: all axes that the others leave."""


Index: TypeAlias = "Value | Range | Rest"


def subscript(b: Builder, value: Value, items: Sequence[Index]) -> Value:
    """Raises ShapeError for places that are not there."""
    if isinstance(value, tuple):
        return _of_tuple(value, items)
    x = tensor_of(value, "what is indexed")
    items = _all_axes(items, len(shape_of(x.type)))
    if any(isinstance(item, SSAValue) for item in items):
        return _gathered(b, x, items)
    return _cut(b, x, items)


def _of_tuple(value: tuple[Value, ...], items: Sequence[Index]) -> Value:
    if len(items) != 1:
        raise ShapeError(f"{described(value)} has one axis, not {len(items)}")
    (item,) = items
    if isinstance(item, Range):
        start, stop, step = (
            None if part is None else whole(part, "a place") for part in (item.start, item.stop, item.step)
        )
        return value[slice(start, stop, step)]
    if isinstance(item, Rest) or item is None:
        raise ShapeError("a tuple is indexed by a whole number")
    place = whole(item, "an index")
    if not -len(value) <= place < len(value):
        raise ShapeError(f"index {place} is outside of {described(value)}")
    return value[place]


def _all_axes(items: Sequence[Index], rank: int) -> list[Index]:
    """The items with `...` written out, one for each axis, and None for new ones."""
    if sum(isinstance(item, Rest) for item in items) > 1:
        raise ShapeError("`...` stands once")
    used = sum(item is not None and not isinstance(item, Rest) for item in items)
    if used > rank:
        raise ShapeError(f"{used} indices for {rank} axes")
    rest: list[Index] = [Range(None, None, None)] * (rank - used)
    at = next((i for i, item in enumerate(items) if isinstance(item, Rest)), len(items))
    return [*items[:at], *rest, *items[at + 1 :]]


def _cut(b: Builder, x: SSAValue, items: Sequence[Index]) -> SSAValue:
    """One slice, and a reshape where axes go or come."""
    starts: list[Size] = []
    sizes: list[Size] = []
    steps: list[int] = []
    shape: list[Size] = []
    for item in items:
        if item is None:
            shape.append(1)
            continue
        axis, size = len(starts), shape_of(x.type)[len(starts)]
        if isinstance(item, Range):
            start, count, step = _range(b, item, size)
            shape.append(count)
        else:
            start, count, step = _place(b, item, size, axis), 1, 1
        starts.append(start)
        sizes.append(count)
        steps.append(step)
    return b.reshape(b.slice(x, starts, sizes, steps), shape)


def _range(b: Builder, item: Range, size: Size) -> tuple[Size, Size, int]:
    step = 1 if item.step is None else whole(item.step, "a step")
    if step == 0:
        raise ShapeError("the step of a slice is 0")
    ends: tuple[Size, Size] = (0, UNBOUNDED) if step > 0 else (UNBOUNDED, -UNBOUNDED)
    start, stop = (
        end if part is None else size_of(part, "a place of a slice")
        for end, part in zip(ends, (item.start, item.stop), strict=True)
    )
    try:
        first, count = extent(b.bounds, size, start, stop, step)
    except Undecided as question:
        raise ShapeError(f"`{question}` differs between runs") from None
    return first, count, step


def _place(b: Builder, item: Index, size: Size, axis: int) -> Size:
    if isinstance(item, Range | Rest | SSAValue | tuple) or not isinstance(item, int | Dim) or isinstance(item, bool):
        shown = described(item) if not isinstance(item, Range | Rest) else "a slice"
        raise ShapeError(f"an index is a whole number or a slice, not {shown}")
    below = not isinstance(item, Dim) and item < 0
    place = simplest(as_dim(size) + item) if below else item
    if not (b.bounds.at_most(0, place) and b.bounds.at_most(simplest(as_dim(place) + 1), size)):
        if isinstance(size, int) and isinstance(place, int):
            raise ShapeError(f"index {item} is outside of axis {axis} of size {size}")
        raise ShapeError(f"index {item} may be outside of axis {axis} of size {size}: bound it by `where` at the input")
    return place


# --- places that are computed ----------------------------------------------------------------------------------------
def _gathered(b: Builder, x: SSAValue, items: Sequence[Index]) -> SSAValue:
    """One tensor of places along one axis, slices along the others (numpy.take)."""
    tensors = [item for item in items if isinstance(item, SSAValue)]
    whole_numbers = [item for item in items if isinstance(item, int | Dim)]
    if len(tensors) != 1 or whole_numbers or None in items:
        raise ShapeError("a tensor of places stands alone among slices")
    axis = next(i for i, item in enumerate(items) if isinstance(item, SSAValue))
    cut = _cut(b, x, [Range(None, None, None) if i == axis else item for i, item in enumerate(items)])
    return take(b, cut, tensors[0], axis)


def take(b: Builder, x: Value, indices: Value, axis: Value = None) -> SSAValue:
    """Slices along an axis by their places; a place outside is an error of the run."""
    values = tensor_of(x, "what is taken from")
    if axis is None:
        values, along = b.reshape(values, (_count(values),)), 0
    else:
        along = axis_of(axis, len(shape_of(values.type)))
    return b.add(graph.GatherOp.of(values, _places(b, indices), axis=along))


def take_along_axis(b: Builder, x: Value, indices: Value, axis: Value) -> SSAValue:
    """One value for each place, along an axis."""
    values, places = tensor_of(x, "what is taken from"), _places(b, indices)
    along = axis_of(axis, len(shape_of(values.type)))
    shape, wanted = shape_of(values.type), shape_of(places.type)
    if len(shape) != len(wanted):
        raise ShapeError(f"places {format_shape(wanted)} have another rank than {format_shape(shape)}")
    for index, (n, m) in enumerate(zip(shape, wanted, strict=True)):
        if index != along:
            b.equal(n, m, f"places {format_shape(wanted)} do not fit {format_shape(shape)}")
    return b.add(graph.GatherElementsOp.of(values, places, axis=along))


def _places(b: Builder, indices: Value) -> SSAValue:
    places = b.tensor(indices)
    if not is_kind(places, "iu"):
        raise ShapeError(f"places are integers, not {described(places)}")
    return b.cast(places, np.dtype("int64")) if dtype_of(places).name != "int32" else places


def _count(x: SSAValue) -> Size:
    total = as_dim(1)
    for size in shape_of(x.type):
        total *= size
    return simplest(total)
