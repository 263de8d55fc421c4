"""Padding on a GPU: around a value that lies elsewhere, or only the border of a buffer whose inside others write.

    pad     offs over the padded tensor: store(x[n, h - 1, w - 1, c] where that is inside, else the value)
    fill    offs over each part of the border: store(the value)

Each is one launch: starting a kernel for each side of a picture would cost more than what they write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xdsl.ir import SSAValue

from neuralc.dialects.dims import Dim, as_dim, simplest
from neuralc.dialects.kernel import FuncOp, RefType, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.dialects.tensor.subscripts import identity
from neuralc.passes.lower.gpu.axes import Axis, hints, join, programs
from neuralc.passes.lower.gpu.elementwise import BLOCK
from neuralc.passes.lower.nest import Nest, Operand, Size
from neuralc.passes.lower.tiles import Place, TileShape, load, store


def build_pad(
    name: str, x: RefType, out: RefType, low: Sequence[int], value: float | int
) -> tuple[FuncOp, list[RefType]]:
    """The kernel that writes all of `out`: `x` from position `low` on, `value` around it; and how it sees both."""
    letters = identity(out.rank)
    nest, axis = _over("out", out)
    nest = replace(nest, inputs=(Operand("x", letters, x),))
    b = KernelBuilder(name, nest.dims, [("x", x), ("out", nest.output.ref)])
    where, grid = programs(b, {"pid": simplest(axis.tiles)})
    places = axis.places(b, nest, b.mul(where["pid"], axis.extent, "start"), 0)
    inside: dict[str, Place] = {}
    for letter, before, size, padded in zip(letters, low, x.shape, out.shape, strict=True):
        inside[letter] = places[letter]
        if size != padded:
            inside[letter] = replace(
                places[letter], start=_shifted(b, places[letter].start, before, letter), masked=True
            )
    shape = TileShape((axis.extent,), 0, wide=False)
    store(b, load(b, nest.inputs[0], inside, shape, other=value), nest.output, places)
    return b.finish(grid, hints(4)), [x, nest.output.ref]


def _shifted(b: KernelBuilder, start: IndexLike, before: int, letter: str) -> IndexLike:
    """A position of the padded tensor, or a tile of them, in the tensor inside of it."""
    hint = f"inner_{letter}"
    if isinstance(start, SSAValue) and isinstance(start.type, TileType):
        return b.map("sub", start, b.splat(before, start.type), hint=hint) if before else start
    return b.minus(start, before, hint)


def build_fill(name: str, refs: Sequence[RefType], value: float | int) -> tuple[FuncOp, list[RefType]]:
    """The kernel that stores `value` everywhere in `refs`, and how it sees them."""
    parts = [_over(f"border_{i}", ref) for i, ref in enumerate(refs)]
    dims = sorted(set().union(*(ref.symbols for ref in refs)))
    b = KernelBuilder(name, dims, [(nest.output.name, nest.output.ref) for nest, _ in parts])
    where, grid = programs(b, {"pid": simplest(_largest([as_dim(axis.size) for _, axis in parts]).ceildiv(BLOCK))})
    start = b.mul(where["pid"], BLOCK, "start")
    for nest, axis in parts:
        places = axis.places(b, nest, start, 0)
        for letter in {axis.flat, axis.letters[0]} & set(places):
            # Programs of a longer part store nothing here.
            places[letter] = replace(places[letter], masked=True)
        tile = b.splat(value, TileShape((BLOCK,), 0).type(nest.output.ref.element_type))
        store(b, tile, nest.output, places)
    return b.finish(grid, hints(4)), [nest.output.ref for nest, _ in parts]


def _largest(sizes: Sequence[Dim]) -> Dim:
    """The largest of some sizes, for all values of their symbols; a maximum where that depends on them."""
    largest = sizes[0]
    for size in sizes[1:]:
        if all(coefficient >= 0 for _, coefficient in (size - largest).terms):
            largest = size
        elif any(coefficient > 0 for _, coefficient in (size - largest).terms):
            largest = largest.max(size)
    return largest


def _over(name: str, ref: RefType) -> tuple[Nest, Axis]:
    """An axis over all of a memory."""
    letters = identity(ref.rank)
    sizes = dict(zip(letters, ref.shape, strict=True))
    # The rows between the first and the last of a picture may be none: outermost, such a loop is no divisor.
    order = "".join(sorted(letters, key=lambda letter: _may_be_empty(sizes[letter]), reverse=True))
    return join(Nest(name, sizes, (), Operand(name, letters, ref), ()), order, BLOCK, BLOCK)


def _may_be_empty(size: Size) -> bool:
    dim = as_dim(size)
    return dim.evaluate(dict.fromkeys(dim.symbols, 1)) < 1
