"""Ops that write where values say: updates of slices, and scatters of any form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import i1

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import ShapeError
from neuralc.frontends.padding import padded
from neuralc.frontends.sizes import Size
from neuralc.frontends.stablehlo.dimension_numbers import Scatter
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.ops.indexing import as_index, inside, vectors_last
from neuralc.frontends.stablehlo.regions import kind_of
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value, as_size, objects

KINDS = {"sum": "add", "prod": "mul", "maximum": "maximum", "minimum": "minimum", "second": "set"}
"""What a region does with a value and its update -> a kind of graph.scatter_nd."""


@stablehlo_op(
    "stablehlo.dynamic_update_slice",
    makes=("graph.concat", "graph.slice", "graph.iota", "graph.where", "graph.gather", "graph.sub", "graph.less"),
)
def dynamic_update_slice(node: Node) -> Value:
    """Operands: x, the update, and its place along each dim, moved inside where it is not."""
    x, update, *starts = node.inputs
    stacked = node.session.stacked(x, update, starts[0]) if starts else None
    if stacked is not None:
        return stacked
    axes = [axis for axis in range(x.rank) if update.shape[axis] != x.shape[axis]]
    if not axes:
        return update
    places = [_place(node, starts[axis], simplest(as_dim(x.shape[axis]) - update.shape[axis])) for axis in axes]
    known = [place for place in places if place is not None]
    if len(known) == len(places):
        return _joined(node, x, update, list(zip(axes, known, strict=True)))
    return _chosen(node, x, update, axes, starts)


def _place(node: Node, start: Value, last: Size) -> Size | None:
    if start.known is None:
        return None
    bounds = node.builder.symbols.bounds
    return bounds.smaller(bounds.larger(as_size(start.known.reshape(())[()]), 0), last)


def _joined(node: Node, x: Value, update: Value, places: Sequence[tuple[int, Size]]) -> Value:
    """What is before the update, itself, and what is behind, dim by dim."""
    if not places:
        return update
    (axis, start), rest = places[0], places[1:]
    size = update.shape[axis]
    end = simplest(as_dim(start) + size)
    middle = _joined(node, node.pick(x, axis, start, size), update, rest)
    before = [] if start == 0 else [node.pick(x, axis, 0, start)]
    behind = [] if end == x.shape[axis] else [node.pick(x, axis, end, simplest(as_dim(x.shape[axis]) - end))]
    return node.concat([*before, middle, *behind], axis)


def _chosen(node: Node, x: Value, update: Value, axes: Sequence[int], starts: Sequence[Value]) -> Value:
    """Each place is from the update where it lies inside of it."""
    within: Value | None = None
    for axis in axes:
        size = update.shape[axis]
        start = inside(node, starts[axis], simplest(as_dim(x.shape[axis]) - size))
        count = node.sub(node.cast(node.iota(x.shape[axis]), start.element), start)
        zero, end = node.scalar(0, count), node.constant(objects([size], ()), count.element)
        there = node.emit(
            graph.LogicalAndOp, node.emit(graph.GreaterEqualOp, count, zero), node.emit(graph.LessOp, count, end)
        )
        if size == 1:
            there = node.emit(graph.EqualOp, count, zero)
        else:
            last = node.constant(objects([simplest(as_dim(size) - 1)], ()), count.element)
            source = node.emit(graph.MinimumOp, node.emit(graph.MaximumOp, count, zero), last)
            update = node.emit(graph.GatherOp, update, source, axis=axis)
        there = node.along(there, axis, x.rank)
        within = there if within is None else node.emit(graph.LogicalAndOp, within, there)
    if within is None:
        return update
    return node.emit(graph.WhereOp, within, update, x)


@dataclass
class _Columns:
    """The entries of index vectors, one for each dim of the operand that is written by place."""

    axes: list[int] = field(default_factory=list)
    columns: list[Value] = field(default_factory=list)
    starts: list[tuple[Value, Size]] = field(default_factory=list)
    """Where windows begin, and the last place from which one fits: others are outside as a whole (XLA)."""
    free: list[int] = field(default_factory=list)
    """Dims that every update writes as a whole."""


@stablehlo_op(
    "stablehlo.scatter",
    makes=(
        "graph.scatter_nd",
        "graph.transpose",
        "graph.reshape",
        "graph.concat",
        "graph.pad",
        "graph.slice",
        "graph.where",
    ),
    unread=("indices_are_sorted", "unique_indices"),
)
def scatter(node: Node) -> Sequence[Value]:
    """An update whose place is outside is dropped: it goes to a row behind the last one, which is cut off again."""
    kind = kind_of(node.region(0)) if len(node.inputs) == 3 else None
    if kind not in KINDS:
        node.refuse("by a region that is no single op")
    x, indices, updates = node.inputs
    if x.element == i1 and kind != "second":
        node.refuse("of truth values")
    dims = Scatter.of(node.attribute("scatter_dimension_numbers"))
    indices = as_index(node, vectors_last(node, indices, dims.vector))
    found, updates = _columns(node, x, indices, updates, dims)
    order = [*found.axes, *found.free]
    moved = node.transpose(x, order)
    vectors, spare = _dropping(node, found, moved)
    if spare:
        moved = padded(node, moved, [0] * x.rank, [1, *[0] * (x.rank - 1)], "constant", node.scalar(0, x))
    written = node.emit(graph.ScatterNdOp, moved, vectors, updates, kind=KINDS[kind])
    if spare:
        written = node.pick(written, 0, 0, x.shape[order[0]])
    return [node.transpose(written, [order.index(axis) for axis in range(x.rank)])]


def _columns(node: Node, x: Value, indices: Value, updates: Value, dims: Scatter) -> tuple[_Columns, Value]:
    """The columns of the index vectors, and the updates as [indices.., windows.., free dims..]."""
    windowed = [axis for axis in range(x.rank) if axis not in (*dims.inserted, *dims.operand_batch)]
    if len(windowed) != len(dims.window):
        raise ShapeError("the dims of a window do not fit the operand")
    place = dict(zip(windowed, dims.window, strict=True))
    batch = [axis for axis in range(updates.rank) if axis not in dims.window]
    mapped = {axis: entry for entry, axis in enumerate(dims.start_map)}
    stepped = [axis for axis in windowed if axis in mapped or updates.shape[place[axis]] != x.shape[axis]]
    found, rank = _Columns(free=[axis for axis in windowed if axis not in stepped]), len(batch) + len(stepped)
    for axis in range(x.rank):
        if axis in found.free:
            continue
        parts = []
        if axis in mapped:
            start = node.pick(indices, indices.rank - 1, mapped[axis], 1)
            parts.append(node.reshape(start, (*indices.shape[:-1], *(1 for _ in stepped))))
            _bounded(node, indices, start, parts[0])
            reach = updates.shape[place[axis]] if axis in stepped else 1
            found.starts.append((parts[0], simplest(as_dim(x.shape[axis]) - reach)))
        if axis in stepped and updates.shape[place[axis]] != 1:
            parts.append(_count(node, updates.shape[place[axis]], len(batch) + stepped.index(axis), rank, indices))
        if axis in dims.operand_batch:
            own = dims.indices_batch[dims.operand_batch.index(axis)]
            parts.append(_count(node, indices.shape[own], own, rank, indices))
        column = parts[0] if parts else node.fill(0, [1] * rank, indices.element)
        for part in parts[1:]:
            column = node.elementwise(graph.AddOp, column, part)
        found.axes.append(axis)
        found.columns.append(column)
    order = [*batch, *(place[axis] for axis in stepped), *(place[axis] for axis in found.free)]
    return found, node.transpose(updates, order)


def _bounded(node: Node, indices: Value, start: Value, column: Value) -> None:
    """What is known of all indices is known of one entry of theirs."""
    bounds = node.session.ranges.of(indices)
    if bounds is not None and start.known is None:
        node.session.ranges.set(column, *bounds)


def _count(node: Node, size: Size, axis: int, rank: int, like: Value) -> Value:
    """0, 1, 2, .. along one dim of several."""
    return node.along(node.cast(node.iota(size), like.element), axis, rank)


def _dropping(node: Node, found: _Columns, x: Value) -> tuple[Value, bool]:
    """The index vectors, and whether some may lie outside: those point behind the last row."""
    sizes = [x.shape[i] for i in range(len(found.columns))]
    shape: Sequence[Size] = ()
    for column in found.columns:
        shape = column.shape if not shape else [b if a == 1 else a for a, b in zip(shape, column.shape, strict=True)]
    columns, outside = list(found.columns), None
    for start, last in found.starts:
        if _is_inside(node, start, last):
            continue
        low = node.elementwise(graph.LessOp, start, node.scalar(0, start))
        high = node.elementwise(graph.GreaterOp, start, node.constant(objects([last], ()), start.element))
        beside = node.elementwise(graph.LogicalOrOp, low, high)
        outside = beside if outside is None else node.elementwise(graph.LogicalOrOp, outside, beside)
    if outside is not None:
        for i, column in enumerate(columns):
            instead = node.constant(objects([sizes[0] if i == 0 else 0], ()), column.element)
            columns[i] = node.elementwise(graph.WhereOp, outside, instead, column)
    joined = [node.reshape(node.expand(column, shape), (*shape, 1)) for column in columns]
    return node.concat(joined, len(shape)), outside is not None


def _is_inside(node: Node, column: Value, last: Size) -> bool:
    """Whether bounds show that all entries are among 0 .. last."""
    bounds = node.session.ranges.of(column)
    return bounds is not None and isinstance(last, int) and bounds[0] >= 0 and bounds[1] <= last
