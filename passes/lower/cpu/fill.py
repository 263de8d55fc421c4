"""Filling memory on a CPU: the border of a padded buffer, all its runs in one kernel.

program (the dims around): for each run: store(value), whole vectors first, the tail masked
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, Index, RefType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.passes.lower.cpu.elementwise import UNROLL, cover
from neuralc.passes.lower.tiles import Place, TileShape
from neuralc.passes.target import Target


def build_fill(name: str, refs: Sequence[RefType], around: int, value: float | int, target: Target) -> FuncOp:
    """A kernel that stores `value` everywhere in `refs`, whose first `around` dims are the same and become programs."""
    dims = sorted(set().union(*(ref.symbols for ref in refs)))
    names = [f"border_{i}" for i in range(len(refs))]
    b = KernelBuilder(name, dims, list(zip(names, refs, strict=True)))
    sizes = refs[0].shape[:around]
    position = b.unravel(b.program_id() if around else 0, sizes, [f"d{i}" for i in range(around)])
    for argument, ref in zip(names, refs, strict=True):
        _lines(b, b.reference(argument), ref, position, value, target)
    grid = Dim.constant(1)
    for size in sizes:
        grid *= size
    return b.finish(grid)


def _lines(
    b: KernelBuilder, ref: SSAValue, type_: RefType, at: Sequence[IndexLike], value: float | int, target: Target
) -> None:
    """Loops over the dims that are left, vectors along the last one."""
    if len(at) < type_.rank - 1:

        def one(position: SSAValue) -> Sequence[SSAValue]:
            _lines(b, ref, type_, [*at, position], value, target)
            return ()

        b.loop(0, b.size(type_.shape[len(at)]), 1, [], one, hint="line")
        return
    lanes = target.lanes_of(type_.element_type) if type_.strides[-1] == 1 else 1

    def store(place: Place, shape: TileShape) -> None:
        tile = b.splat(value, shape.type(type_.element_type))
        b.store(tile, ref, [*(Index(position) for position in at), Index(place.start, 0, place.masked)])

    cover(b, 0, b.size(type_.shape[-1]), lanes, UNROLL, store)
