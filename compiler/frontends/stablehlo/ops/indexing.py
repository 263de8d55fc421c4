"""Ops that read where values say: slices at computed places, and gathers of any form.

A place outside is moved to the nearest one inside, as StableHLO has it; where bounds show that there is none (a
position that argmax found, a count), nothing is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import i32, i64

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import ShapeError
from neuralc.frontends.sizes import Size
from neuralc.frontends.stablehlo.dimension_numbers import Gather
from neuralc.frontends.stablehlo.node import Node
from neuralc.frontends.stablehlo.registry import stablehlo_op
from neuralc.frontends.values import Value, as_size, objects

Label = tuple[str, int]
"""A dim of a result: ("x", axis of the operand), or ("i", axis of the indices)."""


@stablehlo_op(
    "stablehlo.dynamic_slice", makes=("graph.slice", "graph.gather", "graph.maximum", "graph.minimum", "graph.add")
)
def dynamic_slice(node: Node) -> Value:
    """Operands: x, and the place along each dim."""
    x, sizes = node.input(0), node.integers("slice_sizes")
    return sliced_at(node, x, node.inputs[1:], sizes)


def sliced_at(node: Node, x: Value, starts: Sequence[Value], sizes: Sequence[Size]) -> Value:
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        walked = node.session.walked(x, start) if axis == 0 and size == 1 else None
        if walked is not None:
            x = node.reshape(walked, (1, *walked.shape))
        elif size != x.shape[axis]:
            x = _part(node, x, axis, start, size)
    return x


def _part(node: Node, x: Value, axis: int, start: Value, size: Size) -> Value:
    """`size` places of one dim, from a place that may be computed."""
    last = simplest(as_dim(x.shape[axis]) - size)
    if start.known is not None:
        bounds = node.builder.symbols.bounds
        first = bounds.smaller(bounds.larger(as_size(start.known.reshape(())[()]), 0), last)
        return node.pick(x, axis, first, size)
    place = inside(node, start, last)
    if size == 1:
        found = node.emit(graph.GatherOp, x, place, axis=axis)
        return node.reshape(found, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    places = node.add(place, node.cast(node.iota(size), place.element))
    return node.emit(graph.GatherOp, x, places, axis=axis)


def inside(node: Node, index: Value, last: Size) -> Value:
    """An index moved to 0 .. last where it is not, as an integer that indices can be."""
    bounds = node.session.ranges.of(index)
    index = as_index(node, index)
    if bounds is not None and bounds[0] >= 0 and (isinstance(last, int) and bounds[1] <= last):
        return index
    least, most = node.scalar(0, index), node.constant(objects([last], ()), index.element)
    if bounds is None or bounds[0] < 0:
        index = node.elementwise(graph.MaximumOp, index, least)
    return node.elementwise(graph.MinimumOp, index, most)


def as_index(node: Node, index: Value) -> Value:
    return index if index.element in (i32, i64) else node.cast(index, i64)


@stablehlo_op(
    "stablehlo.gather",
    makes=(
        "graph.gather",
        "graph.gather_nd",
        "graph.transpose",
        "graph.reshape",
        "graph.maximum",
        "graph.minimum",
        "graph.add",
    ),
    unread=("indices_are_sorted",),
)
def gather(node: Node) -> Value:
    return gathered(node, list(node.integers("slice_sizes")))


@stablehlo_op(
    "stablehlo.dynamic_gather",
    makes=(
        "graph.gather",
        "graph.gather_nd",
        "graph.transpose",
        "graph.reshape",
        "graph.maximum",
        "graph.minimum",
        "graph.add",
    ),
    unread=("indices_are_sorted",),
)
def dynamic_gather(node: Node) -> Value:
    return gathered(node, node.sizes(2, "sizes of slices"))


def gathered(node: Node, sizes: Sequence[Size]) -> Value:
    x, dims = node.input(0), Gather.of(node.attribute("dimension_numbers"))
    indices = vectors_last(node, node.input(1), dims.vector)
    if len(sizes) != x.rank or indices.shape[-1] != len(dims.start_map):
        raise ShapeError("slice sizes or index vectors do not fit the operand")
    if indices.rank == 1 and not dims.operand_batch:
        return _one_slice(node, x, node.input(1), sizes, dims)
    dims = _moving(x, sizes, dims)
    if len(dims.start_map) < indices.shape[-1]:
        indices = node.concat(
            [node.pick(indices, indices.rank - 1, entry, 1) for entry in dims.entries], indices.rank - 1
        )
    x = _cut(node, x, sizes, dims)
    if _is_along_axis(x, sizes, dims):
        found, labels = _along_axis(node, x, indices, dims.start_map[0])
    else:
        found, labels = _at_vectors(node, x, indices, sizes, dims)
    return _in_order(node, found, labels, sizes, dims, indices.rank - 1)


def _one_slice(node: Node, x: Value, vector: Value, sizes: Sequence[Size], dims: Gather) -> Value:
    """A gather by one vector is a slice at its entries."""
    entries = node.session.vectors.entries(node, vector)
    if entries is None:
        flat = node.reshape(vector, (len(dims.start_map),))
        entries = [node.reshape(node.pick(flat, 0, i, 1), ()) for i in range(len(dims.start_map))]
    starts = [node.scalar(0, entries[0])] * x.rank
    for axis, entry in zip(dims.start_map, entries, strict=True):
        starts[axis] = entry
    found = sliced_at(node, x, starts, sizes)
    return node.reshape(found, [size for axis, size in enumerate(found.shape) if axis not in dims.collapsed])


def _moving(x: Value, sizes: Sequence[Size], dims: Gather) -> Gather:
    """Without the entries of index vectors that a whole dim leaves no choice: they are moved to 0."""
    entries = [i for i, axis in enumerate(dims.start_map) if sizes[axis] != x.shape[axis]]
    if not entries:
        entries = [0]
    return replace(dims, start_map=tuple(dims.start_map[i] for i in entries), entries=tuple(entries))


def vectors_last(node: Node, indices: Value, vector: int) -> Value:
    """The indices with their vectors as the last dim."""
    if vector == indices.rank:
        return node.reshape(indices, (*indices.shape, 1))
    return node.transpose(indices, [*(axis for axis in range(indices.rank) if axis != vector), vector])


def _cut(node: Node, x: Value, sizes: Sequence[Size], dims: Gather) -> Value:
    """The operand without what no slice reaches, in dims that no index moves along."""
    fixed = [axis for axis in range(x.rank) if axis not in (*dims.start_map, *dims.operand_batch)]
    kept = [sizes[axis] if axis in fixed else size for axis, size in enumerate(x.shape)]
    return node.slice(x, [0] * x.rank, kept)


def _is_along_axis(x: Value, sizes: Sequence[Size], dims: Gather) -> bool:
    """numpy.take: whole slices along one axis."""
    return len(dims.start_map) == 1 and not dims.operand_batch and sizes[dims.start_map[0]] == 1


def _along_axis(node: Node, x: Value, indices: Value, axis: int) -> tuple[Value, list[Label]]:
    numbers = node.reshape(indices, indices.shape[:-1])
    bounds = node.session.ranges.of(indices)
    if bounds is not None and numbers.known is None:
        node.session.ranges.set(numbers, *bounds)
    places = inside(node, numbers, simplest(as_dim(x.shape[axis]) - 1))
    found = node.emit(graph.GatherOp, x, places, axis=axis)
    before, after = [("x", i) for i in range(axis)], [("x", i) for i in range(axis + 1, x.rank)]
    return found, [*before, *(("i", i) for i in range(numbers.rank)), *after]


def _at_vectors(node: Node, x: Value, indices: Value, sizes: Sequence[Size], dims: Gather) -> tuple[Value, list[Label]]:
    """graph.gather_nd of the operand with its batch first, then the dims that indices choose, then the others."""
    others = [axis for axis in range(x.rank) if axis not in (*dims.operand_batch, *dims.start_map)]
    x = node.transpose(x, [*dims.operand_batch, *dims.start_map, *others])
    free = [axis for axis in range(indices.rank - 1) if axis not in dims.indices_batch]
    indices = node.transpose(indices, [*dims.indices_batch, *free, indices.rank - 1])
    first = len(dims.operand_batch)
    reach = [sizes[axis] for axis in dims.start_map]
    limits = [simplest(as_dim(x.shape[first + i]) - size) for i, size in enumerate(reach)]
    indices = _all_inside(node, indices, limits)
    windows = [i for i, size in enumerate(reach) if size != 1]
    indices = with_windows(node, indices, [(i, _whole(node, reach[i])) for i in windows])
    found = node.emit(graph.GatherNdOp, x, indices, batch_dims=first)
    labels: list[Label] = [("i", axis) for axis in (*dims.indices_batch, *free)]
    labels += [("x", dims.start_map[i]) for i in windows]
    return found, [*labels, *(("x", axis) for axis in others)]


def _whole(node: Node, size: Size) -> int:
    if isinstance(size, Dim):
        node.refuse("of slices whose size differs between runs")
    return size


def _all_inside(node: Node, indices: Value, limits: Sequence[Size]) -> Value:
    """Index vectors with each entry moved to 0 .. its limit."""
    if len(set(map(str, limits))) == 1:
        return inside(node, indices, limits[0])
    bounds = node.session.ranges.of(indices)
    indices = as_index(node, indices)
    least = [limit for limit in limits if isinstance(limit, int)]
    if bounds is not None and bounds[0] >= 0 and len(least) == len(limits) and bounds[1] <= min(least):
        return indices
    above = node.elementwise(graph.MaximumOp, indices, node.scalar(0, indices))
    return node.elementwise(graph.MinimumOp, above, node.constant(objects(limits, (len(limits),)), indices.element))


def with_windows(node: Node, indices: Value, windows: Sequence[tuple[int, int]]) -> Value:
    """Index vectors of every place of windows that begin at the given ones: a dim for each, before the vectors."""
    if not windows:
        return indices
    count = indices.shape[-1]
    offsets = np.zeros((*(size for _, size in windows), count if isinstance(count, int) else 1), np.int64)
    for position, (entry, size) in enumerate(windows):
        steps = np.arange(size).reshape([size if i == position else 1 for i in range(len(windows))])
        offsets[..., entry] += steps
    spread = node.reshape(indices, (*indices.shape[:-1], *(1 for _ in windows), count))
    return node.elementwise(graph.AddOp, spread, node.constant(offsets, indices.element))


def _in_order(
    node: Node, found: Value, labels: Sequence[Label], sizes: Sequence[Size], dims: Gather, rank: int
) -> Value:
    """The dims in the order of the result, with those of size 1 that slices keep."""
    kept = [axis for axis in range(len(sizes)) if axis not in (*dims.collapsed, *dims.operand_batch)]
    offsets = dict(zip(dims.offset, kept, strict=True))
    batch = iter(range(rank))
    wanted: list[Label] = [
        ("x", offsets[axis]) if axis in offsets else ("i", next(batch)) for axis in range(len(kept) + rank)
    ]
    have = [label for label in wanted if label in labels]
    extra = [label for label in labels if label not in wanted]
    ordered = node.transpose(found, [labels.index(label) for label in (*have, *extra)])
    shapes = {label: ordered.shape[i] for i, label in enumerate(have)}
    return node.reshape(ordered, [shapes.get(label, 1) for label in wanted])
