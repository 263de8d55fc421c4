"""Tensors put together, repeated, surrounded and moved around."""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.dialects.dims import as_dim, simplest
from neuralc.frontends.padding import padded
from neuralc.frontends.sizes import Size, exact_quotient, total
from neuralc.frontends.torch.node import Node, Number
from neuralc.frontends.torch.registry import aten
from neuralc.frontends.values import Value


@aten("cat", "concat", "concatenate", "hstack", "vstack", "dstack", makes=("graph.concat",))
def cat(node: Node, tensors: Sequence[Value], dim: int = 0) -> Value:
    """Empty vectors of old programs join with anything."""
    rank = max(x.rank for x in tensors)
    parts = [node.cast(x, node.element) for x in tensors if x.shape != (0,) or rank == 1]
    at_least = {"hstack": 1, "vstack": 2, "dstack": 3}.get(node.op, 0)
    parts = [_raised(node, x, at_least) for x in parts]
    axis = {"hstack": min(parts[0].rank - 1, 1), "vstack": 0, "dstack": 2}.get(node.op, dim)
    return node.concat(parts, node.axis(axis, parts[0].rank))


def _raised(node: Node, x: Value, rank: int) -> Value:
    """With dims of 1: in front of a vector, behind a matrix."""
    if x.rank >= rank:
        return x
    shape = (1,) * min(rank - x.rank, 2 - x.rank if x.rank < 2 else 0) + tuple(x.shape)
    return node.reshape(x, shape + (1,) * (rank - len(shape)))


@aten("stack", makes=("graph.reshape", "graph.concat"))
def stack(node: Node, tensors: Sequence[Value], dim: int = 0) -> Value:
    axis = node.axis(dim, tensors[0].rank + 1)
    parts = [node.cast(x, node.element) for x in tensors]
    return node.concat([node.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in parts], axis)


@aten("repeat", "tile", makes=("graph.reshape", "graph.expand"))
def repeat(node: Node, x: Value, repeats: Sequence[Size]) -> Value:
    """Each dim gets one before it that repeats."""
    rank = max(x.rank, len(repeats))
    times: list[Size] = [*(1,) * (rank - len(repeats)), *repeats]
    shape: list[Size] = [*(1,) * (rank - x.rank), *x.shape]
    x = node.reshape(x, shape)
    if all(count == 1 for count in times):
        return x
    pairs = list(zip(times, shape, strict=True))
    spread = node.expand(
        node.reshape(x, [part for _, size in pairs for part in (1, size)]), [part for pair in pairs for part in pair]
    )
    return node.reshape(spread, [simplest(as_dim(count) * size) for count, size in pairs])


def repeated(node: Node, x: Value, times: Size, axis: int) -> Value:
    """Each place along an axis several times in a row."""
    before, size, behind = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    spread = node.expand(node.reshape(x, (*before, size, 1, *behind)), (*before, size, times, *behind))
    return node.reshape(spread, (*before, simplest(as_dim(size) * times), *behind))


@aten("repeat_interleave.self_int", makes=("graph.reshape", "graph.expand"))
def repeat_interleave(
    node: Node, x: Value, repeats: Size, dim: int | None = None, *, output_size: Size | None = None
) -> Value:
    if dim is None:
        x = node.reshape(x, (total(x.shape),))
    return repeated(node, x, repeats, node.axis(dim or 0, x.rank))


@aten("broadcast_tensors", "meshgrid", makes=("graph.reshape", "graph.expand"))
def broadcast_tensors(node: Node, tensors: Sequence[Value], *, indexing: str = "ij") -> list[Value]:
    """The tensors in one shape; of a mesh the first one goes along the first dim, or along the second with "xy"."""
    out = []
    for i, x in enumerate(tensors):
        result = node.results[i] if i < len(node.results) else None
        shape = node.shape if result is None else node.builder.symbols.current(result[1])
        if node.op == "meshgrid":
            axis = {0: 1, 1: 0}.get(i, i) if indexing == "xy" and len(tensors) > 1 else i
            x = node.reshape(x, [total(x.shape) if j == axis else 1 for j in range(len(tensors))])
        out.append(node.expand(x, shape))
    return out


# --- padding ---------------------------------------------------------------------------------------------------------
MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""torch's modes -> those of graph.pad."""

PADS = {
    "constant_pad_nd": "constant", "reflection_pad1d": "reflect", "reflection_pad2d": "reflect",
    "reflection_pad3d": "reflect", "replication_pad1d": "replicate", "replication_pad2d": "replicate",
    "replication_pad3d": "replicate",
}  # fmt: skip


@aten("pad", makes=("graph.pad", "graph.slice"))
def pad(node: Node, x: Value, pad: Sequence[Size], mode: str = "constant", value: Number | None = None) -> Value:
    """A low and a high for each dim, the last one first; negative ones cut off."""
    low: list[Size] = [0] * x.rank
    high: list[Size] = [0] * x.rank
    for i in range(len(pad) // 2):
        low[x.rank - 1 - i], high[x.rank - 1 - i] = pad[2 * i], pad[2 * i + 1]
    fill = node.scalar(value or 0, x) if mode == "constant" else None
    return padded(node, x, low, high, MODES[mode], fill)


@aten(*PADS, makes=("graph.pad", "graph.slice"))
def pad_of_mode(node: Node, x: Value, padding: Sequence[Size], value: Number | None = None) -> Value:
    return pad(node, x, padding, PADS[node.op], value)


# --- moves -----------------------------------------------------------------------------------------------------------
@aten("roll", makes=("graph.slice", "graph.concat"))
def roll(node: Node, x: Value, shifts: Sequence[int] | int, dims: Sequence[int] | int = ()) -> Value:
    """What leaves at one end of a dim comes in at the other."""
    moved = [shifts] if isinstance(shifts, int) else list(shifts)
    axes = [dims] if isinstance(dims, int) else list(dims)
    if not axes:
        flat = _rolled(node, node.reshape(x, (total(x.shape),)), moved[0], 0)
        return node.reshape(flat, x.shape)
    for shift, axis in zip(moved, axes, strict=True):
        x = _rolled(node, x, shift, node.axis(axis, x.rank))
    return x


def _rolled(node: Node, x: Value, shift: int, axis: int) -> Value:
    size = x.shape[axis]
    if isinstance(size, int):
        shift %= max(size, 1)
    if not shift:
        return x
    if not isinstance(size, int) and node.builder.symbols.bounds.minimum(str(size)) < abs(shift):
        node.refuse(f"by {shift} places of a size {size}, which may be smaller")
    first = simplest(as_dim(size) - shift) if shift > 0 else -shift
    rest = simplest(as_dim(size) - first)
    return node.concat([node.pick(x, axis, first, rest), node.pick(x, axis, 0, first)], axis)


@aten("pixel_shuffle", "pixel_unshuffle", makes=("graph.reshape", "graph.transpose"))
def pixel_shuffle(node: Node, x: Value, factor: int) -> Value:
    """[.., C * r * r, H, W] and [.., C, H * r, W * r]."""
    *batch, channels, height, width = x.shape
    n = len(batch)
    if node.op == "pixel_shuffle":
        parts = node.reshape(x, (*batch, _part(node, channels, factor**2), factor, factor, height, width))
        moved = node.transpose(parts, (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
        return node.reshape(moved, node.shape)
    rows, columns = _part(node, height, factor), _part(node, width, factor)
    parts = node.reshape(x, (*batch, channels, rows, factor, columns, factor))
    return node.reshape(node.transpose(parts, (*range(n + 1), n + 2, n + 4, n + 1, n + 3)), node.shape)


def _part(node: Node, size: Size, divisor: int) -> Size:
    part = exact_quotient(size, divisor)
    if part is None:
        node.refuse(f"of {size} places, which {divisor} does not divide")
    return part


@aten("channel_shuffle", makes=("graph.reshape", "graph.transpose"))
def channel_shuffle(node: Node, x: Value, groups: int) -> Value:
    batch, channels, *space = x.shape
    parts = node.reshape(x, (batch, groups, _part(node, channels, groups), *space))
    return node.reshape(node.transpose(parts, (0, 2, 1, *range(3, parts.rank))), x.shape)
