"""Values with spatial axes: sequences, images and volumes, and the windows that slide over them.

`same` padding of Keras gives ceil(size / stride) places, the odd place of padding behind. How much that is depends on
the size; where it differs between runs, the value is padded by the most there can be and the start of what is read is a
size of the program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.graph.shapes import CHANNEL, CHANNELS_FIRST, CHANNELS_LAST, SPATIAL
from neuralc.dialects.types import DimsAttr, Shape, element_of, is_float, shape_of, tensor_type
from neuralc.frontends.nr.layers.shared import Lowering, known
from neuralc.frontends.nr.site import LayerError, Site, shown
from neuralc.frontends.sizes import Size
from neuralc.grammar.binding import Bound
from neuralc.grammar.signatures.spatial import PLACES

_KINDS = {1: "sequences", 2: "images", 3: "volumes"}


@dataclass(frozen=True)
class Image:
    """A value with a batch, channels and one to three spatial axes."""

    value: SSAValue
    data_format: str

    @property
    def shape(self) -> Shape:
        return shape_of(self.value.type)

    @property
    def axes(self) -> tuple[int, ...]:
        return SPATIAL[self.data_format]

    @property
    def rank(self) -> int:
        return len(self.axes)

    @property
    def sizes(self) -> tuple[Size, ...]:
        return tuple(self.shape[axis] for axis in self.axes)

    @property
    def channels(self) -> Size:
        return self.shape[CHANNEL[self.data_format]]

    @property
    def known_channels(self) -> int:
        """Raises ShapeError where they are no number."""
        return known(self.channels, "the number of channels")

    def along(self, entries: Sequence[int]) -> tuple[int, ...]:
        """A list with an entry for each spatial axis as one with an entry for each axis, 0 for the others."""
        full = [0] * len(self.shape)
        for axis, entry in zip(self.axes, entries, strict=True):
            full[axis] = entry
        return tuple(full)

    def resized(self, sizes: Sequence[Size], channels: Size | None = None) -> Shape:
        """The shape with other spatial sizes, and other channels where they are given."""
        full = list(self.shape)
        for axis, size in zip(self.axes, sizes, strict=True):
            full[axis] = size
        if channels is not None:
            full[CHANNEL[self.data_format]] = channels
        return tuple(full)

    def with_value(self, value: SSAValue) -> Image:
        return replace(self, value=value)


def image(x: SSAValue, arguments: Bound, rank: int) -> Image:
    """The input of a layer over `rank` spatial axes. Raises LayerError for a value of another rank."""
    first = arguments["data_format"] == "channels_first"
    if len(shape_of(x.type)) == rank + 2:
        return Image(x, CHANNELS_FIRST[rank] if first else CHANNELS_LAST[rank])
    places = ", ".join(PLACES[rank])
    order = f"channels, {places}" if first else f"{places}, channels"
    missing = len(shape_of(x.type)) == rank + 1
    help = "an axis of one channel is written as a size of 1: `input: (28, 28, 1)`" if missing and rank == 2 else None
    raise LayerError(f"it takes {_KINDS[rank]} (batch, {order}), its input is {shown(x)}", help=help)


def over(rank: int, lower: Callable[[Site, Bound, Image], SSAValue]) -> Lowering:
    """A layer over `rank` spatial axes."""

    def layer(site: Site, arguments: Bound, x: SSAValue) -> SSAValue:
        return lower(site, arguments, image(x, arguments, rank))

    return layer


@dataclass(frozen=True)
class Window:
    """What slides over an image; all lists have an entry for each spatial axis."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]

    @property
    def reaches(self) -> tuple[int, ...]:
        """How many places the dilated window covers along each axis."""
        return tuple(dilation * (size - 1) + 1 for size, dilation in zip(self.shape, self.dilations, strict=True))


@dataclass(frozen=True)
class Padding:
    """Padding along one axis. The amounts are sizes; `most` are the largest values they can have."""

    low: Size
    high: Size
    most: tuple[int, int]

    @property
    def is_known(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


def padding_of(kind: str, size: Size, reach: int, stride: int) -> Padding:
    """The padding that a window of `reach` places and a stride have over a size: valid, same or causal."""
    if kind == "valid":
        return Padding(0, 0, (0, 0))
    if kind == "causal":
        return Padding(reach - 1, 0, (reach - 1, 0))
    # ceil(n / s) windows end at place (ceil(n / s) - 1) * s + reach, which is n - 1 - (n - 1) mod s + reach.
    missing = reach - 1 - (as_dim(size) - 1) % stride
    if reach <= 1 or (missing.is_static and missing.value <= 0):
        return Padding(0, 0, (0, 0))
    total = missing if reach >= stride else missing.max(0)
    low = total // 2 if reach > 2 else 0
    return Padding(simplest(low), simplest(total - low), ((reach - 1) // 2, reach // 2))


@dataclass(frozen=True)
class Padded:
    """An image that a window slides over with the padding `pads`: all lows, then all highs, as window ops have it."""

    image: Image
    pads: tuple[int, ...]


def padded(site: Site, x: Image, window: Window, kind: str, value: float = 0.0) -> Padded:
    """An image with the padding of a layer: that of the op where the amounts are known, else put around the value."""
    paddings = [padding_of(kind, *each) for each in zip(x.sizes, window.reaches, window.strides, strict=True)]
    own = [(each.low, each.high) if each.is_known else (0, 0) for each in paddings]
    pads = tuple(int(str(low)) for low, _ in own) + tuple(int(str(high)) for _, high in own)
    if all(each.is_known for each in paddings):
        return Padded(x, pads)
    most = [(0, 0) if each.is_known else each.most for each in paddings]
    low, high = (x.along([each[side] for each in most]) for side in (0, 1))
    wide = x.with_value(site.add(graph.PadOp.of(x.value, low=low, high=high, value=value), "padded"))
    return Padded(_cut(site, x, wide, window, paddings), pads)


def _cut(site: Site, x: Image, wide: Image, window: Window, paddings: Sequence[Padding]) -> Image:
    """What windows read of an image that has more padding than they need: ceil(size / stride) of them."""
    starts, sizes = [as_dim(0)] * len(x.shape), list(wide.sizes)
    for i, (axis, padding) in enumerate(zip(x.axes, paddings, strict=True)):
        if not padding.is_known:
            starts[axis] = padding.most[0] - as_dim(padding.low)
            count = as_dim(x.sizes[i]).ceildiv(window.strides[i])
            sizes[i] = simplest((count - 1) * window.strides[i] + window.reaches[i])
    result = tensor_type(wide.resized(sizes), element_of(x.value.type))
    cut = graph.SliceOp.of(wide.value, starts=DimsAttr(tuple(starts)), steps=(1,) * len(starts), result=result)
    return wide.with_value(site.add(cut, "read"))


def empty(site: Site, x: Image, window: Window, padding: str, channels: Size) -> SSAValue | None:
    """A result without elements, and a warning, where the window of a `valid` layer is larger than the input."""
    if padding != "valid":
        return None
    over = [isinstance(size, int) and reach > size for size, reach in zip(x.sizes, window.reaches, strict=True)]
    if not any(over):
        return None
    reach, size = ("x".join(map(str, each)) for each in (window.reaches, x.sizes))
    message = f"the window {reach} is larger than its input {size}: the result has no elements"
    site.warn("W0404", message, 'make the window smaller, or write padding="same"')
    extents = [
        0 if out else simplest((as_dim(n) - r) // s + 1)
        for out, n, r, s in zip(over, x.sizes, window.reaches, window.strides, strict=True)
    ]
    element = element_of(x.value.type)
    result = tensor_type(x.resized(extents, channels), element)
    return site.add(graph.ConstantOp.of(result=result, value=0.0 if is_float(element) else 0))
