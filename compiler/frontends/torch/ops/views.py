"""The same values in another shape or order, and parts of a tensor."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import ShapeError, tensor_type
from neuralc.frontends.sizes import Size, Undecided
from neuralc.frontends.slices import UNBOUNDED, extent
from neuralc.frontends.torch.node import Node
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


@aten("view.dtype", makes=("graph.bitcast",))
def bitcast(node: Node, x: Value, dtype: Attribute) -> Value:
    return node.emit(graph.BitcastOp, x, result=_type(node))


def _type(node: Node) -> Attribute:

    return tensor_type(node.shape, node.element)


RESHAPED = (
    "view", "reshape", "_unsafe_view", "_reshape_alias", "view_as", "reshape_as", "flatten", "unflatten", "squeeze",
    "unsqueeze", "ravel", "atleast_1d", "atleast_2d", "atleast_3d",
)  # fmt: skip


@aten(*RESHAPED, makes=("graph.reshape",))
def reshape(node: Node, x: Value, *arguments: object, **names: object) -> Value:
    """torch has found the shape."""
    return node.reshape(x, node.shape)


@aten("transpose", "swapaxes", "swapdims", makes=("graph.transpose",))
def transpose(node: Node, x: Value, dim0: int, dim1: int) -> Value:
    order = list(range(x.rank))
    a, b = node.axis(dim0, x.rank), node.axis(dim1, x.rank)
    if order:
        order[a], order[b] = order[b], order[a]
    return node.transpose(x, order)


@aten("t", "numpy_T", "mT", "mH", "adjoint", "matrix_H", makes=("graph.transpose",))
def turned(node: Node, x: Value) -> Value:
    if node.op in ("numpy_T", "t"):
        return node.transpose(x, range(x.rank)[::-1])
    return node.transpose(x, (*range(x.rank - 2), x.rank - 1, x.rank - 2))


@aten("permute", makes=("graph.transpose",))
def permute(node: Node, x: Value, dims: Sequence[int]) -> Value:
    return node.transpose(x, [node.axis(dim, x.rank) for dim in dims])


@aten("movedim", "moveaxis", makes=("graph.transpose",))
def movedim(node: Node, x: Value, source: int | Sequence[int], destination: int | Sequence[int]) -> Value:
    sources, places = node.axes(source, x.rank), node.axes(destination, x.rank)
    order: list[int | None] = [None] * x.rank
    for axis, place in zip(sources, places, strict=True):
        order[place] = axis
    rest = iter(axis for axis in range(x.rank) if axis not in sources)
    return node.transpose(x, [next(rest) if axis is None else axis for axis in order])


SAME = (
    "alias", "detach", "contiguous", "clone", "lift_fresh_copy", "lift_fresh", "lift", "positive", "resolve_conj",
    "resolve_neg", "conj", "_conj",
)  # fmt: skip


@aten(*SAME, makes=("graph.identity",))
def same(node: Node, x: Value) -> Value:
    """The same values: where memory lies is decided anew."""
    return x


@aten("expand", "expand_as", "broadcast_to", makes=("graph.expand",))
def expand(node: Node, x: Value, size: object, *, implicit: bool = False) -> Value:
    return node.expand(x, node.shape)


# --- parts -----------------------------------------------------------------------------------------------------------
@aten("slice", makes=("graph.slice",))
def slice_(
    node: Node, x: Value, dim: int = 0, start: Size | None = None, end: Size | None = None, step: Size = 1
) -> Value:
    """Places below 0 count from the end, and all are clamped."""
    axis = node.axis(dim, x.rank)
    stride = node.whole([step], "steps")[0]
    first, size = bounds(node, x.shape[axis], start, end, stride)
    starts: list[Size] = [0] * x.rank
    sizes: list[Size] = list(x.shape)
    steps = [1] * x.rank
    starts[axis], sizes[axis], steps[axis] = first, size, stride
    return node.slice(x, starts, sizes, steps)


def bounds(node: Node, size: Size, start: Size | None, end: Size | None, step: int) -> tuple[Size, Size]:
    """The first place and how many there are."""
    try:
        return extent(
            node.builder.symbols.bounds, size, 0 if start is None else start, UNBOUNDED if end is None else end, step
        )
    except Undecided as question:
        node.refuse(f"`{question}` differs between runs")


@aten("select", makes=("graph.slice", "graph.reshape"))
def select(node: Node, x: Value, dim: int, index: Size) -> Value:
    axis = node.axis(dim, x.rank)
    picked = node.pick(x, axis, place_of(node, index, x.shape[axis]), 1)
    return node.reshape(picked, (*x.shape[:axis], *x.shape[axis + 1 :]))


def place_of(node: Node, index: Size, size: Size) -> Size:
    """A place counted from the front. Raises ShapeError for one outside."""
    try:
        place = simplest(as_dim(index) + size) if node.builder.symbols.bounds.less(index, 0) else index
    except Undecided as question:
        node.refuse(f"`{question}` differs between runs")
    if isinstance(place, int) and isinstance(size, int) and not 0 <= place < size:
        raise ShapeError(f"place {index} of {size}")
    return place


@aten("narrow", makes=("graph.slice",))
def narrow(node: Node, x: Value, dim: int, start: Size, length: Size) -> Value:
    axis = node.axis(dim, x.rank)
    return node.pick(x, axis, place_of(node, start, x.shape[axis]), length)


SPLIT = (
    "split", "split_with_sizes", "chunk", "tensor_split", "unsafe_split", "unsafe_chunk", "hsplit", "vsplit",
)  # fmt: skip


@aten(*SPLIT, makes=("graph.slice",))
def split(node: Node, x: Value, sizes: object, dim: int = 0) -> list[Value | None]:
    """Into the parts that torch has found."""
    axis = node.axis({"hsplit": 1 if x.rank > 1 else 0, "vsplit": 0}.get(node.op, dim), x.rank)
    start = as_dim(0)
    parts: list[Value | None] = []
    for result in node.results:
        if result is None:
            node.refuse("into parts of unknown sizes")
        size = node.builder.symbols.current(result[1])[axis]
        parts.append(node.pick(x, axis, simplest(start), size))
        start += size
    return parts


@aten("unbind", makes=("graph.slice", "graph.reshape"))
def unbind(node: Node, x: Value, dim: int = 0) -> list[Value | None]:
    axis = node.axis(dim, x.rank)
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    return [node.reshape(node.pick(x, axis, i, 1), shape) if node.wants(i) else None for i in range(len(node.results))]


@aten("diagonal", makes=("graph.slice", "graph.einsum"))
def diagonal(node: Node, x: Value, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Value:
    """The square that has the diagonal, and of it the places with two equal coordinates; these become the last dim."""
    a, b = node.axis(dim1, x.rank), node.axis(dim2, x.rank)
    length = node.shape[-1]
    starts: list[Size] = [0] * x.rank
    sizes: list[Size] = list(x.shape)
    starts[a], starts[b] = max(-offset, 0), max(offset, 0)
    sizes[a] = sizes[b] = length
    square = node.slice(x, starts, sizes)
    letters = [chr(ord("a") + i) for i in range(x.rank)]
    letters[b] = letters[a]
    rest = [letter for i, letter in enumerate(letters) if i not in (a, b)]
    return node.emit(graph.EinsumOp, square, spec=f"{''.join(letters)}->{''.join([*rest, letters[a]])}")


@aten("flip", "fliplr", "flipud", makes=("graph.slice",))
def flip(node: Node, x: Value, dims: Sequence[int] = ()) -> Value:
    axes = {"fliplr": (1,), "flipud": (0,)}.get(node.op) or node.axes(dims, x.rank) if dims or node.op != "flip" else ()
    if not axes:
        return node.emit(graph.IdentityOp, x)
    starts: list[Size] = [simplest(as_dim(size) - 1) if i in axes else 0 for i, size in enumerate(x.shape)]
    return node.slice(x, starts, x.shape, [-1 if i in axes else 1 for i in range(x.rank)])


@aten("unfold", makes=("graph.slice", "graph.concat", "graph.reshape", "graph.gather"))
def unfold(node: Node, x: Value, dimension: int, size: int, step: int) -> Value:
    """Windows along a dim, whose places become the last dim: the places of all windows, gathered."""
    axis = node.axis(dimension, x.rank)
    count = node.shape[axis]
    starts = node.mul(node.iota(count), node.scalar(step, node.iota(1)))
    places = node.add(node.reshape(starts, (count, 1)), node.reshape(node.iota(size), (1, size)))
    windows = node.emit(graph.GatherOp, x, places, axis=axis)
    rest = [i for i in range(windows.rank) if i != axis + 1]
    return node.transpose(windows, (*rest, axis + 1))
