"""Maps on a GPU: one program per block of the output, seen as one long row.

    offs = start + tl.arange(0, 1024)
    tl.store(out + offs, tl.load(x + offs, mask) + tl.load(bias + offs % 20, mask), mask)

Operands that lie like the output are read at the same offsets; for the others the offsets are taken apart into the
positions along each loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.kernel import FuncOp
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.passes.lower.gpu.axes import hints, join, programs
from neuralc.passes.lower.nest import Nest, Stage
from neuralc.passes.lower.tiles import Place, TileShape, load, region, store

BLOCK = 1024
"""Elements of a block: two vectors of four for each of 128 threads."""


def build_elementwise(nest: Nest, name: str) -> tuple[FuncOp, Nest]:
    """The kernel of a nest of maps, and the nest with the operands as the kernel sees them."""
    word = nest.output.word
    if not word:
        b = KernelBuilder(name, nest.dims, [(operand.name, operand.ref) for operand in nest.operands])
        shape = TileShape((), 0, wide=True)
        store(b, evaluate(b, nest, nest.stages, {}, shape), nest.output, {})
        return b.finish(1, hints(1)), nest
    nest, axis = join(nest, word, BLOCK, 32)
    b = KernelBuilder(name, nest.dims, [(operand.name, operand.ref) for operand in nest.operands])
    where, grid = programs(b, {"pid": axis.tiles})
    start = b.mul(where["pid"], axis.extent)
    places = axis.places(b, nest, start, 0)
    if isinstance(start, SSAValue) and len(places) > 1:
        start.name_hint = "start"
    shape = TileShape((axis.extent,), 0, wide=True)
    store(b, evaluate(b, nest, nest.stages, places, shape), nest.output, places)
    return b.finish(grid, hints(max(1, min(4, axis.extent // 128)))), nest


def evaluate(
    b: KernelBuilder, nest: Nest, stages: Sequence[Stage], places: Mapping[str, Place], shape: TileShape
) -> SSAValue:
    """The value of the last of some maps, which read inputs and each other."""
    values: list[SSAValue] = []
    for stage in stages:
        if not isinstance(stage.op, tensor.MapOp):
            raise TypeError(f"{stage.op.name} is not a map")
        tiles = [
            values[source.stage or 0] if source.input is None else load(b, nest.inputs[source.input], places, shape)
            for source in stage.sources
        ]
        values.append(region(b, stage.op, tiles, shape))
    return values[-1]
