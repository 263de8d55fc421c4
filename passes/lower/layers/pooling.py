"""Pooling: reductions over windows.

Where a window of ceil_mode reaches past the padding, the operand is padded further; of a symbolic size by what could be
needed at most, and the windows too many are left out of the view. How many places of a window count depends on the
position alone: ones are pooled too, when the model is compiled where sizes are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, scalar, tensor
from neuralc.dialects.dims import Dim, as_dim, product, simplest
from neuralc.dialects.tensor.subscripts import ONE, identity
from neuralc.dialects.types import Shape, element_of, is_float, shape_of, tensor_type
from neuralc.passes.lower.layers.windows import Image, crop, pad, slide
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.places import place_type
from neuralc.passes.lower.scalar_functions import ScalarBuilder

Pool = graph.MaxPoolOp | graph.ArgMaxPoolOp | graph.AveragePoolOp


def _windows(at: Lowering, op: Pool, x: SSAValue, value: float, *, padded: bool = False) -> SSAValue:
    """All windows over x, which has the padding already where `padded`; `value` stands outside."""
    image = Image(op.literal("data_format"))
    pads, rank = op.literal("pads"), image.rank
    extents, sizes = image.spatial(shape_of(op.result.type)), image.spatial(shape_of(op.x.type))
    highs = [
        high + _past(op, i, size, extent)
        for i, (high, size, extent) in enumerate(zip(pads[rank:], sizes, extents, strict=True))
    ]
    lows = [0] * rank if padded else pads[:rank]
    if padded:
        highs = [high - given for high, given in zip(highs, pads[rank:], strict=True)]
    x = pad(at, x, image.along(lows), image.along(highs), value)
    view = slide(at, x, image, op.literal("window"), op.literal("strides"), op.literal("dilations"))
    shape = list(shape_of(view.type))
    for axis, extent in zip(image.axes, extents, strict=True):
        shape[axis] = extent
    return crop(at, view, [0] * len(shape), shape)


def _past(op: Pool, i: int, size: int | Dim, extent: int | Dim) -> int:
    """How far the last window of one dim may reach past the padding."""
    if not op.literal("ceil_mode"):
        return 0
    pads, stride = op.literal("pads"), op.literal("strides")[i]
    reach = op.literal("dilations")[i] * (op.literal("window")[i] - 1) + 1
    if isinstance(size, Dim) or isinstance(extent, Dim):
        return int(stride - 1)
    given = size + pads[i] + pads[i + len(pads) // 2]
    return max((extent - 1) * int(stride) + int(reach) - int(given), 0)


def _reduce(at: Lowering, kind: str, view: SSAValue, image: Image) -> SSAValue:
    """Over the taps of each window."""
    return at.emit(tensor.ReduceOp.of(view, kind=kind, dims=_tap_dims(image)))


def _tap_dims(image: Image) -> tuple[int, ...]:
    last = image.axes[-1]
    return tuple(range(last + 1, last + 1 + image.rank))


def _lowest(x: SSAValue) -> float:
    return scalar.identity("maximum", element_of(x.type))


def _max_pool(at: Lowering, op: graph.MaxPoolOp) -> SSAValue:
    return _reduce(at, "maximum", _windows(at, op, op.x, _lowest(op.x)), Image(op.literal("data_format")))


def _average_pool(at: Lowering, op: graph.AveragePoolOp) -> SSAValue:
    image, include, pads = Image(op.literal("data_format")), op.literal("count_include_pad"), op.literal("pads")
    total = _reduce(at, "add", _windows(at, op, op.x, 0.0), image)
    shape, letters = shape_of(total.type), identity(image.rank + 2)
    partial = op.literal("ceil_mode") and _reaches_past(op, image)
    if not partial and (include or not any(pads)):
        scale = 1.0 / math.prod(op.literal("window"))
        return at.map(f"{letters}->{letters}", [total], shape, lambda b, x: b.call("mul", x, scale))
    ones_shape: list[int | Dim] = [1] * (image.rank + 2)
    for i, axis in enumerate(image.axes):
        around = pads[i] + pads[i + image.rank] if include else 0
        ones_shape[axis] = simplest(as_dim(shape_of(op.x.type)[axis]) + around)

    def pooled_ones(inner: Lowering) -> SSAValue:
        ones = inner.emit(tensor.FillOp.of(result=tensor_type(ones_shape, element_of(op.x.type)), value=1.0))
        return _reduce(inner, "add", _windows(inner, op, ones, 0.0, padded=include), image)

    symbolic = any(isinstance(size, Dim) for size in ones_shape)
    count = pooled_ones(at) if symbolic else at.known("average_pool.counts", pooled_ones)
    places = "".join(letters[axis] if axis in image.axes else ONE for axis in range(image.rank + 2))
    return at.binary("div", total, count, f"{letters},{places}->{letters}", shape)


def _reaches_past(op: graph.AveragePoolOp, image: Image) -> bool:
    sizes, extents = image.spatial(shape_of(op.x.type)), image.spatial(shape_of(op.result.type))
    return any(_past(op, i, *each) > 0 for i, each in enumerate(zip(sizes, extents, strict=True)))


def _arg_max_pool(at: Lowering, op: graph.ArgMaxPoolOp) -> SSAValue:
    """The least place under a window that holds the largest value; taps of a window stand in the order of places."""
    image, shape = Image(op.literal("data_format")), shape_of(op.x.type)
    view = _windows(at, op, op.x, _lowest(op.x))
    best = _reduce(at, "maximum", view, image)
    windows, results = image.word("c", image.taps), image.word("c")
    index = place_type((simplest(product(shape)),))
    """Narrow where that counts every place: the places of all taps are compared."""
    behind_all = 2**30 if index == i32 else 2**62

    def place(b: ScalarBuilder, value: SSAValue, largest: SSAValue) -> SSAValue:
        found = b.call("eq", value, largest)
        if is_float(value.type):
            found = b.call("or", found, b.call("ne", value, value))
        at_axis = {0: b.position("n", index), image.channel: b.position("c", index)}
        for i, axis in enumerate(image.axes):
            first = b.call("mul", b.position(image.places[i], index), op.literal("strides")[i])
            tap = b.call("mul", b.position(image.taps[i], index), op.literal("dilations")[i])
            at_axis[axis] = b.call("sub", b.call("add", first, tap), op.literal("pads")[i])
            inside = b.call("ge", at_axis[axis], 0)
            inside = b.call("and", inside, b.call("lt", at_axis[axis], b.size(shape[axis], index)))
            found = b.call("and", found, inside)
        return b.call("select", found, _flat(b, [at_axis[i] for i in range(len(shape))], shape), behind_all)

    places = at.map(f"{windows},{results}->{windows}", [view, best], shape_of(view.type), place)
    first = _reduce(at, "minimum", places, image)
    letters = identity(len(shape))

    def finish(b: ScalarBuilder, found: SSAValue) -> SSAValue:
        counted = _column_major(b, found, image, shape) if op.literal("column_major") else found
        return b.convert(b.call("select", b.call("eq", found, behind_all), -1, counted), i64)

    return at.map(f"{letters}->{letters}", [first], shape_of(first.type), finish)


def _flat(b: ScalarBuilder, places: Sequence[SSAValue], shape: Shape) -> SSAValue:
    """The row-major place of an element."""
    total = places[0]
    for place, size in zip(places[1:], shape[1:], strict=True):
        total = b.call("add", b.call("mul", total, b.size(size, place.type)), place)
    return total


def _column_major(b: ScalarBuilder, found: SSAValue, image: Image, shape: Shape) -> SSAValue:
    """The row-major place with the spatial dims counted in reverse order."""
    places: list[SSAValue] = []
    for size in reversed(shape):
        extent = b.size(size, found.type)
        places.insert(0, b.call("rem", found, extent))
        found = b.call("div", found, extent)
    order = list(range(len(shape)))
    order[image.axes[0] : image.axes[-1] + 1] = reversed(image.axes)
    return _flat(b, [places[axis] for axis in order], tuple(shape[axis] for axis in order))


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.ArgMaxPoolOp: _arg_max_pool,
    graph.AveragePoolOp: _average_pool,
    graph.MaxPoolOp: _max_pool,
}
