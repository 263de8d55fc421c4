"""A tensor with other values at some places: what writes into a tensor becomes, when nothing is written."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i1, i64

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.frontends.sizes import Size, total
from neuralc.frontends.torch.node import Node, Number, Operand
from neuralc.frontends.torch.ops.indexing import places, vectors
from neuralc.frontends.torch.ops.views import bounds, place_of
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value

KINDS = {"add": "add", "multiply": "mul", "sum": "add", "prod": "mul", "amax": "maximum", "amin": "minimum"}


@aten("scatter", makes=("graph.scatter_elements", "graph.slice"))
def scatter(node: Node, x: Value, dim: int, index: Value, src: Operand, *, reduce: str | None = None) -> Value:
    """Of the source the places that the index has."""
    kind = "set" if reduce is None else KINDS[reduce]
    return _scattered(node, x, dim, index, src, kind)


def _scattered(node: Node, x: Value, dim: int, index: Value, src: Operand, kind: str) -> Value:
    if not x.rank:
        node.refuse("into a tensor without dims")
    where = places(node, index)
    if isinstance(src, Value) and src.rank == x.rank:
        updates = node.slice(node.cast(src, x.element), [0] * x.rank, where.shape)
    else:
        updates = node.expand(node.value(src, x.element), where.shape)
    return node.emit(graph.ScatterElementsOp, x, where, updates, axis=node.axis(dim, x.rank), kind=kind)


@aten("scatter_add", makes=("graph.scatter_elements",))
def scatter_add(node: Node, x: Value, dim: int, index: Value, src: Value) -> Value:
    return _scattered(node, x, dim, index, src, "add")


@aten("scatter_reduce", makes=("graph.scatter_elements", "graph.div", "graph.where"))
def scatter_reduce(
    node: Node, x: Value, dim: int, index: Value, src: Value, reduce: str, *, include_self: bool = True
) -> Value:
    """Without the values themselves, places that are written begin with what changes nothing."""
    if reduce == "mean":
        node.refuse("of a mean")
    if not include_self:
        neutral = {"sum": 0.0, "prod": 1.0, "amax": -float("inf"), "amin": float("inf")}[reduce]
        node.needs_float(x)
        x = _scattered(node, x, dim, index, neutral, "set")
    return _scattered(node, x, dim, index, src, KINDS[reduce])


@aten("index_put", "_unsafe_index_put", makes=("graph.scatter_nd", "graph.transpose", "graph.where"))
def index_put(node: Node, x: Value, indices: Sequence[Value | None], values: Value, accumulate: bool = False) -> Value:
    """At index vectors over leading dims; a mask of truth values with one value is a choice."""
    given = [each for each in indices if each is not None]
    if len(given) == 1 and given[0].element == i1:
        return _masked(node, x, indices, given[0], values, accumulate)
    axes = [axis for axis, each in enumerate(indices) if each is not None]
    if axes != list(range(axes[0], axes[0] + len(axes))):
        node.refuse("at dims that do not stand side by side")
    rest = [axis for axis in range(x.rank) if axis not in axes]
    moved = node.transpose(x, (*axes, *rest))
    where = vectors(node, [places(node, each) for each in given])
    rank = where.rank - 1
    before = axes[0]
    shape = (*x.shape[:before], *where.shape[:-1], *x.shape[before + len(axes) :])
    spread = node.expand(node.cast(values, x.element), shape)
    order = (*range(before, before + rank), *range(before), *range(before + rank, len(shape)))
    updates = node.transpose(spread, order)
    written = node.emit(graph.ScatterNdOp, moved, where, updates, kind="add" if accumulate else "set")
    back = sorted(range(x.rank), key=[*axes, *rest].__getitem__)
    return node.transpose(written, back)


def _masked(
    node: Node, x: Value, indices: Sequence[Value | None], mask: Value, values: Value, accumulate: bool
) -> Value:
    if values.rank and total(values.shape) != 1:
        node.refuse("by a mask, whose number of places depends on data")
    before = next(i for i, each in enumerate(indices) if each is not None)
    shaped = node.reshape(mask, (*mask.shape, *(1,) * (x.rank - before - mask.rank)))
    new = node.reshape(node.cast(values, x.element), ())
    return node.emit(graph.WhereOp, shaped, node.add(x, new) if accumulate else new, x)


@aten("index_add", "index_copy", makes=("graph.scatter_nd", "graph.transpose"))
def index_add(node: Node, x: Value, dim: int, index: Value, source: Value, *, alpha: Number = 1) -> Value:
    axis = node.axis(dim, x.rank)
    order = (axis, *(i for i in range(x.rank) if i != axis))
    updates = node.transpose(source if alpha == 1 else node.mul(source, node.scalar(alpha, source)), order)
    where = node.reshape(places(node, index), (total(index.shape), 1))
    kind = "add" if node.op == "index_add" else "set"
    written = node.emit(graph.ScatterNdOp, node.transpose(x, order), where, updates, kind=kind)
    return node.transpose(written, sorted(range(x.rank), key=order.__getitem__))


@aten("index_fill", makes=("graph.scatter_nd", "graph.transpose", "graph.expand"))
def index_fill(node: Node, x: Value, dim: int, index: Value, value: Operand) -> Value:
    axis, count = node.axis(dim, x.rank), total(index.shape)
    source = node.expand(node.value(value, x.element), (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    node.op = "index_copy"
    return index_add(node, x, dim, index, source)


# --- written parts ---------------------------------------------------------------------------------------------------
@aten("select_scatter", makes=("graph.slice", "graph.reshape", "graph.concat"))
def select_scatter(node: Node, x: Value, src: Value, dim: int, index: Size) -> Value:
    axis = node.axis(dim, x.rank)
    part = node.reshape(src, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))
    return _replaced(node, x, part, axis, place_of(node, index, x.shape[axis]))


@aten("slice_scatter", makes=("graph.slice", "graph.concat", "graph.scatter_elements"))
def slice_scatter(
    node: Node, x: Value, src: Value, dim: int = 0, start: Size | None = None, end: Size | None = None, step: Size = 1
) -> Value:
    axis = node.axis(dim, x.rank)
    stride = node.whole([step], "steps")[0]
    first, size = bounds(node, x.shape[axis], start, end, stride)
    part = node.expand(node.cast(src, x.element), (*x.shape[:axis], size, *x.shape[axis + 1 :]))
    if stride == 1:
        return _replaced(node, x, part, axis, first)
    line = node.iota(size)
    line = node.add(node.mul(line, node.scalar(stride, line)), node.reshape(node.indices([first]), ()))
    where = node.expand(node.along(line, axis, x.rank), part.shape)
    return node.emit(graph.ScatterElementsOp, x, where, part, axis=axis, kind="set")


def _replaced(node: Node, x: Value, part: Value, axis: int, first: Size) -> Value:
    """What stands before the part, the part, what stands behind it."""
    last = simplest(as_dim(first) + part.shape[axis])
    rest = simplest(as_dim(x.shape[axis]) - last)
    parts = [node.cast(part, x.element)]
    if first != 0:
        parts.insert(0, node.pick(x, axis, 0, first))
    if rest != 0:
        parts.append(node.pick(x, axis, last, rest))
    return node.concat(parts, axis)


@aten("copy", makes=("graph.cast", "graph.expand"))
def copy(node: Node, x: Value, src: Value) -> Value:
    """The values of the source, in the shape and type of what is written."""
    return node.expand(node.cast(src, x.element), x.shape)


@aten("fill", "zero", makes=("graph.constant", "graph.expand"))
def fill(node: Node, x: Value, value: Operand = 0) -> Value:
    return node.expand(node.value(value, x.element), x.shape)


@aten("masked_scatter", makes=("graph.cumulate", "graph.gather", "graph.where", "graph.reshape"))
def masked_scatter(node: Node, x: Value, mask: Value, source: Value) -> Value:
    """Where the mask is true, the values of the source one after the other."""

    count = total(x.shape)
    flags = node.reshape(node.expand(mask, x.shape), (count,))
    order = node.emit(graph.CumulateOp, node.cast(flags, i64), kind="sum", axis=0)
    zero = node.scalar(0, order)
    numbers = node.emit(graph.MaximumOp, node.sub(order, node.scalar(1, order)), zero)
    taken = node.emit(graph.GatherOp, node.reshape(source, (total(source.shape),)), numbers, axis=0)
    return node.reshape(node.emit(graph.WhereOp, flags, taken, node.reshape(x, (count,))), x.shape)
