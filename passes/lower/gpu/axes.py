"""Axes of a GPU tile: each walks several loops of a nest as one.

    axis over n, h, w, 64 pixels a tile           offs_m = m0 + tl.arange(0, 64)
      an operand without gaps along them            out + offs_m[:, None] * 32
      any other operand                             n = offs_m // 49;  h = offs_m // 7 % 7;  w = offs_m % 7

Behind the end of an axis the first of its loops is out of range, and only that one: it alone is masked, and not even
that one where the extent of the tile divides the axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from xdsl.dialects.builtin import i32
from xdsl.ir import Attribute

from neuralc.dialects.dims import Dim, as_dim, product, simplest
from neuralc.dialects.kernel import RefType, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.syntax import to_attribute
from neuralc.dialects.tensor.subscripts import LETTERS
from neuralc.passes.lower.nest import Nest, Operand, Size
from neuralc.passes.lower.tiles import Place

SHORT_SUFFIX = 16
"""Neighbours in memory that a tile has at least along its last axis, so that threads side by side read side by side."""


@dataclass(frozen=True)
class Axis:
    """`letters` are walked as one, outermost first, `extent` positions a tile.

    Operands without a gap along the letters have the one letter `flat` in their place (see `join`).
    """

    letters: str
    flat: str
    sizes: tuple[Size, ...]
    extent: int

    @property
    def size(self) -> Size:
        return simplest(product(self.sizes))

    @property
    def tiles(self) -> Dim:
        """How many tiles cover the axis."""
        return as_dim(self.size).ceildiv(self.extent)

    @property
    def masked(self) -> bool:
        """Whether the last tile reaches behind the end."""
        return not as_dim(self.size).divisible_by(self.extent)

    def places(self, b: KernelBuilder, nest: Nest, start: IndexLike, over: int, hint: str = "offs") -> dict[str, Place]:
        """Where the tile that begins at `start` lies, for each letter of an operand or whose position is read."""
        if not self.letters:
            return {}
        out = {self.flat: Place(start, over, self.masked)}
        used = {letter for operand in nest.operands for letter in operand.word} | nest.positioned
        apart = [letter for letter in self.letters if letter != self.flat and letter in used]
        if not apart:
            return out
        tile = TileType.of((self.extent,), i32)
        offsets = b.iota(start, tile, hint)
        for i, letter in enumerate(self.letters):
            if letter not in apart:
                continue
            if i and self.sizes[i] == 1:
                out[letter] = Place(0)
                continue
            inside = b.size(simplest(product(self.sizes[i + 1 :])))
            value = offsets if inside == 1 else b.map("div", offsets, b.splat(inside, tile))
            if i:
                value = b.map("rem", value, b.splat(b.size(self.sizes[i]), tile))
            if value is not offsets:
                value.name_hint = letter
            out[letter] = Place(value, over, self.masked and i == 0)
        return out

    def scalars(self, b: KernelBuilder, nest: Nest, position: IndexLike) -> dict[str, Place]:
        """The one place of a tile with a single position."""
        used = {letter for operand in nest.operands for letter in operand.word} | nest.positioned
        out = {self.flat: Place(position)} if self.letters else {}
        if any(letter in used for letter in self.letters if letter != self.flat):
            where = b.unravel(position, self.sizes, self.letters)
            out |= {letter: Place(at) for letter, at in zip(self.letters, where, strict=True)}
        return out


def join(nest: Nest, letters: str, most: int, least: int = 1) -> tuple[Nest, Axis]:
    """An axis over `letters`, and the nest with one loop for all of them in the operands that have no gap there.

    The extent of the axis is the power of two that covers it, between `least` and `most`.
    """
    sizes = tuple(nest.sizes[letter] for letter in letters)
    extent = fit(simplest(product(sizes)), most, least)
    if len(letters) <= 1:
        return nest, Axis(letters, letters, sizes, extent)
    flat = next(letter for letter in reversed(LETTERS) if letter not in nest.sizes)
    axis = Axis(letters, flat, sizes, extent)

    def view(operand: Operand) -> Operand:
        at = operand.word.find(letters)
        steps = range(len(letters) - 1)
        if at < 0 or any(
            as_dim(operand.ref.strides[at + i]) != as_dim(operand.ref.strides[at + i + 1]) * sizes[i + 1] for i in steps
        ):
            return operand
        shape, strides, end = list(operand.ref.shape), list(operand.ref.strides), at + len(letters)
        shape[at:end], strides[at:end] = [axis.size], [strides[end - 1]]
        ref = RefType.of(shape, operand.ref.element_type, strides)
        return replace(operand, word=operand.word.replace(letters, flat), ref=ref)

    joined = replace(
        nest,
        sizes={**nest.sizes, flat: axis.size},
        inputs=tuple(map(view, nest.inputs)),
        output=view(nest.output),
    )
    return joined, axis


def split_word(nest: Nest, word: str) -> tuple[str, str]:
    """The loops of a word for the first and for the last axis of a tile: the last has enough neighbours in memory."""
    for at in range(len(word) - 1, 0, -1):
        size = product([nest.sizes[letter] for letter in word[at:]])
        if not size.is_static or size.value >= SHORT_SUFFIX:
            return word[:at], word[at:]
    return "", word


def fit(size: Size, most: int, least: int = 1) -> int:
    """The power of two that covers a size, between `least` and `most`; `most` for a size known at run time only."""
    return most if isinstance(size, Dim) else max(least, min(most, power_of_two(size)))


def power_of_two(size: int) -> int:
    """The smallest power of two that is at least `size`."""
    return 1 << max(0, size - 1).bit_length()


def programs(b: KernelBuilder, sizes: Mapping[str, Size]) -> tuple[dict[str, IndexLike], Dim]:
    """The coordinates of a program in a grid of these sizes, the last one fastest, and the number of programs."""
    moving = {name: size for name, size in sizes.items() if size != 1}
    where: dict[str, IndexLike] = dict.fromkeys(sizes, 0)
    if moving:
        program = b.program_id(next(iter(moving)) if len(moving) == 1 else "pid")
        where |= zip(moving, b.unravel(program, list(moving.values()), list(moving)), strict=True)
    return where, product(list(moving.values()))


def hints(warps: int, stages: int = 2) -> dict[str, Attribute]:
    """The attributes of a kernel that say how Triton compiles it."""
    return {"num_warps": to_attribute(warps), "num_stages": to_attribute(stages)}
