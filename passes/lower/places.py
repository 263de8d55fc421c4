"""Integer arithmetic that keeps a place along a dim inside of it: clamped, reflected, wrapped, counted from the end."""

from __future__ import annotations

from xdsl.dialects.builtin import i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import Shape
from neuralc.passes.lower.scalar_functions import ScalarBuilder

Size = int | Dim
NARROW = 2**29


def place_type(*shapes: Shape) -> Attribute:
    """i32 where that counts every place along known dims, with room for sums of three; a vector holds twice as many."""
    known = all(isinstance(size, int) and size < NARROW for shape in shapes for size in shape)
    return i32 if known else i64


def from_the_end(b: ScalarBuilder, index: SSAValue, size: Size) -> SSAValue:
    """An index, a negative one counted from the end of its dim. It may still be outside."""
    index = b.convert(index, place_type((size,)) if index.type == i32 else i64)
    behind = b.call("add", index, b.size(size, index.type))
    return b.call("select", b.call("lt", index, 0), behind, index)


def clamped(b: ScalarBuilder, place: SSAValue, size: Size) -> SSAValue:
    """The nearest place from 0 to size - 1."""
    return b.call("maximum", b.call("minimum", place, b.size(as_dim(size) - 1, place.type)), 0)


def wrapped(b: ScalarBuilder, place: SSAValue, size: Size) -> SSAValue:
    """The remainder by `size`, never negative."""
    period = b.size(size, place.type)
    remainder = b.call("rem", place, period)
    return b.call("select", b.call("lt", remainder, 0), b.call("add", remainder, period), remainder)


def reflected(b: ScalarBuilder, place: SSAValue, size: Size) -> SSAValue:
    """Mirrored at the first and the last place, which do not repeat, as often as needed."""
    twice = (as_dim(size) - 1) * 2
    place = wrapped(b, place, twice.max(1))
    return b.call("minimum", place, b.call("sub", b.size(twice, place.type), place))


def reflected_at_edges(b: ScalarBuilder, place: SSAValue, size: Size) -> SSAValue:
    """Mirrored half a place outside the first and the last one, so that they repeat."""
    twice = as_dim(size) * 2
    place = wrapped(b, place, twice)
    return b.call("minimum", place, b.call("sub", b.size(twice - 1, place.type), place))


def reflected_once(b: ScalarBuilder, place: SSAValue, size: int) -> SSAValue:
    """`reflected` for places less than a whole dim outside, without a division."""
    place = b.call("abs", place)
    return b.call("minimum", place, b.call("sub", b.size(2 * (size - 1), place.type), place))


def wrapped_once(b: ScalarBuilder, place: SSAValue, size: int) -> SSAValue:
    """`wrapped` for places at most a whole dim outside, without a division."""
    place = b.call("select", b.call("lt", place, 0), b.call("add", place, size), place)
    return b.call("select", b.call("ge", place, size), b.call("sub", place, size), place)
