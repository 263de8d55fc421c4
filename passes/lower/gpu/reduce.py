"""Reductions on a GPU: over a short window position by position, over a long axis by tiles that are reduced at the end.

    window (pooling)                    long, the output keeps the last loop     long, the last loop is reduced

      acc[p, c] = identity                acc[r, c] = identity                     acc[p, r] = identity
      for i, j:                           for r in range(0, 196, 32):              for r in range(0, 1000, 128):
        acc = max(acc, x[p, i, j, c])       acc += x[r, c]                           acc += x[p, r]
      store(epilogue(acc))                store(epilogue(sum over r))              store(epilogue(sum over r))

Places behind the end of the reduced axis read the identity. Sums of fp16 are made in fp32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from xdsl.ir import SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.dims import simplest
from neuralc.dialects.kernel import FuncOp
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder, tile_of
from neuralc.passes.lower.gpu.axes import Axis, hints, join, programs, split_word
from neuralc.passes.lower.gpu.loops import Accumulator, each_position, each_step
from neuralc.passes.lower.gpu.roles import size_of
from neuralc.passes.lower.nest import Nest
from neuralc.passes.lower.regions import epilogue
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store

BLOCK = 2048
"""Elements of a block that is reduced at the end: 16 for each of 128 threads."""
OUTPUTS = 1024
"""Elements of a block of outputs, whose addresses take registers too."""
WINDOW = 32
"""Positions that one program goes through one by one."""


def build_reduce(nest: Nest, name: str) -> tuple[FuncOp, Nest]:
    """The kernel of a reduction and its epilogue, and the nest with the operands as it sees them."""
    x = nest.inputs[nest.stages[0].sources[0].input or 0]
    letters = "".join(letter for letter in x.word if letter not in nest.output.word)
    size = size_of(nest, letters)
    if isinstance(size, int) and size <= WINDOW and nest.output.word:
        return _window(nest, letters, name)
    if x.word[-1] in nest.output.word:
        return _along_first(nest, letters, name)
    return _along_last(nest, letters, name)


def _window(nest: Nest, letters: str, name: str) -> tuple[FuncOp, Nest]:
    """A tile of outputs; its windows are gone through position by position."""
    head, tail = split_word(nest, nest.output.word)
    nest, columns = join(nest, tail, 64 if head else OUTPUTS)
    nest, rows = join(nest, head, OUTPUTS // columns.extent)
    b = KernelBuilder(name, nest.dims, nest.references)
    where, grid = programs(b, {"pid_m": simplest(rows.tiles), "pid_n": simplest(columns.tiles)})
    extents = (rows.extent, columns.extent) if head else (columns.extent,)
    places = rows.places(b, nest, b.mul(where["pid_m"], rows.extent, "m0"), 0, "offs_m")
    places |= columns.places(b, nest, b.mul(where["pid_n"], columns.extent, "n0"), len(extents) - 1, "offs_n")
    reduction = _Reduction(b, nest, TileShape(extents, 0))
    acc = each_position(b, nest, letters, reduction.start, lambda at, a: reduction.step({**places, **at}, a))
    reduction.finish(acc, places)
    return b.finish(grid, hints(4)), nest


def _along_first(nest: Nest, letters: str, name: str) -> tuple[FuncOp, Nest]:
    """A tile of reduced positions x neighbouring outputs; the other loops of the output are dims of the grid."""
    head, tail = split_word(nest, nest.output.word)
    nest, columns = join(nest, tail, 64)
    nest, depth = join(nest, letters, BLOCK // columns.extent)
    b = KernelBuilder(name, nest.dims, nest.references)
    grid_sizes = {letter: nest.sizes[letter] for letter in head} | {"pid_n": simplest(columns.tiles)}
    where, grid = programs(b, grid_sizes)
    places = {letter: Place(where[letter]) for letter in head}
    start = b.mul(where["pid_n"], columns.extent, "n0")
    places |= columns.places(b, nest, start, 0, "offs_n")
    reduction = _Reduction(b, nest, TileShape((depth.extent, columns.extent), 0))
    below = {letter: replace(place, over=1) if place.over == 0 else place for letter, place in places.items()}
    reduction.finish(reduction.along(depth, below, 0), places)
    return b.finish(grid, hints(4)), nest


def _along_last(nest: Nest, letters: str, name: str) -> tuple[FuncOp, Nest]:
    """A tile of outputs x reduced positions."""
    word = nest.output.word
    nest, depth = join(nest, letters, BLOCK // 2)
    nest, rows = join(nest, word, BLOCK // depth.extent)
    b = KernelBuilder(name, nest.dims, nest.references)
    where, grid = programs(b, {"pid": simplest(rows.tiles)})
    places = rows.places(b, nest, b.mul(where["pid"], rows.extent, "m0"), 0, "offs_m")
    extents = (rows.extent, depth.extent) if word else (depth.extent,)
    reduction = _Reduction(b, nest, TileShape(extents, 0))
    reduction.finish(reduction.along(depth, places, len(extents) - 1), places)
    return b.finish(grid, hints(4)), nest


class _Reduction:
    """The reduction that a nest begins with, on tiles of one shape."""

    def __init__(self, b: KernelBuilder, nest: Nest, shape: TileShape) -> None:
        op = nest.stages[0].op
        if not isinstance(op, tensor.ReduceOp):
            raise TypeError(f"{op.name} is not a reduction")
        self.b, self.nest, self.shape = b, nest, shape
        self.kind = str(op.literal("kind"))
        self.x = nest.inputs[nest.stages[0].sources[0].input or 0]
        self.identity = scalar.identity(self.kind, self.x.ref.element_type)

    def start(self) -> SSAValue:
        """The tile before anything is reduced."""
        return self.b.splat(self.identity, self.shape.type(computed(self.x.ref.element_type)), "acc")

    def step(self, places: Mapping[str, Place], acc: Accumulator) -> SSAValue:
        """One more tile of x."""
        x = load(self.b, self.x, places, self.shape, other=self.identity)
        return x if acc is None else self.b.map(self.kind, acc, x, hint="acc")

    def along(self, depth: Axis, places: Mapping[str, Place], over: int) -> SSAValue:
        """All tiles along the reduced axis, which is tile axis `over`, reduced at the end."""
        b = self.b

        def step(k: IndexLike, acc: Accumulator) -> SSAValue:
            return self.step({**places, **depth.places(b, self.nest, k, over, "offs_k")}, acc)

        return b.reduce(self.kind, each_step(b, depth, self.start, step), over, "total")

    def finish(self, acc: SSAValue, places: Mapping[str, Place]) -> None:
        """The maps behind the reduction, and the store."""
        shape = TileShape(tile_of(acc).shape, 0)
        value = epilogue(self.b, self.nest, self.nest.stages[1:], acc, places, shape)
        store(self.b, value, self.nest.output, places)
