"""What convolution and pooling share: letters for the dims of an image, windows over it, and cutting it to a size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.graph.shapes import CHANNEL, SPATIAL
from neuralc.dialects.types import DimsAttr, Shape, element_of, is_float, shape_of, tensor_type
from neuralc.passes.lower.lowering import Lowering

PLACES = {1: "w", 2: "hw", 3: "dhw"}
TAPS = {1: "i", 2: "ij", 3: "ijk"}
"""Letters for the spatial dims and for the window, by their number."""


@dataclass(frozen=True)
class Image:
    """The dims of a data format, and the letters that stand for them; those of the channels are up to the layer."""

    data_format: str

    @property
    def axes(self) -> tuple[int, ...]:
        return SPATIAL[self.data_format]

    @property
    def rank(self) -> int:
        return len(self.axes)

    @property
    def channel(self) -> int:
        return CHANNEL[self.data_format]

    @property
    def channels_last(self) -> bool:
        return self.channel > 1

    @property
    def places(self) -> str:
        return PLACES[self.rank]

    @property
    def taps(self) -> str:
        return TAPS[self.rank]

    def word(self, channels: str, taps: str = "") -> str:
        """Subscripts of an image, or with `taps` of windows over it."""
        return f"n{self.places}{taps}{channels}" if self.channels_last else f"n{channels}{self.places}{taps}"

    @property
    def tap_dims(self) -> tuple[int, ...]:
        """Where the window stands in a view of windows."""
        return tuple(axis + self.rank for axis in self.axes)

    def along(self, entries: Sequence[int]) -> tuple[int, ...]:
        """A list with one entry per spatial dim as one with an entry per dim, 0 for the others."""
        full = [0] * (self.rank + 2)
        for axis, entry in zip(self.axes, entries, strict=True):
            full[axis] = entry
        return tuple(full)

    def spatial(self, shape: Shape) -> list[int | Dim]:
        return [shape[axis] for axis in self.axes]


def zero(x: SSAValue) -> float:
    """Zero as an attribute of the element type of a value: an integer for integers."""
    return 0.0 if is_float(element_of(x.type)) else 0


def pad(at: Lowering, x: SSAValue, low: Sequence[int], high: Sequence[int], value: float) -> SSAValue:
    """`low` and `high` places of `value` around each dim."""
    if not any((*low, *high)):
        return x
    return at.emit(tensor.PadOp.of(x, low=tuple(low), high=tuple(high), value=value))


def slide(
    at: Lowering, x: SSAValue, image: Image, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> SSAValue:
    """All windows over an image: behind its places stand their taps."""
    view = tensor.WindowOp.of(
        x, dims=image.axes, sizes=tuple(window), strides=tuple(strides), dilations=tuple(dilations)
    )
    return at.emit(view)


def crop(at: Lowering, x: SSAValue, starts: Sequence[int], shape: Sequence[int | Dim]) -> SSAValue:
    """The part of a value that begins at `starts` and has `shape`."""
    result = tensor_type(shape, element_of(x.type))
    if result == x.type and not any(starts):
        return x
    begin = DimsAttr(tuple(map(as_dim, starts)))
    return at.emit(tensor.SliceOp.of(x, starts=begin, strides=(1,) * len(starts), result=result))


def frame(at: Lowering, x: SSAValue, image: Image, low: Sequence[int], extents: Sequence[int | Dim]) -> SSAValue:
    """`low` zeros before each spatial dim, or as many places less where it is negative; zeros or less behind it, so
    that the spatial sizes are `extents`."""
    shape = list(shape_of(x.type))
    starts, before, after = [0] * len(shape), [0] * len(shape), [0] * len(shape)
    for axis, lead, extent in zip(image.axes, low, extents, strict=True):
        size = shape[axis]
        starts[axis] = min(-lead, size) if lead < 0 and isinstance(size, int) else max(-lead, 0)
        before[axis] = max(lead, 0)
        missing = as_dim(extent) - before[axis] - (as_dim(size) - starts[axis])
        after[axis] = max(missing.value, 0)
        shape[axis] = simplest(as_dim(extent) - before[axis] - after[axis])
    return pad(at, crop(at, x, starts, shape), before, after, zero(x))
