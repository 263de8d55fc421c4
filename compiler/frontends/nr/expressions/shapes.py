"""Functions that move values: reshape, transpose, concatenate, repeat, pad, and tensors of one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, product, simplest
from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.types import (
    Shape,
    ShapeError,
    format_shape,
    shape_of,
)
from neuralc.frontends.nr.expressions.builder import Builder, is_kind
from neuralc.frontends.nr.expressions.promotion import common_type
from neuralc.frontends.nr.expressions.values import (
    Value,
    axes_of,
    axis_of,
    described,
    sizes_of,
    tensor_of,
    whole,
    wholes,
)
from neuralc.frontends.sizes import Size, exact_quotient


def _shape(x: SSAValue) -> Shape:
    return shape_of(x.type)


def _rank(x: SSAValue) -> int:
    return len(_shape(x))


# --- the same values under another shape -----------------------------------------------------------------------------
def reshape(b: Builder, x: Value, shape: Value) -> SSAValue:
    values, sizes = tensor_of(x, "a shape"), list(sizes_of(shape, "shape", -1))
    total = product(_shape(values))
    if sizes.count(-1) > 1:
        raise ShapeError(f"one size may be -1, in {format_shape(sizes)} are {sizes.count(-1)}")
    if -1 in sizes:
        left = exact_quotient(total, product([size for size in sizes if size != -1]))
        if left is None:
            raise ShapeError(f"the {total} values of {format_shape(_shape(values))} make no {format_shape(sizes)}")
        sizes[sizes.index(-1)] = left
    elif total != product(sizes):
        raise ShapeError(f"the {total} values of {format_shape(_shape(values))} make no {format_shape(sizes)}")
    return b.reshape(values, sizes)


def ravel(b: Builder, x: Value) -> SSAValue:
    return reshape(b, x, -1)


def expand_dims(b: Builder, x: Value, axis: Value) -> SSAValue:
    values = tensor_of(x, "a shape")
    count = len(wholes(axis, "axis"))
    new = axes_of(axis, _rank(values) + count)
    rest = iter(_shape(values))
    return b.reshape(values, [1 if index in new else next(rest) for index in range(_rank(values) + count)])


def squeeze(b: Builder, x: Value, axis: Value = None) -> SSAValue:
    values = tensor_of(x, "a shape")
    shape = _shape(values)
    gone = [i for i, size in enumerate(shape) if size == 1] if axis is None else list(axes_of(axis, len(shape)))
    for index in gone:
        if shape[index] != 1:
            raise ShapeError(f"axis {index} of {format_shape(shape)} is not of size 1")
    return b.reshape(values, [size for index, size in enumerate(shape) if index not in gone])


# --- axes in another order -------------------------------------------------------------------------------------------
def transpose(b: Builder, x: Value, axes: Value = None) -> SSAValue:
    values = tensor_of(x, "an order of axes")
    rank = _rank(values)
    order = tuple(range(rank))[::-1] if axes is None else axes_of(axes, rank, "axes")
    if len(order) != rank:
        raise ShapeError(f"`axes` names {len(order)} of {rank} axes")
    return b.transpose(values, order)


def swapaxes(b: Builder, x: Value, axis1: Value, axis2: Value) -> SSAValue:
    values = tensor_of(x, "an order of axes")
    order = list(range(_rank(values)))
    first, second = axis_of(axis1, len(order), "axis1"), axis_of(axis2, len(order), "axis2")
    order[first], order[second] = second, first
    return b.transpose(values, order)


def moveaxis(b: Builder, x: Value, source: Value, destination: Value) -> SSAValue:
    values = tensor_of(x, "an order of axes")
    rank = _rank(values)
    moved, places = axes_of(source, rank, "source"), axes_of(destination, rank, "destination")
    if len(moved) != len(places):
        raise ShapeError("`source` and `destination` name equally many axes")
    order = [axis for axis in range(rank) if axis not in moved]
    for place, axis in sorted(zip(places, moved, strict=True)):
        order.insert(place, axis)
    return b.transpose(values, order)


def flip(b: Builder, x: Value, axis: Value = None) -> SSAValue:
    values = tensor_of(x, "an order")
    shape, axes = _shape(values), axes_of(axis, _rank(values))
    starts = [simplest(as_dim(size) - 1) if i in axes else 0 for i, size in enumerate(shape)]
    return b.slice(values, starts, shape, [-1 if i in axes else 1 for i in range(len(shape))])


# --- several tensors -------------------------------------------------------------------------------------------------
def _several(b: Builder, arrays: Value) -> list[SSAValue]:
    if not isinstance(arrays, tuple) or not arrays:
        raise ShapeError(f"a tuple of values is needed, such as (x, y), not {described(arrays)}")
    dtype = common_type(arrays)
    return [b.tensor(array, dtype) for array in arrays]


def concatenate(b: Builder, arrays: Value, axis: Value = 0) -> SSAValue:
    parts = _several(b, arrays)
    rank = _rank(parts[0])
    if any(_rank(part) != rank for part in parts) or not rank:
        raise ShapeError(f"values of one rank stand behind each other, not {described(arrays)}")
    along = axis_of(axis, rank)
    for part in parts[1:]:
        for index in range(rank):
            if index != along:
                sizes = _shape(parts[0])[index], _shape(part)[index]
                b.equal(*sizes, f"axis {index} has the sizes {sizes[0]} and {sizes[1]}: {described(arrays)}")
    return b.add(graph.ConcatOp.of(*parts, axis=along))


def stack(b: Builder, arrays: Value, axis: Value = 0) -> SSAValue:
    parts = _several(b, arrays)
    along = axis_of(axis, _rank(parts[0]) + 1)
    wide: tuple[Value, ...] = tuple(expand_dims(b, part, along) for part in parts)
    return concatenate(b, wide, along)


def split(b: Builder, x: Value, sections: Value, axis: Value = 0) -> Value:
    """A tuple of parts of one size, or of those between places."""
    values = tensor_of(x, "parts")
    shape, along = _shape(values), axis_of(axis, _rank(values))
    size = shape[along]
    if isinstance(sections, tuple):
        places: list[Size] = [0, *sizes_of(sections, "sections"), size]
    else:
        count = whole(sections, "sections")
        part = exact_quotient(size, count) if count > 0 else None
        if part is None:
            raise ShapeError(f"the size {size} of axis {along} makes no {count} equal parts")
        places = [simplest(as_dim(part) * index) for index in range(count + 1)]
    found: list[Value] = []
    for start, end in pairwise(places):
        if not b.bounds.at_most(start, end) or not b.bounds.at_most(end, size):
            raise ShapeError(f"the places {described(sections)} are not in order within {size}")
        sizes = [simplest(as_dim(end) - start) if i == along else n for i, n in enumerate(shape)]
        found.append(b.slice(values, [start if i == along else 0 for i in range(len(shape))], sizes, [1] * len(shape)))
    return tuple(found)


def where(b: Builder, condition: Value, x: Value, y: Value) -> SSAValue:
    dtype = common_type((x, y))
    on, off = (b.tensor(value, dtype) for value in (x, y))
    return b.add(graph.WhereOp.of(*b.aligned(b.truth(b.tensor(condition)), on, off)))


# --- more of the same ------------------------------------------------------------------------------------------------
def broadcast_to(b: Builder, x: Value, shape: Value) -> SSAValue:
    values = b.tensor(x)
    wanted = sizes_of(shape, "shape")
    if broadcast(_shape(values), wanted) != wanted:
        raise ShapeError(f"{format_shape(_shape(values))} does not broadcast to {format_shape(wanted)}")
    return b.expand(values, wanted)


def repeat(b: Builder, x: Value, repeats: Value, axis: Value) -> SSAValue:
    """Each value several times, one after the other."""
    values, count = tensor_of(x, "values"), whole(repeats, "repeats")
    if count < 1:
        raise ShapeError("`repeats` is at least 1")
    shape, along = list(_shape(values)), axis_of(axis, _rank(values))
    single = b.reshape(values, [*shape[: along + 1], 1, *shape[along + 1 :]])
    many = b.expand(single, (*shape[: along + 1], count, *shape[along + 1 :]))
    shape[along] = simplest(as_dim(shape[along]) * count)
    return b.reshape(many, shape)


def tile(b: Builder, x: Value, reps: Value) -> SSAValue:
    """All values several times, as blocks."""
    values, counts = tensor_of(x, "values"), list(wholes(reps, "reps"))
    if any(count < 1 for count in counts):
        raise ShapeError("`reps` are at least 1")
    rank = max(_rank(values), len(counts))
    counts = [1] * (rank - len(counts)) + counts
    values = b.reshape(values, [*[1] * (rank - _rank(values)), *_shape(values)])
    for axis, count in enumerate(counts):
        if count > 1:
            values = b.add(graph.ConcatOp.of(*[values] * count, axis=axis))
    return values


def roll(b: Builder, x: Value, shift: Value, axis: Value) -> SSAValue:
    """Values moved along an axis; what leaves at the end comes in at the front."""
    values = tensor_of(x, "values")
    shape, along = _shape(values), axis_of(axis, _rank(values))
    size, places = shape[along], whole(shift, "shift")
    if not isinstance(size, int):
        raise ShapeError(f"the size of axis {along} must be a number, it is {size}")
    places %= size
    if places == 0:
        return values
    parts: Value = tuple(
        b.slice(
            values,
            [start if i == along else 0 for i in range(len(shape))],
            [count if i == along else n for i, n in enumerate(shape)],
            [1] * len(shape),
        )
        for start, count in ((size - places, places), (0, size - places))
    )
    return concatenate(b, parts, along)


_MODES = ("constant", "edge", "reflect", "wrap")


def pad(b: Builder, x: Value, pad_width: Value, mode: Value = "constant", *, constant_values: Value = 0) -> SSAValue:
    """numpy.pad: `pad_width` is one amount, a pair, or a pair for each axis."""
    values = tensor_of(x, "values")
    if mode not in _MODES:
        raise ShapeError(f"`mode` is one of {', '.join(_MODES)}, not {described(mode)}")
    if not isinstance(constant_values, bool | int | float):
        raise ShapeError(f"`constant_values` is a number, not {described(constant_values)}")
    low, high = _amounts(pad_width, _rank(values))
    fill = float(constant_values) if is_kind(values, "f") else int(constant_values)
    return b.add(graph.PadOp.of(values, low=low, high=high, mode=str(mode), value=fill))


def _amounts(width: Value, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pairs = width if isinstance(width, tuple) and width and isinstance(width[0], tuple) else (width,) * rank
    if len(pairs) == 1:
        pairs = pairs * rank
    found = [wholes(pair, "pad_width") for pair in pairs]
    found = [pair * 2 if len(pair) == 1 else pair for pair in found]
    if len(found) != rank or any(len(pair) != 2 or min(pair) < 0 for pair in found):
        raise ShapeError(f"`pad_width` is a pair of amounts for each of {rank} axes, not {described(width)}")
    return tuple(pair[0] for pair in found), tuple(pair[1] for pair in found)


SHAPES: Mapping[str, Callable[..., Value]] = {
    "reshape": reshape,
    "ravel": ravel,
    "expand_dims": expand_dims,
    "squeeze": squeeze,
    "transpose": transpose,
    "permute_dims": transpose,
    "swapaxes": swapaxes,
    "moveaxis": moveaxis,
    "flip": flip,
    "concatenate": concatenate,
    "concat": concatenate,
    "stack": stack,
    "split": split,
    "where": where,
    "broadcast_to": broadcast_to,
    "repeat": repeat,
    "tile": tile,
    "roll": roll,
    "pad": pad,
}
"""By their numpy names; parameters are numpy's too."""
