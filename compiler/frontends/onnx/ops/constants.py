"""Values that the model writes down or makes from sizes: constants, shapes, ranges, masks."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import f32, i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import ShapeError, is_float, numpy_dtype
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.sizes import Size, Undecided, floor_quotient, total
from neuralc.frontends.values import Value, as_size


@onnx_op("Constant")
def constant(node: Node) -> Value:
    if node.has("value"):
        return node.tensor("value")
    if node.has("value_int"):
        return node.constant(np.array(node.integer("value_int")), i64)
    if node.has("value_ints"):
        return node.indices(node.integers("value_ints"))
    if node.has("value_float"):
        return node.constant(np.array(node.real("value_float"), np.float32), f32)
    if node.has("value_floats"):
        return node.constant(np.array(node.reals("value_floats"), np.float32), f32)
    for name, what in (("sparse_value", "a sparse tensor"), ("value_string", "a string"), ("value_strings", "strings")):
        if node.has(name):
            node.refuse(f"that is {what}")
    raise ShapeError("a constant without a value")


@onnx_op("ConstantOfShape", makes=("graph.constant", "graph.expand"))
def constant_of_shape(node: Node) -> Value:
    shape = node.sizes(0, "sizes")
    value = node.tensor("value") if node.has("value") else node.constant(np.zeros(1, np.float32), f32)
    return node.expand(node.reshape(value, ()), shape)


@onnx_op("Shape", makes=("graph.size",))
def shape(node: Node) -> Value:
    """Sizes are known to the import; those from `start` to `end` since version 15."""
    sizes = node.input(0).shape
    start, end = node.integer("start", 0), node.integer("end", len(sizes))
    return node.indices(sizes[slice(start, end)])


@onnx_op("Size", makes=("graph.size",))
def size(node: Node) -> Value:
    return node.constant(np.array(total(node.input(0).shape), object), i64)


@onnx_op("Range", makes=("graph.iota", "graph.mul", "graph.add", "graph.cast"), unread=("stash_type",))
def range_(node: Node) -> Value:
    """start + i * delta, as often as that is before the limit."""
    start, _, delta = node.inputs
    if is_float(start.element):
        low, high, step = (float(node.numbers(i, "bounds").reshape(-1)[0]) for i in range(3))
        if step == 0:
            node.refuse("with steps of 0")
        count: Size = max(int(np.ceil((high - low) / step)), 0)
    else:
        count = _steps(node, *(node.sizes(i, "bounds")[0] for i in range(3)))
    places = node.cast(node.iota(count), start.element)
    return node.add(node.mul(places, node.reshape(delta, ())), node.reshape(start, ()))


def _steps(node: Node, start: Size, limit: Size, delta: Size) -> Size:
    """max(ceil((limit - start) / delta), 0)."""
    if not isinstance(delta, int) or delta == 0:
        node.refuse(f"with steps of {delta}")
    way = as_dim(limit) - start if delta > 0 else as_dim(start) - limit
    step = abs(delta)
    count = simplest(way) if step == 1 else floor_quotient(simplest(way + (step - 1)), step)
    bounds = node.builder.symbols.bounds
    try:
        return 0 if bounds.less(count, 0) else count
    except Undecided:
        return simplest(as_dim(count).max(0))


@onnx_op("EyeLike", makes=("graph.iota", "graph.equal", "graph.cast"))
def eye_like(node: Node) -> Value:
    """1 where column - row == k."""
    x = node.input(0)
    if x.rank != 2:
        node.refuse(f"of a tensor of {x.rank} dims")
    element = node.element("dtype") if node.has("dtype") else x.element
    return node.cast(node.emit(graph.EqualOp, *diagonal(node, x, node.integer("k", 0))), element)


@onnx_op("Trilu", makes=("graph.iota", "graph.greater_equal", "graph.less_equal", "graph.where"))
def trilu(node: Node) -> Value:
    """Keeps what lies on, and above or below, the k-th diagonal of each matrix."""
    x = node.input(0)
    if x.rank < 2:
        node.refuse(f"of a tensor of {x.rank} dims")
    k = node.whole(1, "diagonal")[0] if node.optional(1) is not None else 0
    upper = bool(node.integer("upper", 1))
    kept = node.emit(graph.GreaterEqualOp if upper else graph.LessEqualOp, *diagonal(node, x, k))
    return node.emit(graph.WhereOp, kept, x, node.scalar(0, x))


def diagonal(node: Node, x: Value, k: int) -> tuple[Value, Value]:
    """Columns as a row vector, and row + k as a column vector: equal on the k-th diagonal."""
    columns = node.along(node.iota(x.shape[-1]), 1, 2)
    rows = node.along(node.iota(x.shape[-2]), 0, 2)
    return columns, node.add(rows, node.scalar(k, rows))


@onnx_op("OneHot", makes=("graph.iota", "graph.equal", "graph.where", "graph.less", "graph.cast"))
def one_hot(node: Node) -> Value:
    """`values` are [off, on]; indices from -depth to -1 count from the end, others outside are off everywhere."""
    indices, values = node.cast(node.input(0), i64), node.input(2)
    depth = _depth(node)
    axis = node.axis(node.integer("axis", -1), indices.rank + 1)
    count = node.reshape(node.indices([depth]), ())
    negative = node.emit(graph.LessOp, indices, node.scalar(0, indices))
    places = node.emit(graph.WhereOp, negative, node.add(indices, count), indices)
    spread = node.reshape(places, (*indices.shape[:axis], 1, *indices.shape[axis:]))
    hot = node.emit(graph.EqualOp, spread, node.along(node.iota(depth), axis, indices.rank + 1))
    off, on = (node.reshape(node.pick(values, 0, i, 1), ()) for i in range(2))
    return node.emit(graph.WhereOp, hot, on, off)


def _depth(node: Node) -> Size:
    depth = node.input(1)
    if depth.known is None or depth.known.size != 1:
        node.needs_values("its depth is computed when the model runs")
    return as_size(depth.known.reshape(-1)[0])


# --- of a size that depends on values --------------------------------------------------------------------------------
@onnx_op("NonZero", makes=("graph.iota",))
def non_zero(node: Node) -> Value:
    """Of known values, or of a vector of ones (how ranges were exported before there was Range)."""
    x = node.input(0)
    if x.numbers is not None:
        return node.constant(np.array(np.nonzero(x.numbers), np.int64), i64)
    if x.rank != 1 or x.ssa is None or not _is_filled(x.ssa):
        node.needs_values("the size of its result depends on values")
    return node.reshape(node.iota(x.shape[0]), (1, x.shape[0]))


def _is_filled(value: SSAValue) -> bool:
    """One number other than 0 at every place."""
    op = value.owner
    if isinstance(op, graph.ExpandOp):
        return _is_filled(op.x)
    return isinstance(op, graph.ConstantOp) and bool(op.literal("value"))


@onnx_op("Compress", makes=("graph.gather", "graph.reshape"))
def compress(node: Node) -> Value:
    """The places whose condition is true: known ones only."""
    x, condition = node.input(0), node.input(1)
    if condition.numbers is None:
        node.needs_values("the size of its result depends on values")
    places = node.indices([int(place) for place in np.flatnonzero(condition.numbers)])
    if not node.has("axis"):
        return node.emit(graph.GatherOp, node.reshape(x, (total(x.shape),)), places, axis=0)
    return node.emit(graph.GatherOp, x, places, axis=node.axis(node.integer("axis"), x.rank))


@onnx_op("Unique")
def unique(node: Node) -> list[Value]:
    """Of known values only."""
    x = node.input(0)
    if x.numbers is None or not node.integer("sorted", 1):
        node.needs_values("the size of its result depends on values")
    axis = node.axis(node.integer("axis"), x.rank) if node.has("axis") else None
    found = np.unique(x.numbers, return_index=True, return_inverse=True, return_counts=True, axis=axis)
    counts = [node.indices([int(n) for n in np.reshape(part, -1)]) for part in found[1:]]
    return [node.constant(found[0].astype(numpy_dtype(x.element)), x.element), *counts]
