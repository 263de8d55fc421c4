"""Values at places that other tensors give."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i1, i32, i64

from neuralc.dialects import graph
from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.types import Shape
from neuralc.frontends.sizes import total
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


def places(node: Node, x: Value) -> Value:
    """Indices as int64, or int32 where they are."""
    if x.element == i1:
        node.refuse("by a mask, whose number of places depends on data")
    return x if x.element in (i32, i64) else node.cast(x, i64)


@aten("embedding", makes=("graph.gather",))
def embedding(
    node: Node,
    weight: Value,
    indices: Value,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Value:
    return node.emit(graph.GatherOp, weight, places(node, indices), axis=0)


@aten("index_select", makes=("graph.gather",))
def index_select(node: Node, x: Value, dim: int, index: Value) -> Value:
    """A single index without dims counts as one place."""
    index = node.reshape(places(node, index), (total(index.shape),))
    if not x.rank:
        return node.reshape(x, node.shape)
    return node.emit(graph.GatherOp, x, index, axis=node.axis(dim, x.rank))


@aten("gather", "take_along_dim", makes=("graph.gather_elements",))
def gather(node: Node, x: Value, dim: int | Value, index: Value | int | None, *, sparse_grad: bool = False) -> Value:
    """take_along_dim has the places before the dim; without one it takes of all values in a row."""
    if isinstance(dim, Value):
        return _along(node, x, dim, index if isinstance(index, int) else None)
    if not isinstance(index, Value):
        node.refuse("without places")
    if not x.rank:
        return node.reshape(node.expand(x, index.shape), index.shape)
    return node.emit(graph.GatherElementsOp, x, places(node, index), axis=node.axis(dim, x.rank))


def _along(node: Node, x: Value, index: Value, dim: int | None) -> Value:
    if dim is None:
        flat = node.reshape(x, (total(x.shape),))
        return node.emit(graph.GatherElementsOp, flat, node.reshape(places(node, index), (total(index.shape),)), axis=0)
    axis = node.axis(dim, x.rank)
    around = broadcast(_with(x.shape, axis), _with(index.shape, axis))
    wide = node.expand(x, (*around[:axis], x.shape[axis], *around[axis + 1 :]))
    spread = node.expand(places(node, index), (*around[:axis], index.shape[axis], *around[axis + 1 :]))
    return node.emit(graph.GatherElementsOp, wide, spread, axis=axis)


def _with(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], 1, *shape[axis + 1 :])


@aten("take", makes=("graph.reshape", "graph.gather"))
def take(node: Node, x: Value, index: Value) -> Value:
    return node.emit(graph.GatherOp, node.reshape(x, (total(x.shape),)), places(node, index), axis=0)


@aten("index", "_unsafe_index", makes=("graph.gather", "graph.gather_nd", "graph.transpose", "graph.concat"))
def index(node: Node, x: Value, indices: Sequence[Value | None]) -> Value:
    """numpy's advanced indexing: the dims of the indices stand where the indexed dims were, or in front."""
    axes = [axis for axis, each in enumerate(indices) if each is not None]
    given = [places(node, each) for each in indices if each is not None]
    if not given:
        return node.emit(graph.IdentityOp, x)
    if len(given) == 1:
        return node.emit(graph.GatherOp, x, given[0], axis=axes[0])
    rest = [axis for axis in range(x.rank) if axis not in axes]
    front = node.transpose(x, (*axes, *rest))
    found = node.emit(graph.GatherNdOp, front, vectors(node, given))
    rank = found.rank - len(rest)
    if axes != list(range(axes[0], axes[0] + len(axes))) or not axes[0]:
        return found
    behind = range(rank, found.rank)
    return node.transpose(found, (*behind[: axes[0]], *range(rank), *behind[axes[0] :]))


def vectors(node: Node, given: Sequence[Value]) -> Value:
    """Indices of several dims as vectors along a new last dim."""
    shape: Shape = ()
    for each in given:
        shape = broadcast(shape, each.shape)
    spread = [node.expand(node.cast(each, i64), shape) for each in given]
    return node.concat([node.reshape(each, (*shape, 1)) for each in spread], len(shape))


@aten("one_hot", makes=("graph.equal", "graph.iota", "graph.cast"))
def one_hot(node: Node, x: Value, num_classes: int = -1) -> Value:
    if num_classes < 0:
        node.refuse("with as many classes as the data has")
    classes = node.reshape(node.iota(num_classes), (*(1,) * x.rank, num_classes))
    alike = node.emit(graph.EqualOp, node.reshape(node.cast(x, i64), (*x.shape, 1)), classes)
    return node.cast(alike, i64)


@aten("_embedding_bag", "_embedding_bag_forward_only", "embedding_bag", makes=("graph.gather", "graph.reduce"))
def embedding_bag(
    node: Node,
    weight: Value,
    indices: Value,
    offsets: Value,
    scale_grad_by_freq: bool = False,
    mode: int = 0,
    sparse: bool = False,
    per_sample_weights: Value | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = -1,
) -> list[Value | None]:
    """Bags of equal length: those of a matrix of indices, which torch has flattened, at offsets that are known."""
    starts = offsets.numbers
    count = indices.shape[0]
    if starts is None or not isinstance(count, int) or padding_idx not in (None, -1):
        node.refuse("with bags whose sizes differ between runs, or with padding")
    if include_last_offset:
        starts = starts[:-1]
    length, left = divmod(count, max(len(starts), 1))
    if left or [int(start) for start in starts] != [i * length for i in range(len(starts))]:
        node.refuse("with bags of different sizes")
    rows = node.emit(graph.GatherOp, weight, node.reshape(places(node, indices), (len(starts), length)), axis=0)
    if per_sample_weights is not None:
        rows = node.mul(rows, node.reshape(per_sample_weights, (len(starts), length, 1)))
    return [node.reduce(rows, ("sum", "mean", "maximum")[mode], (1,)), None, None, None]
