"""Shape rules that several graph ops share: broadcasting, data formats and the extent of a sliding window."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import Shape, ShapeError, element_of, format_shape, is_float, shape_of, tensor_type

CHANNELS_LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}
CHANNELS_FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}
"""The data format of an image by the number of its spatial dims (the names of Keras and TensorFlow)."""

SPATIAL: dict[str, tuple[int, ...]] = {
    **{name: tuple(range(1, rank + 1)) for rank, name in CHANNELS_LAST.items()},
    **{name: tuple(range(2, rank + 2)) for rank, name in CHANNELS_FIRST.items()},
}
CHANNEL: dict[str, int] = {
    **{name: rank + 1 for rank, name in CHANNELS_LAST.items()},
    **dict.fromkeys(CHANNELS_FIRST.values(), 1),
}
"""Which dims of a data format are spatial, and which one holds the channels; dim 0 is the batch."""


def require_float(op: str, types: Sequence[Attribute]) -> Attribute:
    """The element type that all operands share, a float. Raises ShapeError."""
    element = element_of(types[0])
    if not is_float(element):
        raise ShapeError(f"{op} needs floats, got {element}")
    return _require_one_type(op, types)


def require_number(op: str, types: Sequence[Attribute]) -> Attribute:
    """The element type that all operands share, a float or an integer wider than a truth value. Raises ShapeError."""
    element = element_of(types[0])
    if not is_float(element) and not is_integer(element):
        raise ShapeError(f"{op} needs floats or integers, got {element}")
    return _require_one_type(op, types)


def _require_one_type(op: str, types: Sequence[Attribute]) -> Attribute:
    element = element_of(types[0])
    if any(element_of(other) != element for other in types):
        raise ShapeError(f"{op}: operands are of types {', '.join(str(element_of(t)) for t in types)}")
    return element


def require_vector(name: str, types: Sequence[Attribute], size: int | Dim) -> None:
    """Each of `types` has one dim of `size`. Raises ShapeError."""
    for type_ in types:
        if shape_of(type_) != (size,):
            raise ShapeError(f"{name} is {format_shape(shape_of(type_))}, expected ({size},)")


def static_shape(what: str, type_: Attribute) -> tuple[int, ...]:
    """A shape without symbols. Raises ShapeError, naming `what` it is the shape of."""
    sizes = [size for size in shape_of(type_) if isinstance(size, int)]
    if len(sizes) != len(shape_of(type_)):
        raise ShapeError(f"{what} has known sizes, got {format_shape(shape_of(type_))}")
    return tuple(sizes)


def broadcast(lhs: Shape, rhs: Shape) -> Shape:
    """numpy's broadcasting rule; equal symbols are equal sizes. Raises ShapeError."""
    rank = max(len(lhs), len(rhs))
    out: list[int | Dim] = []
    for a, b in zip((1,) * (rank - len(lhs)) + lhs, (1,) * (rank - len(rhs)) + rhs, strict=True):
        if a != b and 1 not in (a, b):
            raise ShapeError(f"shapes {format_shape(lhs)} and {format_shape(rhs)} do not broadcast")
        out.append(b if a == 1 else a)
    return tuple(out)


def window_extent(
    size: int | Dim, window: int, stride: int, dilation: int, low: int, high: int, *, ceil_mode: bool = False
) -> int | Dim:
    """How often a dilated window fits: floor((size + low + high - reach) / stride) + 1. Raises ShapeError.

    With `ceil_mode` a last window may reach past the end, if it starts inside the operand or its low padding
    (ONNX MaxPool, torch.nn.MaxPool2d): min(ceil(room / stride) + 1, ceil((size + low) / stride)).
    """
    reach = dilation * (window - 1) + 1
    padded = as_dim(size) + low + high
    room = padded - reach
    if ceil_mode:
        # Rounded up, the last window starts before size + low + high - reach + stride.
        partial = (room + stride - 1) // stride + 1
        starts_inside = high + stride <= reach
        extent = simplest(partial if starts_inside else partial.min((as_dim(size) + low).ceildiv(stride)))
        if isinstance(extent, int) and extent < 1:
            raise ShapeError(f"a window of {reach} does not fit into {padded}")
        return extent
    if room.is_static and room.value < 0:
        raise ShapeError(f"a window of {reach} does not fit into {padded}")
    return simplest(room // stride + 1)


def check_image(
    shape: Shape,
    data_format: str,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
) -> None:
    """The lists of a window op have the lengths that its data format asks for. Raises ShapeError."""
    if data_format not in SPATIAL:
        raise ShapeError(f"data_format is one of {', '.join(SPATIAL)}, not {data_format}")
    rank = len(SPATIAL[data_format])
    if len(shape) != rank + 2:
        raise ShapeError(f"expected {rank + 2} dims {data_format}, got shape {format_shape(shape)}")
    if not len(window) == len(strides) == len(dilations) == rank or len(pads) != 2 * rank:
        entries = "1 entry" if rank == 1 else f"{rank} entries"
        raise ShapeError(f"window, strides and dilations have {entries}, pads have {2 * rank}")
    if min(*window, *strides, *dilations) < 1 or min(pads) < 0:
        raise ShapeError("window, strides and dilations are at least 1, pads at least 0")


def spatial_extents(
    shape: Shape,
    data_format: str,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    *,
    ceil_mode: bool = False,
) -> list[int | Dim]:
    """Output sizes of a window op along its spatial dims; `pads` are all lows, then all highs. Raises ShapeError."""
    check_image(shape, data_format, window, strides, dilations, pads)
    rank = len(window)
    return [
        window_extent(shape[axis], window[i], strides[i], dilations[i], pads[i], pads[i + rank], ceil_mode=ceil_mode)
        for i, axis in enumerate(SPATIAL[data_format])
    ]


def transposed_extents(
    shape: Shape,
    data_format: str,
    window: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    output_padding: Sequence[int],
) -> list[int | Dim]:
    """Output sizes of a transposed window op: stride * (size - 1) + reach + output padding - pads. Raises ShapeError.

    ONNX ConvTranspose, torch.nn.ConvTranspose2d.
    """
    check_image(shape, data_format, window, strides, dilations, pads)
    rank = len(window)
    if len(output_padding) != rank or min(output_padding) < 0:
        raise ShapeError(f"output_padding has one entry of at least 0 per spatial dim, got {list(output_padding)}")
    extents: list[int | Dim] = []
    for i, axis in enumerate(SPATIAL[data_format]):
        reach = dilations[i] * (window[i] - 1) + 1
        extent = (as_dim(shape[axis]) - 1) * strides[i] + reach + output_padding[i] - pads[i] - pads[i + rank]
        if extent.is_static and extent.value < 1:
            raise ShapeError(f"padding {list(pads)} leaves nothing of the result")
        extents.append(simplest(extent))
    return extents


def with_spatial(shape: Shape, data_format: str, extents: Sequence[int | Dim], channels: int | Dim) -> Shape:
    """`shape` with other spatial sizes and channels."""
    out = list(shape)
    for axis, extent in zip(SPATIAL[data_format], extents, strict=True):
        out[axis] = extent
    out[CHANNEL[data_format]] = channels
    return tuple(out)


def normalize_axis(axis: int, rank: int) -> int:
    """A non-negative axis. Raises ShapeError when it is outside the rank."""
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is outside a rank of {rank}")
    return axis % rank


def is_larger(lhs: int | Dim, rhs: int | Dim) -> bool:
    """True where `lhs` is larger than `rhs` whatever the symbols are; False where it is not or depends on them."""
    difference = as_dim(lhs) - rhs
    return difference.is_static and difference.value > 0


def concat_type(types: Sequence[Attribute], dim: int) -> Attribute:
    """The type of tensors of equal rank and element type, joined along a dim. Raises ShapeError."""
    if not types:
        raise ShapeError("nothing to join")
    shapes, element = [shape_of(type_) for type_ in types], element_of(types[0])
    first = shapes[0]
    if not 0 <= dim < len(first):
        raise ShapeError(f"axis {dim} is outside a rank of {len(first)}")
    total = Dim.constant(0)
    for type_, shape in zip(types, shapes, strict=True):
        if element_of(type_) != element:
            raise ShapeError(f"tensors of {element} and {element_of(type_)} are not joined")
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != dim
        ):
            raise ShapeError(f"shapes {format_shape(first)} and {format_shape(shape)} do not join along axis {dim}")
        total += as_dim(shape[dim])
    return tensor_type([simplest(total) if i == dim else size for i, size in enumerate(first)], element)


def top_k_types(x: Attribute, k: Dim, dim: int) -> Sequence[Attribute]:
    """The types of the values and of their positions. Raises ShapeError."""
    shape = list(shape_of(x))
    if not 0 <= dim < len(shape):
        raise ShapeError(f"axis {dim} is outside a rank of {len(shape)}")
    over = k - as_dim(shape[dim])
    if over.is_static and over.value > 0:
        raise ShapeError(f"the {k} first of {shape[dim]} values")
    shape[dim] = simplest(k)
    return tensor_type(shape, element_of(x)), tensor_type(shape, i64)
