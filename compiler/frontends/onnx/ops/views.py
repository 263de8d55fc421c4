"""Operators that give values another shape, order or place, without changing them."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.types import ShapeError, format_shape
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.padding import padded
from neuralc.frontends.sizes import Size, exact_quotient, total, up_to_multiple
from neuralc.frontends.values import Value


# --- shapes ----------------------------------------------------------------------------------------------------------
@onnx_op("Reshape", makes=("graph.reshape",))
def reshape(node: Node) -> Value:
    """0 keeps a size (unless `allowzero`), -1 is what is left."""
    x, sizes = node.input(0), node.sizes(1, "sizes")
    if not node.integer("allowzero", 0):
        if any(size == 0 and axis >= x.rank for axis, size in enumerate(sizes)):
            raise ShapeError(f"{sizes} keeps a size that {format_shape(x.shape)} does not have")
        sizes = [x.shape[axis] if size == 0 else size for axis, size in enumerate(sizes)]
    return node.reshape(x, _completed(node, x, sizes))


def _completed(node: Node, x: Value, sizes: Sequence[Size]) -> list[Size]:
    """The sizes with -1 filled in; symbols become what makes the number of values the same."""
    if any(isinstance(size, int) and size < -1 for size in sizes) or list(sizes).count(-1) > 1:
        raise ShapeError(f"{format_shape(sizes)} is no shape")
    count, others = total(x.shape), total(size for size in sizes if size != -1)
    if -1 in sizes:
        left = 0 if count == 0 and others == 0 else exact_quotient(count, others)
        if left is None:
            if isinstance(count, int) and isinstance(others, int):
                raise ShapeError(f"{count} values of {format_shape(x.shape)} do not fill {format_shape(sizes)}")
            if not node.builder.symbols.divisible(count, others):
                node.refuse(f"{format_shape(x.shape)} fills {format_shape(sizes)} only for some sizes")
            return _completed(node, x, node.builder.symbols.current(sizes))
        return [left if size == -1 else size for size in sizes]
    if count != others:
        _solve(node, x.shape, sizes)
    return list(node.builder.symbols.current(sizes))


def _solve(node: Node, before: Sequence[Size], after: Sequence[Size]) -> None:
    """Give a symbol the value with which both shapes have the same number of values."""
    for these, those in ((before, after), (after, before)):
        for axis, size in enumerate(these):
            rest = total(other for i, other in enumerate(these) if i != axis)
            needed = exact_quotient(total(those), rest)
            if isinstance(size, Dim) and needed is not None:
                node.builder.symbols.unify(size, needed)
                return
    if not node.builder.symbols.equal_multiples(total(before), total(after)):
        raise ShapeError(f"cannot reshape {format_shape(before)} to {format_shape(after)}")


@onnx_op("Flatten", makes=("graph.reshape",))
def flatten(node: Node) -> Value:
    x = node.input(0)
    axis = node.integer("axis", 1)
    axis = axis + x.rank if axis < 0 else axis
    if not 0 <= axis <= x.rank:
        raise ShapeError(f"axis {axis} of {x.rank} dims")
    return node.reshape(x, (total(x.shape[:axis]), total(x.shape[axis:])))


def _axes(node: Node, rank: int) -> list[int]:
    """The axes of Squeeze and Unsqueeze: an input since version 13."""
    axes = list(node.integers("axes")) if node.version < 13 else node.whole(1, "axes")
    places = [node.axis(axis, rank) for axis in axes]
    if len(set(places)) != len(places):
        raise ShapeError(f"axes {axes} name one dim twice")
    return places


@onnx_op("Squeeze", makes=("graph.reshape",))
def squeeze(node: Node) -> Value:
    """Without axes, all dims of size 1; a symbolic size is taken to be another one."""
    x = node.input(0)
    given = node.has("axes") if node.version < 13 else node.optional(1) is not None
    if not given:
        return node.reshape(x, [size for size in x.shape if size != 1])
    axes = _axes(node, x.rank)
    for axis in axes:
        node.builder.symbols.unify(x.shape[axis], 1)
    return node.reshape(x, [size for axis, size in enumerate(x.shape) if axis not in axes])


@onnx_op("Unsqueeze", makes=("graph.reshape",))
def unsqueeze(node: Node) -> Value:
    x = node.input(0)
    count = len(node.integers("axes") if node.version < 13 else node.whole(1, "axes"))
    axes = _axes(node, x.rank + count)
    sizes = iter(x.shape)
    return node.reshape(x, [1 if axis in axes else next(sizes) for axis in range(x.rank + count)])


@onnx_op("Transpose", makes=("graph.transpose",))
def transpose(node: Node) -> Value:
    x = node.input(0)
    perm = node.integers("perm") if node.has("perm") else tuple(reversed(range(x.rank)))
    if sorted(perm) != list(range(x.rank)):
        raise ShapeError(f"perm {list(perm)} is not an order of {x.rank} dims")
    return node.transpose(x, perm)


@onnx_op("DepthToSpace", makes=("graph.reshape", "graph.transpose"))
def depth_to_space(node: Node) -> Value:
    """Blocks of channels become blocks of pixels; mode DCR: block row, block column, channel; CRD: channel first."""
    x, n = node.input(0), _block_size(node)
    mode = node.string("mode", "DCR")
    b, c, *space = x.shape
    k = len(space)
    channels = exact_quotient(c, n**k)
    if mode not in ("DCR", "CRD") or k < 1 or channels is None:
        raise ShapeError(f"{format_shape(x.shape)} has no blocks of {n} in mode {mode}")
    first = mode == "CRD"
    parts = node.reshape(x, (b, *([channels] * first), *([n] * k), *([channels] * (not first)), *space))
    blocks = [1 + first + i for i in range(k)]
    order = [x_ for i in range(k) for x_ in (2 + k + i, blocks[i])]
    moved = node.transpose(parts, (0, 1 if first else 1 + k, *order))
    return node.reshape(moved, (b, channels, *(simplest(as_dim(size) * n) for size in space)))


@onnx_op("SpaceToDepth", makes=("graph.reshape", "graph.transpose"))
def space_to_depth(node: Node) -> Value:
    x, n = node.input(0), _block_size(node)
    mode = node.string("mode", "DCR")
    b, c, *space = x.shape
    k = len(space)
    for axis in range(2, x.rank):
        if exact_quotient(x.shape[axis], n) is None:
            node.builder.symbols.divisible(x.shape[axis], n)
    b, c, *space = x.shape
    places = [exact_quotient(size, n) for size in space]
    left = [size for size in places if size is not None]
    if mode not in ("DCR", "CRD") or k < 1 or len(left) < k:
        raise ShapeError(f"{format_shape(x.shape)} has no blocks of {n} in mode {mode}")
    parts = node.reshape(x, (b, c, *(size for place in left for size in (place, n))))
    blocks, outer = [3 + 2 * i for i in range(k)], [2 + 2 * i for i in range(k)]
    order = (0, *blocks, 1, *outer) if mode == "DCR" else (0, 1, *blocks, *outer)
    return node.reshape(node.transpose(parts, order), (b, simplest(as_dim(c) * n**k), *left))


def _block_size(node: Node) -> int:
    size = node.integer("blocksize")
    if size < 1:
        raise ShapeError(f"a block size of {size}")
    return size


# --- joining and repeating -------------------------------------------------------------------------------------------
@onnx_op("Concat", makes=("graph.concat",))
def concat(node: Node) -> Value:
    return node.concat(node.inputs, node.axis(node.integer("axis"), node.input(0).rank))


@onnx_op("Expand", makes=("graph.expand",))
def expand(node: Node) -> Value:
    """Broadcasts in both directions."""
    x, sizes = node.input(0), node.sizes(1, "sizes")
    rank = max(x.rank, len(sizes))
    before = (1,) * (rank - x.rank) + tuple(x.shape)
    wanted = (1,) * (rank - len(sizes)) + tuple(sizes)
    for a, b in zip(before, wanted, strict=True):
        if a != 1 and b != 1:
            node.builder.symbols.unify(a, b)
    shape = [b if a == 1 else a for a, b in zip(before, wanted, strict=True)]
    return node.expand(x, node.builder.symbols.current(shape))


@onnx_op("Tile", makes=("graph.reshape", "graph.expand"))
def tile(node: Node) -> Value:
    """Each dim gets one before it that repeats."""
    x, repeats = node.input(0), node.sizes(1, "repeats")
    if len(repeats) != x.rank:
        raise ShapeError(f"{len(repeats)} repeats for {x.rank} dims")
    if all(repeat == 1 for repeat in repeats):
        return x
    pairs = list(zip(repeats, x.shape, strict=True))
    apart = node.reshape(x, [part for _, size in pairs for part in (1, size)])
    spread = node.expand(apart, [part for pair in pairs for part in pair])
    return node.reshape(spread, [simplest(as_dim(repeat) * size) for repeat, size in pairs])


# --- padding ---------------------------------------------------------------------------------------------------------
@onnx_op("Pad", makes=("graph.pad", "graph.slice", "graph.concat", "graph.constant"))
def pad(node: Node) -> Value:
    """Lows then highs, an input since version 11; negative ones cut off. Axes are an input since version 18."""
    x, mode = node.input(0), node.string("mode", "constant")
    amounts: list[Size] = node.sizes(1, "pads") if node.version >= 11 else list(node.integers("pads"))
    axes = node.whole(3, "axes") if node.optional(3) is not None else list(range(x.rank))
    if len(amounts) != 2 * len(axes):
        raise ShapeError(f"{len(amounts)} pads for {len(axes)} axes")
    low: list[Size] = [0] * x.rank
    high: list[Size] = [0] * x.rank
    for i, axis in enumerate(axes):
        place = node.axis(axis, x.rank)
        low[place] = amounts[i]
        high[place] = up_to_multiple(simplest(as_dim(x.shape[place]) + low[place]), amounts[len(axes) + i])
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise ShapeError(f"a mode `{mode}`")
    return padded(node, x, low, high, mode, _pad_value(node, x) if mode == "constant" else None)


def _pad_value(node: Node, x: Value) -> Value:
    if node.version < 11:
        return node.scalar(node.real("value", 0.0), x)
    value = node.optional(2)
    return node.scalar(0, x) if value is None else node.reshape(value, ())


@onnx_op("CenterCropPad", makes=("graph.slice", "graph.pad"))
def center_crop_pad(node: Node) -> Value:
    """Cuts or pads around the middle; the odd place goes to the end."""
    x, wanted = node.input(0), node.whole(1, "sizes")
    axes = [node.axis(axis, x.rank) for axis in node.integers("axes")] if node.has("axes") else list(range(x.rank))
    if len(axes) != len(wanted):
        raise ShapeError(f"{len(wanted)} sizes for {len(axes)} axes")
    low: list[Size] = [0] * x.rank
    high: list[Size] = [0] * x.rank
    for axis, size in zip(axes, wanted, strict=True):
        have = x.shape[axis]
        if isinstance(have, Dim):
            node.refuse(f"of a symbolic size {have}")
        low[axis] = (size - have) // 2 if size >= have else -((have - size) // 2)
        high[axis] = size - have - int(str(low[axis]))
    return padded(node, x, low, high, "constant", node.scalar(0, x))
