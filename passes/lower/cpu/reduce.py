"""Reductions on a CPU: vectors along a loop of the output, or along the reduced loop where that is contiguous.

    kept loop (pooling in NHWC)                   reduced last loop (a row sum)
      for each tile of the loop:                    acc = identity
        acc = identity                              for each tile of the reduced loop: acc = acc + x
        for the reduced loops: acc = acc + x        total = acc added over its lanes
        store(epilogue(acc))                        store(epilogue(total))

The kept loop is the last one, or another along which the operand has its neighbours where the last one has not: a
window is read several times and its result is written once. (The last pooling before a dense layer over channels first,
32 channels in 7x7 places, Zen 3: 3.0 -> 0.6 us.) The tail of a reduced row is masked and reads the identity. A
contraction is a sum of products; here it is computed so where its last loop is as long as a symbol says, which leaves
it without register tiles (cpu/contract.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from xdsl.ir import SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.kernel import FuncOp, TileType
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.passes.lower.cpu.elementwise import UNROLL, cover, leftovers, nested_loops, split_loops, vector_lanes
from neuralc.passes.lower.cpu.roles import STRIDED_LOAD
from neuralc.passes.lower.nest import Nest
from neuralc.passes.lower.regions import epilogue
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store
from neuralc.passes.target import Target

STRAIGHT = 16
"""Rounds of the reduced loops written out, so that a 2x2 window is no loop."""


def build_reduce(nest: Nest, target: Target, name: str) -> FuncOp:
    """The kernel of a reduction, or of a sum of products, and its epilogue."""
    return _Reduce(nest, target, row_letter(nest)).build(name)


def row_letter(nest: Nest) -> str:
    """The reduced loop along which operands have their neighbours, if any; else empty: vectors of the output."""
    operands = [nest.inputs[source.input or 0] for source in nest.stages[0].sources]
    for letter in reversed(nest.reduced):
        having = [operand for operand in operands if letter in operand.word]
        if all(operand.stride(letter) == 1 for operand in having) and not _is_short(nest, letter):
            return letter
    return "" if nest.output.word else nest.reduced[-1]


SHORT = 8
"""A window that is no row: most of a vector would be masked."""


def _is_short(nest: Nest, letter: str) -> bool:
    """Whether a reduced loop is too short for vectors, and a loop of the output is not."""
    size, kept = nest.static(letter), nest.output.word[-1:]
    return bool(kept) and size is not None and size < SHORT and (nest.static(kept) or SHORT) > size


class _Reduce:
    def __init__(self, nest: Nest, target: Target, along: str) -> None:
        self.nest = nest
        self.along = along
        self.operands = [nest.inputs[source.input or 0] for source in nest.stages[0].sources]
        self.x = self.operands[0]
        op = nest.stages[0].op
        if not isinstance(op, tensor.ReduceOp | tensor.ContractOp):
            raise TypeError(f"{op.name} is not a reduction")
        self.kind = str(op.literal("kind")) if isinstance(op, tensor.ReduceOp) else "add"
        self.element = computed(self.x.ref.element_type)
        self.identity = scalar.identity(self.kind, self.element)
        self.lanes = vector_lanes(nest, target)

    def build(self, name: str) -> FuncOp:
        nest, word = self.nest, self.nest.output.word
        b = KernelBuilder(name, nest.dims, nest.references)
        vector = "" if self.along else self._vector()
        parallel = word.replace(vector, "") if vector else word
        outer, inner, chunk = split_loops(nest, parallel, nest.sizes[vector] if vector else 64)
        if chunk and not vector:
            chunk = 0
        chunks = as_dim(nest.sizes[vector]).ceildiv(chunk) if chunk else Dim.constant(1)
        position = b.unravel(
            b.program_id() if outer or chunk else 0,
            [*(nest.sizes[letter] for letter in outer), chunks],
            [*outer, "chunk"],
        )
        places = {letter: Place(at) for letter, at in zip(outer, position, strict=False)}
        start: IndexLike = b.mul(position[-1], chunk) if chunk else 0

        def body(here: Mapping[str, Place]) -> None:
            if not vector:
                self._row(b, here)
                return
            stop = b.size(nest.sizes[vector])
            if chunk:
                stop = b.minimum(b.plus(start, chunk), stop)
            cover(b, start, stop, self.lanes, UNROLL, lambda at, shape: self._columns(b, {**here, vector: at}, shape))

        nested_loops(b, nest.sizes, inner, places, body)
        grid = chunks
        for letter in outer:
            grid *= nest.sizes[letter]
        return b.finish(grid)

    def _vector(self) -> str:
        """The loop of the output that costs least along vectors; of like ones the last."""
        nest = self.nest
        rounds = math.prod(nest.static(letter) or STRAIGHT for letter in nest.reduced)

        def cost(letter: str) -> float:
            strided = sum(each.stride(letter) != 1 for each in self.operands if letter in each.word)
            moves = rounds * (1 + STRIDED_LOAD * strided) + (1 if nest.output.stride(letter) == 1 else STRIDED_LOAD)
            size = nest.static(letter)
            return moves if size is None else moves * -(-size // self.lanes) * self.lanes / max(1, size)

        return min(reversed(nest.output.word), key=cost, default="")

    def _columns(self, b: KernelBuilder, here: Mapping[str, Place], shape: TileShape) -> None:
        """Reduce under a tile of a kept loop."""
        acc = b.splat(self.identity, shape.type(self.element), "acc")

        def step(places: Mapping[str, Place], acc: SSAValue) -> SSAValue:
            return self._add(b, acc, places, shape)

        acc = self._loops(b, self.nest.reduced, here, acc, step)
        self._finish(b, acc, here, shape)

    def _row(self, b: KernelBuilder, here: Mapping[str, Place]) -> None:
        """Reduce along the last loop of the operand, which the output does not have."""
        along = self.along
        around = self.nest.reduced.replace(along, "")
        size = self.nest.static(along)
        width = self.lanes * UNROLL
        total: SSAValue | None = None
        full = 0 if size is None else size // width

        def partial(shape: TileShape, start: IndexLike, stop: IndexLike, masked: bool) -> SSAValue:
            acc = b.splat(self.identity, shape.type(self.element), "acc")

            def step(places: Mapping[str, Place], acc: SSAValue) -> SSAValue:
                def one(at: IndexLike, acc: SSAValue) -> SSAValue:
                    spot = {**places, along: Place(at, 0, masked)}
                    return self._add(b, acc, spot, shape)

                single = isinstance(start, int) and isinstance(stop, int) and stop - start <= shape.extents[0]
                if single:
                    return one(start, acc)
                return b.loop(start, stop, shape.extents[0], [acc], lambda at, a: [one(at, a)], hint="at")[0]

            acc = self._loops(b, around, here, acc, step)
            return b.reduce(self.kind, acc, 0, "total")

        pieces: list[tuple[int, IndexLike, IndexLike, bool]] = []
        if size is None:
            pieces.append((self.lanes, 0, b.size(self.nest.sizes[along]), True))
        else:
            pieces += [(width, 0, full * width, False)] if full else []
            pieces += [
                (extent, start, start + extent, masked)
                for start, extent, masked in leftovers(full * width, size, self.lanes)
            ]
        for extent, start, stop, masked in pieces:
            value = partial(TileShape((extent,), self.lanes), start, stop, masked)
            total = value if total is None else b.map(self.kind, total, value, hint="total")
        if total is None:
            total = b.splat(self.identity, TileType.of((), self.element, 1), "total")
        self._finish(b, total, here, TileShape((), 1))

    def _add(self, b: KernelBuilder, acc: SSAValue, places: Mapping[str, Place], shape: TileShape) -> SSAValue:
        """One round: the operand, or the product of the two, goes into the sum."""
        tiles = [load(b, each, places, shape, other=self.identity, hint="x_tile") for each in self.operands]
        return b.map("fma", *tiles, acc, hint="acc") if len(tiles) == 2 else b.map(self.kind, acc, *tiles, hint="acc")

    def _finish(self, b: KernelBuilder, value: SSAValue, here: Mapping[str, Place], shape: TileShape) -> None:
        value = epilogue(b, self.nest, self.nest.stages[1:], value, here, shape)
        store(b, value, self.nest.output, here)

    def _loops(
        self,
        b: KernelBuilder,
        letters: str,
        here: Mapping[str, Place],
        acc: SSAValue,
        step: Callable[[Mapping[str, Place], SSAValue], SSAValue],
    ) -> SSAValue:
        """`step` for every position of the letters; a few rounds are written out."""
        if not letters:
            return step(here, acc)
        letter, rest = letters[0], letters[1:]
        size = self.nest.sizes[letter]

        def one(position: IndexLike, acc: SSAValue) -> SSAValue:
            return self._loops(b, rest, {**here, letter: Place(position)}, acc, step)

        rounds = 1
        for each in letters:
            rounds *= self.nest.static(each) or STRAIGHT + 1
        if rounds <= STRAIGHT and isinstance(size, int):
            for position in range(size):
                acc = one(position, acc)
            return acc
        return b.loop(0, b.size(size), 1, [acc], lambda k, a: [one(k, a)], hint=letter)[0]
