"""What all schedules do with tiles: load an operand at a place, store.

A `Place` says where along one loop a tile lies: at one position, or spanning an axis of the tile. With a place for
every loop, the tile of any operand follows from its letters: loops that it does not have are broadcast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects.builtin import bf16, f16, f32
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.kernel import Index, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder, tile_of
from neuralc.passes.lower.nest import Operand


@dataclass(frozen=True)
class Place:
    """A position along a loop: `start`, or the positions from it on along tile axis `over`.

    `start` is an index tile where the positions are not consecutive. `panel` is start / width in a packed operand,
    where the start is known to be the beginning of a panel. `masked`: some positions may be outside.
    """

    start: IndexLike
    over: int | None = None
    masked: bool = False
    panel: IndexLike | None = None


@dataclass(frozen=True)
class TileShape:
    """The extents of a tile's axes, and its lanes (0 on a GPU).

    `wide`: floats of 16 bits become 32 when they are loaded; not so where a dot multiplies them as they are.
    """

    extents: tuple[int, ...]
    lanes: int
    wide: bool = True

    def type(self, element_type: Attribute) -> TileType:
        return TileType.of(self.extents, element_type, self.lanes)


def computed(element_type: Attribute) -> Attribute:
    """The type in which values are computed with: floats of 16 bits in 32, until they are stored."""
    return f32 if element_type in (f16, bf16) else element_type


def indices(b: KernelBuilder, operand: Operand, places: Mapping[str, Place], axes: Mapping[int, int]) -> list[Index]:
    """The index of every dim of the operand's reference; `axes` maps the places' axes to those of the loaded tile."""
    out: list[Index] = []
    for letter in operand.word:
        place = places[letter]
        over = None if place.over is None else axes[place.over]
        if operand.packed and letter == operand.word[-1]:
            if place.panel is None:
                raise ValueError(f"the packed operand {operand.name} is read at a place that is not a panel")
            out = [Index(place.panel), *out, Index(0, over)]
        else:
            start = b.minus(place.start, operand.origin[letter]) if letter in operand.origin else place.start
            out.append(Index(start, over, place.masked))
    return out


def load(
    b: KernelBuilder,
    operand: Operand,
    places: Mapping[str, Place],
    shape: TileShape,
    *,
    broadcast: bool = True,
    other: float | int | None = None,
    hint: str | None = None,
) -> SSAValue:
    """The operand's tile at the places, broadcast to the whole shape unless told not to."""
    spanned = sorted({places[letter].over for letter in operand.word} - {None}, key=lambda axis: axis or 0)
    present = [axis for axis in spanned if axis is not None]
    axes = {axis: i for i, axis in enumerate(present)}
    last = len(shape.extents) - 1
    has_vectors = shape.lanes > 1 and last in present
    extents = [shape.extents[axis] for axis in present]
    lanes = shape.lanes if has_vectors else min(shape.lanes, 1)
    masked = any(places[letter].masked for letter in operand.word)
    fill = (0 if other is None else other) if masked else None
    element = operand.ref.element_type
    hint = hint or f"{operand.name}_tile"
    at = indices(b, operand, places, axes)
    if has_vectors and not _unit_stride(operand, places, last):
        # Neighbouring lanes are not neighbours in memory: gather the scalars, then form the vectors.
        scalars = b.load(b.reference(operand.name), at, TileType.of(extents, element, 1), other=fill, hint=hint)
        value = b.convert(scalars, TileType.of(extents, element, lanes))
    else:
        align = _alignment(operand, shape.lanes) if has_vectors else None
        tile = TileType.of(extents, element, lanes)
        value = b.load(b.reference(operand.name), at, tile, other=fill, align=align, hint=hint)
    element = computed(element) if shape.wide else element
    value = b.convert(value, tile_of(value).with_element(element))
    return b.broadcast(value, present, shape.type(element)) if broadcast else value


def _unit_stride(operand: Operand, places: Mapping[str, Place], axis: int) -> bool:
    letters = [letter for letter in operand.word if places[letter].over == axis]
    return all(operand.stride(letter) == 1 and not _gathers(places[letter]) for letter in letters)


def _gathers(place: Place) -> bool:
    return isinstance(place.start, SSAValue) and isinstance(place.start.type, TileType)


def _alignment(operand: Operand, lanes: int) -> int | None:
    """Panels of weights start at multiples of 64 bytes, and every vector of a panel at a multiple of its own size."""
    return 4 * lanes if operand.packed and operand.panel % lanes == 0 and 4 * lanes in (16, 32, 64) else None


def store(b: KernelBuilder, value: SSAValue, operand: Operand, places: Mapping[str, Place]) -> None:
    """Write a tile whose axes are all spanned by loops of the operand."""
    axes = {axis: axis for axis in range(tile_of(value).rank)}
    ref = b.reference(operand.name)
    value = b.convert(value, tile_of(value).with_element(operand.ref.element_type))
    lanes = tile_of(value).lanes
    last = tile_of(value).rank - 1
    if lanes > 1 and not _unit_stride(operand, places, last):
        value = b.convert(value, tile_of(value).with_lanes(1))
    b.store(value, ref, indices(b, operand, places, axes))
