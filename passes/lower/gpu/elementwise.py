"""Maps on a GPU: one program per block of the output, seen as one long row.

    offs = pid * 1024 + tl.arange(0, 1024)
    tl.store(out + offs, tl.load(x + offs, mask) + tl.load(bias + offs % 20, mask), mask)

Operands that lie like the output are read at the same offsets; for the others the offsets are taken apart into the
positions along each loop. Where an operand has its neighbours along another loop than the output (a transposition),
the blocks span both loops, so that both are read and written by whole lines of memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import SSAValue

from neuralc.dialects.dims import simplest
from neuralc.dialects.kernel import FuncOp
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.passes.lower import regions
from neuralc.passes.lower.gpu.axes import hints, join, programs
from neuralc.passes.lower.nest import Nest, Source, Stage
from neuralc.passes.lower.tiles import Place, TileShape, load, store

BLOCK = 1024
"""Elements of a block: two vectors of four for each of 128 threads."""
SQUARE = 32
"""Rows of a block that is transposed on the way; as many columns fill it."""


def build_elementwise(nest: Nest, name: str) -> tuple[FuncOp, Nest]:
    """The kernel of a nest of maps, and the nest with the operands as it sees them."""
    if crossing := _crossing_loop(nest):
        return _squares(nest, crossing, name)
    nest, axis = join(nest, nest.output.word, BLOCK, 32)
    b = KernelBuilder(name, nest.dims, nest.references)
    where, grid = programs(b, {"pid": simplest(axis.tiles)})
    start = b.mul(where["pid"], axis.extent)
    places = axis.places(b, nest, start, 0)
    if isinstance(start, SSAValue) and len(places) > 1:
        start.name_hint = "start"
    shape = TileShape((axis.extent,) if nest.output.word else (), 0)
    store(b, evaluate(b, nest, nest.stages, places, shape), nest.output, places)
    return b.finish(grid, hints(max(1, min(4, axis.extent // 128)))), nest


def _crossing_loop(nest: Nest) -> str:
    """The loop along which an operand has its neighbours, where the output has them along another; else nothing."""
    word = nest.output.word
    if not word or nest.output.stride(word[-1]) != 1:
        return ""
    for operand in nest.inputs:
        nearest = [letter for letter in operand.word if operand.stride(letter) == 1]
        if word[-1] in operand.word and nearest and word[-1] not in nearest:
            return nearest[-1]
    return ""


def _squares(nest: Nest, crossing: str, name: str) -> tuple[FuncOp, Nest]:
    """Blocks of the crossing loop x the last one; the other loops are dims of the grid."""
    last = nest.output.word[-1]
    nest, rows = join(nest, crossing, SQUARE)
    nest, columns = join(nest, last, BLOCK // rows.extent)
    b = KernelBuilder(name, nest.dims, nest.references)
    sizes = {letter: nest.sizes[letter] for letter in nest.output.word if letter not in (crossing, last)}
    where, grid = programs(b, {**sizes, "pid_m": simplest(rows.tiles), "pid_n": simplest(columns.tiles)})
    places = {letter: Place(where[letter]) for letter in sizes}
    places |= rows.places(b, nest, b.mul(where["pid_m"], rows.extent, "m0"), 0)
    places |= columns.places(b, nest, b.mul(where["pid_n"], columns.extent, "n0"), 1)
    shape = TileShape((rows.extent, columns.extent), 0)
    store(b, evaluate(b, nest, nest.stages, places, shape), nest.output, places)
    return b.finish(grid, hints(4)), nest


def evaluate(
    b: KernelBuilder, nest: Nest, stages: Sequence[Stage], places: Mapping[str, Place], shape: TileShape
) -> SSAValue:
    """The value of the last of some maps, which read inputs and each other."""
    values: list[SSAValue] = []

    def tile_of_source(source: Source) -> SSAValue:
        return values[source.stage or 0] if source.input is None else load(b, nest.inputs[source.input], places, shape)

    for stage in stages:
        values.append(regions.evaluate(b, nest, stage, places, shape, tile_of_source))
    return values[-1]
