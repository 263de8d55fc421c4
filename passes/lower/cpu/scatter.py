"""Scatter on a CPU: x is copied first; then every program walks all updates in order, for a part of what they write.

program (dims behind the indexed ones | chunks of the last):
  for each update: i = indices[update]; y[i, chunk] = updates[update, chunk]     (or combined with what is there)

So a later update of the same place wins, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation, SSAValue

from neuralc.dialects import tensor
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.kernel import FuncOp, Index, RefType, status_type
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder, tile_of
from neuralc.passes.lower.cpu.elementwise import UNROLL, cover
from neuralc.passes.lower.regions import INDEX_CODE
from neuralc.passes.lower.tiles import Place, TileShape, computed
from neuralc.passes.target import Target

CHUNK = 1024
"""Elements of the last dim that one program updates."""


def build_scatter(
    op: Operation, operands: Sequence[RefType], results: Sequence[RefType], target: Target
) -> tuple[FuncOp, bool]:
    """The kernel that writes the updates into a copy of x."""
    if not isinstance(op, tensor.ScatterOp):
        raise TypeError(f"{op.name} is no scatter")
    return _Scatter(op, operands, results[0], target).build(), bool(op.literal("checked"))


class _Scatter:
    def __init__(self, op: tensor.ScatterOp, operands: Sequence[RefType], out: RefType, target: Target) -> None:
        x, self.indices, self.updates = operands
        self.out, self.target = out, target
        self.kind, self.checked = op.literal("kind"), bool(op.literal("checked"))
        depth = self.indices.shape[-1]
        if isinstance(depth, Dim):
            raise TypeError("the number of indexed dims is a constant")
        self.depth = depth
        names = [("x", x), ("indices", self.indices), ("updates", self.updates), ("out", out)]
        references = [*names, ("status", status_type())] if self.checked else names
        dims = sorted(frozenset().union(*(ref.symbols for _, ref in references)))
        self.b = KernelBuilder("scatter", dims, references)

    def build(self) -> FuncOp:
        b, suffix = self.b, self.out.shape[self.depth :]
        chunks = as_dim(suffix[-1]).ceildiv(CHUNK) if suffix else Dim.constant(1)
        sizes = [*suffix[:-1], chunks] if suffix else []
        position = b.unravel(b.program_id() if sizes else 0, sizes, [f"d{i}" for i in range(len(sizes))])
        self._updates([], position)
        grid = Dim.constant(1)
        for size in sizes:
            grid *= size
        return b.finish(grid)

    def _updates(self, place: Sequence[IndexLike], position: Sequence[IndexLike]) -> None:
        """A loop for each dim of the updates' order."""
        if len(place) == self.indices.rank - 1:
            self._update(place, position)
            return

        def one(at: SSAValue) -> Sequence[SSAValue]:
            self._updates([*place, at], position)
            return ()

        self.b.loop(0, self.b.size(self.indices.shape[len(place)]), 1, [], one, hint="update")

    def _update(self, place: Sequence[IndexLike], position: Sequence[IndexLike]) -> None:
        b = self.b
        around = [Index(at) for at in place]
        point = TileShape((), 1).type(self.indices.element_type)
        targets: list[Index] = []
        for number in range(self.depth):
            index = b.load(b.reference("indices"), [*around, Index(number)], point, hint="index")
            if self.checked:
                self._check(index, self.out.shape[number])
            targets.append(Index(b.to_index(index), None, self.checked))
        if not position:
            self._write(around, targets, [], TileShape((), 1))
            return
        behind = [Index(at) for at in position[:-1]]
        start = b.mul(position[-1], CHUNK)
        stop = b.minimum(b.plus(start, CHUNK), b.size(self.out.shape[-1]))
        lanes = self.target.lanes_of(computed(self.out.element_type))
        unit = self.out.strides[-1] == 1 and self.updates.strides[-1] == 1

        def tile(at: Place, shape: TileShape) -> None:
            self._write(around, targets, [*behind, Index(at.start, 0, at.masked)], shape)

        cover(b, start, stop, lanes if unit else 1, UNROLL, tile)

    def _check(self, index: SSAValue, size: int | Dim) -> None:
        b, type_ = self.b, tile_of(index)
        end = b.splat(b.size(size), type_)
        inside = b.map("and", b.map("ge", index, b.splat(0, type_)), b.map("lt", index, end))
        b.check(inside, b.reference("status"), INDEX_CODE)

    def _write(self, around: list[Index], targets: list[Index], behind: list[Index], shape: TileShape) -> None:
        b, memory = self.b, shape.type(self.out.element_type)
        masked = any(index.masked for index in behind)
        value = b.load(b.reference("updates"), [*around, *behind], memory, other=0 if masked else None)
        out = b.reference("out")
        if self.kind != "set":
            held = b.load(out, [*targets, *behind], memory, other=0 if masked or self.checked else None)
            wide = shape.type(computed(self.out.element_type))
            value = b.convert(b.map(self.kind, b.convert(held, wide), b.convert(value, wide)), memory)
        b.store(value, out, [*targets, *behind])
