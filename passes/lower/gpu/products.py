"""Contractions on a GPU that are no products of matrices: a depthwise convolution, a matrix times one vector.

    element by element (the operands share the last loop)     sums of products (one side has no loop of its own)

      acc[p, c] = 0                                             acc[k, n] = 0
      for i, j:  acc += x[p, i, j, c] * w[i, j, c]              for k in range(0, 784, 32):  acc += x[k] * w[k, n]
      store(epilogue(acc))                                      store(epilogue(sum of acc over k))

Both multiply and add in 32 bits at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from xdsl.ir import SSAValue

from neuralc.dialects.dims import Dim, simplest
from neuralc.dialects.kernel import FuncOp
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder, tile_of
from neuralc.passes.lower.gpu.axes import hints, join, programs, split_word
from neuralc.passes.lower.gpu.blocks import MULTIPROCESSORS
from neuralc.passes.lower.gpu.loops import Accumulator, Start, each_position, each_step
from neuralc.passes.lower.gpu.roles import Roles, accumulator, size_of
from neuralc.passes.lower.nest import Nest, Operand
from neuralc.passes.lower.regions import epilogue
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store

BLOCK = 1024
"""Elements of a block that is multiplied element by element: with 16 for each of 128 threads, addresses spill."""
SUMS = 2048
"""Elements of a block of sums of products."""
NARROW, WIDE = 16, 64
"""Columns of a block of sums: few, so that many programs share the work, or more where there is enough of it."""


def build_products(nest: Nest, roles: Roles, name: str) -> tuple[FuncOp, Nest]:
    """The kernel that multiplies element by element, and the nest with the operands as it sees them."""
    head, tail = split_word(nest, nest.output.word)
    nest, columns = join(nest, tail, 64 if head else BLOCK)
    nest, rows = join(nest, head, BLOCK // columns.extent)
    b = KernelBuilder(name, nest.dims, nest.references)
    where, grid = programs(b, {"pid_m": simplest(rows.tiles), "pid_n": simplest(columns.tiles)})
    extents = (rows.extent, columns.extent) if head else (columns.extent,)
    places = rows.places(b, nest, b.mul(where["pid_m"], rows.extent, "m0"), 0, "offs_m")
    places |= columns.places(b, nest, b.mul(where["pid_n"], columns.extent, "n0"), len(extents) - 1, "offs_n")
    shape = TileShape(extents, 0)

    def step(here: Mapping[str, Place], acc: Accumulator) -> SSAValue:
        return multiply_add(b, nest, roles, {**places, **here}, shape, acc)

    acc = each_position(b, nest, roles.reduced, zeros(b, nest, roles, shape), step)
    finish(b, nest, acc, places, shape)
    return b.finish(grid, hints(4)), nest


def build_sums(nest: Nest, roles: Roles, name: str) -> tuple[FuncOp, Nest]:
    """The kernel that adds products along k at the end, and the nest with the operands as it sees them."""
    across = roles.rows + roles.columns
    # Threads side by side read what lies side by side: along the output or along k.
    contiguous = across and any(operand.stride(across[-1]) == 1 for operand in roles.operands(nest))
    size = size_of(nest, across)
    plenty = isinstance(size, Dim) or size > NARROW * MULTIPROCESSORS
    nest, columns = join(nest, across, WIDE if contiguous and plenty else NARROW)
    nest, depth = join(nest, roles.reduced, SUMS // columns.extent)
    b = KernelBuilder(name, nest.dims, nest.references)
    grid_sizes = {letter: nest.sizes[letter] for letter in roles.shared} | {"pid_n": simplest(columns.tiles)}
    where, grid = programs(b, grid_sizes)
    places = {letter: Place(where[letter]) for letter in roles.shared}
    extents = (columns.extent,) if across else ()
    places |= columns.places(b, nest, b.mul(where["pid_n"], columns.extent, "n0"), 0, "offs_n")
    below = {letter: replace(place, over=1) if place.over == 0 else place for letter, place in places.items()}
    shape = TileShape((depth.extent, *extents), 0)

    def step(k: IndexLike, acc: Accumulator) -> SSAValue:
        here = {**below, **depth.places(b, nest, k, 0, "offs_k")}
        return multiply_add(b, nest, roles, here, shape, acc)

    acc = each_step(b, depth, zeros(b, nest, roles, shape), step)
    finish(b, nest, b.reduce("add", acc, 0, "total"), places, TileShape(extents, 0))
    return b.finish(grid, hints(4)), nest


def zeros(b: KernelBuilder, nest: Nest, roles: Roles, shape: TileShape) -> Start:
    """Makes the accumulator before the first product."""
    tile = shape.type(accumulator(nest.inputs[roles.left].ref.element_type))
    return lambda: b.splat(0.0, tile, "acc")


def multiply_add(
    b: KernelBuilder, nest: Nest, roles: Roles, places: Mapping[str, Place], shape: TileShape, acc: Accumulator
) -> SSAValue:
    """acc + left * right at some places."""

    def tile(operand: Operand) -> SSAValue:
        value = load(b, operand, places, shape)
        return b.convert(value, tile_of(value).with_element(accumulator(operand.ref.element_type)))

    left, right = (tile(operand) for operand in roles.operands(nest))
    return b.map("mul", left, right, hint="acc") if acc is None else b.map("fma", left, right, acc, hint="acc")


def finish(b: KernelBuilder, nest: Nest, acc: SSAValue, places: Mapping[str, Place], shape: TileShape) -> None:
    """The maps behind the contraction, and the store."""
    value = b.convert(acc, shape.type(computed(nest.stages[0].element)))
    store(b, epilogue(b, nest, nest.stages[1:], value, places, shape), nest.output, places)
