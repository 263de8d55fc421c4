"""Running sums on a CPU: one step after the other along the dim, vectors along another one.

program (the other dims): for each tile of the vector dim:
  acc = identity
  for k: acc = acc + x[k]; store acc           (exclusive: store, then add)
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.dims import Dim
from neuralc.dialects.kernel import FuncOp, RefType
from neuralc.dialects.kernel.builder import KernelBuilder
from neuralc.dialects.tensor.subscripts import identity
from neuralc.passes.lower.cpu.elementwise import UNROLL, cover
from neuralc.passes.lower.nest import Operand
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store
from neuralc.passes.target import Target


def build_cumulate(
    op: Operation, operands: Sequence[RefType], results: Sequence[RefType], target: Target
) -> tuple[FuncOp, bool]:
    """The kernel of tensor.cumulate."""
    if not isinstance(op, tensor.CumulateOp):
        raise TypeError(f"{op.name} is no cumulation")
    (x_ref,), (out_ref,) = operands, results
    letters = identity(x_ref.rank)
    x, out = Operand("x", letters, x_ref), Operand("out", letters, out_ref)
    along = letters[op.literal("dim")]
    kind, exclusive, reverse = op.literal("kind"), op.literal("exclusive"), op.literal("reverse")
    sizes = dict(zip(letters, x_ref.shape, strict=True))
    vector = _vector_loop(x, along)
    outer = [letter for letter in letters if letter not in (along, vector)]
    b = KernelBuilder("cumulate", sorted(x_ref.symbols | out_ref.symbols), [("x", x_ref), ("out", out_ref)])
    position = b.unravel(b.program_id() if outer else 0, [sizes[letter] for letter in outer], outer)
    around = {letter: Place(at) for letter, at in zip(outer, position, strict=True)}
    element = computed(x_ref.element_type)
    size = b.size(sizes[along])

    def tile(place: Place, shape: TileShape) -> None:
        start = b.splat(scalar.identity(kind, element), shape.type(element), "acc")

        def step(k: SSAValue, acc: SSAValue) -> list[SSAValue]:
            at = b.minus(b.minus(size, 1), k) if reverse else k
            here = {**around, along: Place(at)} | ({vector: place} if vector else {})
            total = b.map(kind, acc, load(b, x, here, shape), hint="acc")
            store(b, acc if exclusive else total, out, here)
            return [total]

        b.loop(0, size, 1, [start], step, hint="k")

    if vector:
        lanes = target.lanes_of(element)
        cover(b, 0, b.size(sizes[vector]), lanes, UNROLL if x.stride(vector) == 1 else 1, tile)
    else:
        tile(Place(0), TileShape((), 1))
    grid = Dim.constant(1)
    for letter in outer:
        grid *= sizes[letter]
    return b.finish(grid), False


def _vector_loop(x: Operand, along: str) -> str:
    """The last other loop: its neighbours in memory where the sum runs along another dim, else one row a lane."""
    others = [letter for letter, size in zip(x.word, x.ref.shape, strict=True) if letter != along and size != 1]
    return others[-1] if others else ""
