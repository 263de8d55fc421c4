"""Regions of interest: bilinear samples of the bins of each region, and the largest pixel of each bin.

The geometry of the regions is a few vectors with one number a region. Of a fixed number of samples the values are a
map, and their mean or maximum a reduction. Where the size of a region decides how many there are, a loop takes one
sample of every bin a round, as many rounds as the largest region needs (tensor.while).

The pixels of a bin of max_roi_pool are those of its rows and of its columns: the largest along x of every bin, then
along y, with what lies beside the bin left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import f32, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import as_dim
from neuralc.dialects.types import Shape, element_bytes, element_of, shape_of, tensor_type
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.scalar_functions import ScalarBuilder

Corner: TypeAlias = Callable[[int], SSAValue]


def _wide(element: Attribute) -> Attribute:
    """The type in which places are computed."""
    return f32 if element_bytes(element) < 4 else element


def _of_regions(at: Lowering, rois: SSAValue, body: Callable[[ScalarBuilder, Corner], SSAValue]) -> SSAValue:
    """One number a region, from the columns of its row."""
    wide = _wide(element_of(rois.type))

    def write(b: ScalarBuilder, table: SSAValue) -> SSAValue:
        region = b.position("r", i64)
        return body(b, lambda column: b.convert(b.at(table, [region, b.number(column, region)]), wide))

    return at.map("*->r", [rois], shape_of(rois.type)[:1], write)


# -- roi_align -------------------------------------------------------------------------------------------------------


def _roi_align(at: Lowering, op: graph.RoiAlignOp) -> SSAValue:
    geometry = [vector for axis in (1, 0) for vector in _bins(at, op, axis)]
    operands = [op.x, op.batch_indices, *geometry]
    return _loop_of_samples(at, op, operands) if op.literal("sampling_ratio") == 0 else _samples(at, op, operands)


def _bins(at: Lowering, op: graph.RoiAlignOp, column: int) -> list[SSAValue]:
    """Along y (column 1) or x (column 0): where each region starts, how large its bins are, how many samples they have.

    The number of samples is a float: it is compared with and divided by, and small."""
    scale, half, ratio = op.literal("spatial_scale"), op.literal("half_pixel"), op.literal("sampling_ratio")
    bins = op.literal("sizes")[1 - column]

    def corner(b: ScalarBuilder, value: SSAValue) -> SSAValue:
        scaled = b.call("mul", value, scale)
        return b.call("sub", scaled, 0.5) if half else scaled

    def extent(b: ScalarBuilder, at_column: Corner) -> SSAValue:
        size = b.call("sub", corner(b, at_column(column + 2)), corner(b, at_column(column)))
        return b.call("div", size if half else b.call("maximum", size, 1.0), float(bins))

    def count(b: ScalarBuilder, at_column: Corner) -> SSAValue:
        size = extent(b, at_column)
        return b.number(ratio, size) if ratio else b.call("maximum", b.call("ceil", size), 0.0)

    return [
        _of_regions(at, op.rois, lambda b, at_column: corner(b, at_column(column))),
        _of_regions(at, op.rois, extent),
        _of_regions(at, op.rois, count),
    ]


def _sample(b: ScalarBuilder, op: graph.RoiAlignOp, values: Sequence[SSAValue], number: Sequence[SSAValue]) -> SSAValue:
    """Sample `number` along y and x of the bin of this place (r, c, p, q)."""
    image, index, *geometry = values
    shape, average = shape_of(op.x.type), op.literal("mode") == "average"
    wide = geometry[0].type
    places: list[tuple[SSAValue, SSAValue]] = []
    weights: list[tuple[SSAValue, SSAValue]] = []
    for axis, letter in enumerate("pq"):
        start, size, count = geometry[3 * axis : 3 * axis + 3]
        middle = b.call("div", b.call("add", b.convert(number[axis], wide), 0.5), b.call("maximum", count, 1.0))
        steps = b.call("add", b.convert(b.position(letter, i64), wide), middle)
        point = b.call("add", start, b.call("mul", steps, size))
        last = b.size(as_dim(shape[2 + axis]) - 1, wide)
        near_enough = b.call("and", b.call("ge", point, -1.0), b.call("le", point, b.size(shape[2 + axis], wide)))
        inside = b.call("minimum", b.call("maximum", point, 0.0), last)
        below = b.call("floor", inside)
        behind = b.call("sub", inside, below)
        none = b.number(0.0, behind)
        weights.append(
            (
                b.call("select", near_enough, b.call("sub", 1.0, behind), none),
                b.call("select", near_enough, behind, none),
            )
        )
        low = b.convert(below, i64)
        places.append((low, b.call("minimum", b.call("add", low, 1), b.size(as_dim(shape[2 + axis]) - 1, i64))))
    channel = b.position("c", i64)
    terms = [
        b.call(
            "mul",
            b.call("mul", weights[0][dy], weights[1][dx]),
            b.convert(b.at(image, [index, channel, places[0][dy], places[1][dx]], checked=True), wide),
        )
        for dy in (0, 1)
        for dx in (0, 1)
    ]
    result = terms[0]
    for term in terms[1:]:
        result = b.call("add" if average else "maximum", result, term)
    return result


def _samples(at: Lowering, op: graph.RoiAlignOp, operands: Sequence[SSAValue]) -> SSAValue:
    """A fixed number of samples in each bin."""
    ratio, average, element = op.literal("sampling_ratio"), op.literal("mode") == "average", element_of(op.x.type)

    def body(b: ScalarBuilder, *values: SSAValue) -> SSAValue:
        return _sample(b, op, values, [b.position("i", i64), b.position("j", i64)])

    shape = (*shape_of(op.result.type), ratio, ratio)
    words = ["*", *"r" * (len(operands) - 1)]
    values = at.map(f"{','.join(words)}->rcpqij", operands, shape, body)
    y = at.emit(tensor.ReduceOp.of(values, kind="add" if average else "maximum", dims=(4, 5)))
    if average:
        y = at.map("rcpq->rcpq", [y], shape[:4], lambda b, total: b.call("mul", total, 1.0 / ratio**2))
    return at.cast(y, element)


def _loop_of_samples(at: Lowering, op: graph.RoiAlignOp, operands: Sequence[SSAValue]) -> SSAValue:
    """Round k takes sample (k div columns, k rem columns) of every bin that has it; columns of the widest region."""
    average, shape, rows, columns = op.literal("mode") == "average", shape_of(op.result.type), operands[4], operands[7]
    wide = element_of(rows.type)
    most = [at.cast(at.emit(tensor.ReduceOp.of(count, kind="maximum", dims=(0,))), i64) for count in (rows, columns)]
    most = [at.map("->", [count], (), lambda b, n: b.call("maximum", n, 0)) for count in most]
    rounds = at.binary("mul", most[0], most[1], ",->", ())
    first = at.emit(tensor.FillOp.of(result=tensor_type((), i64), value=0))
    start = at.emit(tensor.FillOp.of(result=tensor_type(shape, wide), value=0.0 if average else float("-inf")))
    captured = [*operands, most[1], rounds]

    block = Block(arg_types=[first.type, start.type, *(value.type for value in captured)])
    inner = Lowering(op, block)
    number, total, *values = block.args

    def body(b: ScalarBuilder, so_far: SSAValue, k: SSAValue, width: SSAValue, *each: SSAValue) -> SSAValue:
        place = [b.call("div", k, width), b.call("rem", k, width)]
        sample = _sample(b, op, each, place)
        counts = b.call("and", *(b.call("lt", b.convert(n, wide), c) for n, c in zip(place, each[4::3], strict=True)))
        joined = b.call("add" if average else "maximum", so_far, sample)
        return b.call("select", counts, joined, so_far)

    words = ["rcpq", "", "", "*", *"r" * (len(operands) - 1)]
    step = inner.map(f"{','.join(words)}->rcpq", [total, number, values[-2], *values[:-2]], shape, body)
    following = inner.map("->", [number], (), lambda b, k: b.call("add", k, 1))
    again = inner.binary("lt", following, values[-1], ",->", ())
    block.add_op(tensor.YieldOp([again, following, step]))
    begin = at.binary("lt", first, rounds, ",->", ())
    loop = tensor.WhileOp.of(begin, [first, start], captured, Region(block))
    at.insert(loop)

    def finish(b: ScalarBuilder, total: SSAValue, rows: SSAValue, columns: SSAValue) -> SSAValue:
        count = b.call("mul", rows, columns)
        if average:
            return b.call("div", total, b.call("maximum", count, 1.0))
        return b.call("select", b.call("gt", count, 0.0), total, b.number(0.0, total))

    y = at.map("rcpq,r,r->rcpq", [loop.res[1], rows, columns], shape, finish)
    return at.cast(y, element_of(op.x.type))


# -- max_roi_pool ----------------------------------------------------------------------------------------------------


def _max_roi_pool(at: Lowering, op: graph.MaxRoiPoolOp) -> SSAValue:
    image, (count, channels, rows, columns) = shape_of(op.x.type), shape_of(op.result.type)
    index = at.cast(_of_regions(at, op.rois, lambda b, corner: corner(0)), i64)
    x_bins, y_bins = (_bin_edges(at, op, column) for column in (1, 2))
    lowest = float("-inf")

    def beside(b: ScalarBuilder, value: SSAValue, edges: Sequence[SSAValue], bin_: str, pixel: str) -> SSAValue:
        low, high = _edges(b, op, edges, bin_)
        place = b.position(pixel, i64)
        inside = b.call("and", b.call("ge", place, low), b.call("lt", place, high))
        return b.call("select", inside, value, b.number(lowest, value))

    def across(b: ScalarBuilder, x: SSAValue, region: SSAValue, *edges: SSAValue) -> SSAValue:
        pixel = b.at(x, [region, *(b.position(letter, i64) for letter in "cyx")], checked=True)
        return beside(b, pixel, edges, "q", "x")

    wide: Shape = (count, channels, image[2], columns, image[3])
    lines = at.map("*,r,r,r->rcyqx", [op.x, index, *x_bins], wide, across)
    lines = at.emit(tensor.ReduceOp.of(lines, kind="maximum", dims=(4,)))
    tall: Shape = (count, channels, rows, columns, image[2])
    bins = at.map("rcyq,r,r->rcpqy", [lines, *y_bins], tall, lambda b, value, *edges: beside(b, value, edges, "p", "y"))
    largest = at.emit(tensor.ReduceOp.of(bins, kind="maximum", dims=(4,)))

    def finish(b: ScalarBuilder, value: SSAValue, *edges: SSAValue) -> SSAValue:
        low, high = _edges(b, op, edges[:2], "p")
        left, right = _edges(b, op, edges[2:], "q")
        filled = b.call("and", b.call("lt", low, high), b.call("lt", left, right))
        return b.call("select", filled, value, b.number(0.0, value))

    return at.map("rcpq,r,r,r,r->rcpq", [largest, *y_bins, *x_bins], shape_of(op.result.type), finish)


def _bin_edges(at: Lowering, op: graph.MaxRoiPoolOp, column: int) -> list[SSAValue]:
    """Along x (column 1) or y (column 2): the first pixel of each region, and how many it has."""

    def rounded(b: ScalarBuilder, corner: SSAValue) -> SSAValue:
        scaled = b.call("mul", corner, op.literal("spatial_scale"))
        size = b.call("floor", b.call("add", b.call("abs", scaled), 0.5))
        return b.call("select", b.call("lt", scaled, 0.0), b.call("neg", size), size)

    def extent(b: ScalarBuilder, corner: Corner) -> SSAValue:
        size = b.call("sub", rounded(b, corner(column + 2)), rounded(b, corner(column)))
        return b.call("maximum", b.call("add", size, 1.0), 1.0)

    first = _of_regions(at, op.rois, lambda b, corner: rounded(b, corner(column)))
    return [at.cast(first, i64), at.cast(_of_regions(at, op.rois, extent), i64)]


def _edges(
    b: ScalarBuilder, op: graph.MaxRoiPoolOp, edges: Sequence[SSAValue], letter: str
) -> tuple[SSAValue, SSAValue]:
    """The first pixel of a bin and the one behind its last, inside the image."""
    axis = "pq".index(letter)
    bins, size = op.literal("sizes")[axis], shape_of(op.x.type)[2 + axis]
    first, extent = edges

    def clamped(count: SSAValue) -> SSAValue:
        place = b.call("add", first, count)
        return b.call("minimum", b.call("maximum", place, 0), b.size(size, i64))

    before = b.call("mul", b.position(letter, i64), extent)
    behind = b.call("add", b.call("add", before, extent), bins - 1)
    return clamped(b.call("div", before, bins)), clamped(b.call("div", behind, bins))


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.MaxRoiPoolOp: _max_roi_pool,
    graph.RoiAlignOp: _roi_align,
}
