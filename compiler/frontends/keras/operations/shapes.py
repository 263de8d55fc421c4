"""Functions that move values: reshape, transpose, parts, joins, repetition; and types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.types import ShapeError, shape_of
from neuralc.frontends.keras.operations.elementwise import Handler
from neuralc.frontends.keras.operations.types import common, tensor, tensors, type_named
from neuralc.frontends.nr.expressions.builder import Builder
from neuralc.frontends.nr.expressions.functions import FUNCTIONS
from neuralc.frontends.nr.expressions.indexing import Index, Range, Rest, subscript
from neuralc.frontends.nr.expressions.values import Value, axis_of, described, whole
from neuralc.frontends.sizes import Size


@dataclass(frozen=True)
class Slice:
    """`start:stop:step` among the places of an index."""

    start: Value
    stop: Value
    step: Value


@dataclass(frozen=True)
class Ellipsis:
    """`...`"""


def reshape(b: Builder, x: Value, newshape: Value) -> Value:
    return FUNCTIONS["reshape"](b, tensor(x), newshape)


def transpose(b: Builder, x: Value, axes: Value = None) -> Value:
    return FUNCTIONS["transpose"](b, tensor(x), axes)


def _joined(name: str) -> Handler:
    def apply(b: Builder, xs: Value, axis: Value = 0) -> Value:
        if not isinstance(xs, tuple):
            raise ShapeError(f"several values are needed, not {described(xs)}")
        return FUNCTIONS[name](b, tensors(b, xs), axis=axis)

    return apply


def concatenate(b: Builder, xs: Value, axis: Value = -1) -> Value:
    return _joined("concatenate")(b, xs, axis)


def split(b: Builder, x: Value, indices_or_sections: Value, axis: Value = 0) -> Value:
    values = tensor(x)
    if isinstance(indices_or_sections, tuple):
        place = axis_of(axis, len(shape_of(values.type)))
        ends: list[Value] = [0, *indices_or_sections, None]
        return tuple(
            subscript(b, values, [*[Range(None, None, None)] * place, Range(start, stop, None)])
            for start, stop in pairwise(ends)
        )
    return FUNCTIONS["split"](b, values, indices_or_sections, axis=axis)


def unstack(b: Builder, x: Value, num: Value = None, axis: Value = 0) -> Value:
    values = tensor(x)
    place = axis_of(axis, len(shape_of(values.type)))
    count = shape_of(values.type)[place]
    if not isinstance(count, int):
        raise ShapeError(f"the {count} places of an axis make no fixed number of values")
    return tuple(subscript(b, values, [*[Range(None, None, None)] * place, index]) for index in range(count))


def tile(b: Builder, x: Value, repeats: Value) -> Value:
    return FUNCTIONS["tile"](b, tensor(x), repeats)


def repeat(b: Builder, x: Value, repeats: Value, axis: Value = None) -> Value:
    values = tensor(x)
    return (
        FUNCTIONS["repeat"](b, FUNCTIONS["ravel"](b, values), repeats, 0)
        if axis is None
        else FUNCTIONS["repeat"](b, values, repeats, axis)
    )


def pad(b: Builder, x: Value, pad_width: Value, mode: Value = "constant", constant_values: Value = None) -> Value:
    value = 0 if constant_values is None else constant_values
    return FUNCTIONS["pad"](b, tensor(x), pad_width, mode, constant_values=value)


def get_item(b: Builder, x: Value, key: Value) -> Value:
    """`x[key]`: one place, or several in a tuple."""
    items = key if isinstance(key, tuple) else (key,)
    return subscript(b, tensor(x), [_index(item) for item in items])


def _index(item: object) -> Index:
    match item:
        case Slice():
            return Range(item.start, item.stop, item.step)
        case Ellipsis():
            return Rest()
        case None | int() | SSAValue():
            return item
    raise ShapeError("places are whole numbers, ranges and values of the model")


def take(b: Builder, x: Value, indices: Value, axis: Value = None) -> Value:
    """Places along an axis; those that are known beforehand are parts of the value behind each other."""
    values = tensor(x)
    if not isinstance(indices, tuple):
        return FUNCTIONS["take"](b, values, indices, axis)
    values = tensor(FUNCTIONS["ravel"](b, values)) if axis is None else values
    place = 0 if axis is None else axis_of(axis, len(shape_of(values.type)))
    before = [Range(None, None, None)] * place
    parts = tuple(subscript(b, values, [*before, whole(index, "indices")]) for index in indices)
    return FUNCTIONS["stack"](b, parts, axis=place)


def take_along_axis(b: Builder, x: Value, indices: Value, axis: Value = None) -> Value:
    return FUNCTIONS["take_along_axis"](b, tensor(x), indices, axis)


def full_like(b: Builder, x: Value, fill_value: Value, dtype: Value = None) -> Value:
    return _filled(b, x, fill_value, dtype)


def _filled(b: Builder, x: Value, value: Value, dtype: Value) -> Value:
    values = tensor(x)
    kind = common(b, (values,)) if dtype is None else type_named(dtype)
    shape: tuple[Size, ...] = shape_of(values.type)
    return b.expand(b.reshape(b.tensor(value, kind), (1,) * len(shape)), shape)


def cast(b: Builder, x: Value, dtype: Value) -> Value:
    return b.cast(tensor(x), type_named(dtype))


def itself(b: Builder, x: Value) -> Value:
    return b.add(graph.IdentityOp.of(tensor(x)))


OPERATIONS: Mapping[str, Handler] = {
    "numpy.Reshape": reshape,
    "numpy.Ravel": lambda b, x: FUNCTIONS["ravel"](b, tensor(x)),
    "numpy.Transpose": transpose,
    "numpy.Swapaxes": lambda b, x, axis1, axis2: FUNCTIONS["swapaxes"](b, tensor(x), axis1, axis2),
    "numpy.Moveaxis": lambda b, x, source, destination: FUNCTIONS["moveaxis"](b, tensor(x), source, destination),
    "numpy.ExpandDims": lambda b, x, axis: FUNCTIONS["expand_dims"](b, tensor(x), axis),
    "numpy.Squeeze": lambda b, x, axis=None: FUNCTIONS["squeeze"](b, tensor(x), axis),
    "numpy.Flip": lambda b, x, axis=None: FUNCTIONS["flip"](b, tensor(x), axis),
    "numpy.Roll": lambda b, x, shift, axis=None: FUNCTIONS["roll"](b, tensor(x), shift, axis),
    "numpy.BroadcastTo": lambda b, x, shape: FUNCTIONS["broadcast_to"](b, tensor(x), shape),
    "numpy.Tril": lambda b, x, k=0: FUNCTIONS["tril"](b, tensor(x), k),
    "numpy.Triu": lambda b, x, k=0: FUNCTIONS["triu"](b, tensor(x), k),
    "numpy.Sort": lambda b, x, axis=-1: FUNCTIONS["sort"](b, tensor(x), axis),
    "numpy.Concatenate": concatenate,
    "numpy.Stack": lambda b, x, axis=0: _joined("stack")(b, x, axis),
    "numpy.Split": split,
    "numpy.Tile": tile,
    "numpy.Repeat": repeat,
    "numpy.Pad": pad,
    "numpy.GetItem": get_item,
    "numpy.Take": take,
    "numpy.TakeAlongAxis": take_along_axis,
    "numpy.FullLike": full_like,
    "numpy.ZerosLike": lambda b, x, dtype=None: _filled(b, x, 0, dtype),
    "numpy.OnesLike": lambda b, x, dtype=None: _filled(b, x, 1, dtype),
    "numpy.Copy": itself,
    "core.Cast": cast,
    "core.StopGradient": lambda b, variable: itself(b, variable),
    "core.Unstack": unstack,
}
