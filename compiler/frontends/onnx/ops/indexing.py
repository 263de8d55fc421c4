"""Operators that take parts of a tensor, by places the model writes down or by places that are computed."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i64

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import ShapeError
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.sizes import Size, Undecided, exact_quotient
from neuralc.frontends.slices import extent
from neuralc.frontends.values import Value


@onnx_op("Slice", makes=("graph.slice",))
def slice_(node: Node) -> Value:
    """Places below 0 count from the end, and all are clamped. Starts, ends, axes and steps: inputs since version 10."""
    x = node.input(0)
    starts, ends, axes, steps = _slice_arguments(node, x.rank)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise ShapeError("a slice has a start, an end and a step for each axis")
    places: list[Size] = [0] * x.rank
    sizes: list[Size] = list(x.shape)
    strides = [1] * x.rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        try:
            places[axis], sizes[axis] = extent(node.builder.symbols.bounds, x.shape[axis], start, end, step)
        except Undecided as question:
            node.refuse(f"`{question}` differs between runs")
        strides[axis] = step
    return node.slice(x, places, sizes, strides)


def _slice_arguments(node: Node, rank: int) -> tuple[list[Size], list[Size], list[int], list[int]]:
    starts: list[Size]
    ends: list[Size]
    if node.version < 10:
        starts, ends = list(node.integers("starts")), list(node.integers("ends"))
        axes = list(node.integers("axes")) if node.has("axes") else list(range(len(starts)))
        steps = [1] * len(starts)
    else:
        starts, ends = node.sizes(1, "starts"), node.sizes(2, "ends")
        axes = node.whole(3, "axes") if node.optional(3) is not None else list(range(len(starts)))
        steps = node.whole(4, "steps") if node.optional(4) is not None else [1] * len(starts)
    if 0 in steps:
        raise ShapeError("a slice has steps of 0")
    return starts, ends, [node.axis(axis, rank) for axis in axes], steps


@onnx_op("Split", makes=("graph.slice",))
def split(node: Node) -> list[Value]:
    """Into given sizes (an attribute, an input since version 13), or into equal ones, the last one smaller."""
    x = node.input(0)
    axis = node.axis(node.integer("axis", 0), x.rank)
    sizes = _split_sizes(node, x.shape[axis])
    start = as_dim(0)
    parts: list[Value] = []
    for size in sizes:
        parts.append(node.pick(x, axis, simplest(start), size))
        start += size
    return parts


def _split_sizes(node: Node, size: Size) -> Sequence[Size]:
    given: Sequence[Size] | None = None
    if node.version < 13 and node.has("split"):
        given = node.integers("split")
    elif node.version >= 13 and node.optional(1) is not None:
        given = node.sizes(1, "sizes")
    if given is not None:
        if simplest(sum(map(as_dim, given), as_dim(0))) != size:
            node.builder.symbols.unify(simplest(sum(map(as_dim, given), as_dim(0))), size)
        return given
    count = node.integer("num_outputs", len(node.outputs))
    if count < 1:
        raise ShapeError(f"a split into {count} parts")
    equal = exact_quotient(size, count)
    if equal is not None:
        return [equal] * count
    if isinstance(size, Dim):
        node.refuse(f"of a size `{size}` that {count} does not divide")
    if node.version < 18:
        raise ShapeError(f"{size} does not fall into {count} equal parts")
    part = -(-size // count)
    return [max(min(part, size - i * part), 0) for i in range(count)]


# --- by places that are values -----------------------------------------------------------------------------------
@onnx_op("Gather", makes=("graph.gather",))
def gather(node: Node) -> Value:
    x = node.input(0)
    return node.emit(graph.GatherOp, x, node.input(1), axis=node.axis(node.integer("axis", 0), x.rank))


@onnx_op("GatherElements", makes=("graph.gather_elements",))
def gather_elements(node: Node) -> Value:
    x = node.input(0)
    return node.emit(graph.GatherElementsOp, x, node.input(1), axis=node.axis(node.integer("axis", 0), x.rank))


@onnx_op("GatherND", makes=("graph.gather_nd",))
def gather_nd(node: Node) -> Value:
    return node.emit(graph.GatherNdOp, *node.inputs, batch_dims=node.integer("batch_dims", 0))


KINDS = {"none": "set", "add": "add", "mul": "mul", "max": "maximum", "min": "minimum"}


def _kind(node: Node) -> str:
    reduction = node.string("reduction", "none")
    if reduction not in KINDS:
        raise ShapeError(f"a reduction `{reduction}`")
    return KINDS[reduction]


@onnx_op("ScatterElements", "Scatter", makes=("graph.scatter_elements",))
def scatter_elements(node: Node) -> Value:
    x = node.input(0)
    axis = node.axis(node.integer("axis", 0), x.rank)
    return node.emit(graph.ScatterElementsOp, *node.inputs, axis=axis, kind=_kind(node))


@onnx_op("ScatterND", makes=("graph.scatter_nd",))
def scatter_nd(node: Node) -> Value:
    return node.emit(graph.ScatterNdOp, *node.inputs, kind=_kind(node))


@onnx_op("ReverseSequence", makes=("graph.reverse_sequence",))
def reverse_sequence(node: Node) -> Value:
    batch, time = node.integer("batch_axis", 1), node.integer("time_axis", 0)
    return node.emit(graph.ReverseSequenceOp, *node.inputs, batch_axis=batch, time_axis=time)


@onnx_op("TensorScatter", makes=("graph.gather_elements", "graph.where", "graph.iota"))
def tensor_scatter(node: Node) -> Value:
    """A cache whose places from write_indices[b] on are the update; circular: counted around the end."""
    past, update = node.input(0), node.input(1)
    axis = node.axis(node.integer("axis", -2), past.rank)
    length, count = past.shape[axis], update.shape[axis]
    mode = node.string("mode", "linear")
    if mode not in ("linear", "circular") or axis == 0:
        raise ShapeError(f"a mode `{mode}` along axis {axis}")
    first = node.optional(2) or node.fill(0, (past.shape[0],), i64)
    places = node.sub(node.along(node.iota(length), axis, past.rank), node.along(first, 0, past.rank))
    if mode == "circular":
        places = node.emit(graph.RemainderOp, places, node.cast(node.reshape(node.indices([length]), ()), i64))
    last = node.reshape(node.indices([simplest(as_dim(count) - 1)]), ())
    zero = node.scalar(0, places)
    written = node.emit(
        graph.LogicalAndOp,
        node.emit(graph.GreaterEqualOp, places, zero),
        node.emit(graph.LessEqualOp, places, last),
    )
    inside = node.emit(graph.MaximumOp, node.emit(graph.MinimumOp, places, last), zero)
    new = node.emit(graph.GatherElementsOp, update, node.expand(inside, past.shape), axis=axis)
    return node.emit(graph.WhereOp, written, new, past)
