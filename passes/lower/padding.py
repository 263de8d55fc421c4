"""Windows over a padded picture, and which of their places lie in the padding.

    %p = tensor.pad %x {low = [2, 0], high = [2, 0], value = 0.0, unread = [0]} -> tensor<7x9xf32>
    %w = tensor.window %p {dims = [0], sizes = [5], ..} -> tensor<3x5x9xf32>

Place i of window h is row h + i - 2 of %x, where that is one of its three rows. A sum of products loses nothing
without the others, since they are zeros. tensor-skip-padding decides where a kernel leaves them out.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.types import shape_of


@dataclass(frozen=True)
class Overhang:
    """A dim of the windows and the one of their places: `position * stride + place - low` is in [0, size)."""

    pad: tensor.PadOp
    dim: int
    """Of the padding."""
    position: int
    place: int
    stride: int
    low: int
    size: int


def overhangs(value: SSAValue) -> list[Overhang]:
    """Of a value that is windows over a picture with zeros around it, by the dims of both."""
    window = value.owner
    if not isinstance(window, tensor.WindowOp):
        return []
    dims, source = list(range(len(shape_of(window.x.type)))), window.x
    while isinstance(source.owner, tensor.TransposeOp):
        dims = [source.owner.literal("perm")[dim] for dim in dims]
        source = source.owner.x
    pad = source.owner
    if not isinstance(pad, tensor.PadOp) or to_literal(pad.value) != 0:
        return []
    low, high, inner = pad.literal("low"), pad.literal("high"), shape_of(pad.x.type)
    found: list[Overhang] = []
    first = window.literal("dims")[-1] + 1
    steps = zip(window.literal("dims"), window.literal("strides"), window.literal("dilations"), strict=True)
    for number, (position, stride, dilation) in enumerate(steps):
        dim = dims[position]
        size = inner[dim]
        if dilation == 1 and (low[dim] or high[dim]) and isinstance(size, int):
            found.append(Overhang(pad, dim, position, first + number, stride, low[dim], size))
    return found


def is_unread(overhang: Overhang) -> bool:
    """Whether kernels leave the padding along its dim out."""
    return overhang.dim in unread_dims(overhang.pad)


def unread_dims(pad: tensor.PadOp) -> tuple[int, ...]:
    """The dims along which nobody reads what is around the operand."""
    return () if pad.unread is None else tuple(pad.literal("unread"))
