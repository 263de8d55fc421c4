"""Maps on a CPU: vectors along the last loop, the other loops around, no work left to a scalar remainder.

program (outermost loops | chunks of one long loop):
  for each inner loop:
    for each tile of the last loop: store(region(load, ..)); then the rest as one smaller tile, its tail masked
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from xdsl.ir import SSAValue

from neuralc.dialects import scalar, tensor
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.kernel import FuncOp
from neuralc.dialects.kernel.builder import IndexLike, KernelBuilder
from neuralc.passes.lower.nest import Nest, Size, Source, Stage
from neuralc.passes.lower.regions import evaluate, tile_types
from neuralc.passes.lower.tiles import Place, TileShape, computed, load, store
from neuralc.passes.target import Target

UNROLL = 4
"""Vectors a tile has along the last loop: independent work that hides latency."""
PROGRAM_WORK = 4096
"""Scalar functions that one program computes at least, where there are as many: they outweigh its index arithmetic, and
launches that take long enough for several threads still have programs for each of them."""
LEAST_ELEMENTS = 256
"""Elements that a program has at least, whatever is computed of them."""
CHUNK_UNIT = 64
"""Chunks are multiples of it: whole tiles."""
LONG_FUNCTION = 16
"""Instructions of a function that has a formula, such as exp."""
SHORT_FUNCTIONS = frozenset({"floor", "ceil", "round_even", "sqrt", "ldexp", "scale"})
"""Functions of floats that processors have."""


def build_elementwise(nest: Nest, target: Target, name: str) -> FuncOp:
    """The kernel of a nest of maps."""
    b = KernelBuilder(name, nest.dims, nest.references)
    lanes = vector_lanes(nest, target)
    word = nest.output.word
    vector = word[-1:]
    outer, inner, chunk = split_loops(nest, word[:-1], nest.sizes.get(vector, 1))
    places: dict[str, Place] = {}
    program: IndexLike = b.program_id() if outer or chunk else 0
    chunks = as_dim(nest.sizes[vector]).ceildiv(chunk) if chunk else Dim.constant(1)
    position = b.unravel(program, [*(nest.sizes[letter] for letter in outer), chunks], [*outer, "chunk"])
    places |= {letter: Place(at) for letter, at in zip(outer, position, strict=False)}

    def tile(here: Mapping[str, Place], shape: TileShape) -> None:
        values: list[SSAValue] = []

        def tile_of_source(source: Source) -> SSAValue:
            return (
                values[source.stage or 0] if source.input is None else load(b, nest.inputs[source.input], here, shape)
            )

        for stage in nest.stages:
            values.append(evaluate(b, nest, stage, here, shape, tile_of_source))
        store(b, values[-1], nest.output, here)

    def line(here: Mapping[str, Place]) -> None:
        if not vector:
            tile(here, TileShape((), min(lanes, 1)))
            return
        size = nest.sizes[vector]
        start: IndexLike = 0
        stop: IndexLike = b.size(size)
        if chunk:
            start = b.mul(position[-1], chunk, "start")
            stop = b.minimum(b.plus(start, chunk), stop, "stop")
        cover(b, start, stop, lanes, UNROLL, lambda at, shape: tile({**here, vector: at}, shape))

    nested_loops(b, nest.sizes, inner, places, line)
    grid = chunks
    for letter in outer:
        grid *= nest.sizes[letter]
    return b.finish(grid)


def vector_lanes(nest: Nest, target: Target) -> int:
    """Lanes that fit a register, for the widest type that runs along the last loop; narrow floats are fp32 there."""
    along = {*nest.output.word[-1:], *nest.reduced}
    types = {computed(operand.ref.element_type) for operand in nest.operands if along & {*operand.word}}
    for stage in nest.stages:
        types |= tile_types(nest, stage, along)
    return min((target.lanes_of(type_) for type_ in types), default=target.lanes)


def split_loops(nest: Nest, letters: str, last: Size) -> tuple[str, str, int]:
    """(loops over programs, loops inside a program, elements of a chunk of the last loop or 0).

    Loops move inside, innermost first, until a program has enough to do; the outermost one stays outside where that is
    enough for two. Chunks come in even numbers.
    """
    enough = program_elements(nest)
    if not letters:
        return "", "", _chunk(last, enough)
    work = last if isinstance(last, int) else enough
    at = len(letters)
    while at > 0 and work < enough:
        size = nest.static(letters[at - 1])
        if size is None or work * size > (4 if at > 1 else 2) * enough:
            break
        work *= size
        at -= 1
    return letters[:at], letters[at:], 0


def program_elements(nest: Nest) -> int:
    """Elements of the last stage that are enough work for a program."""
    work = sum(_work(nest, stage) for stage in nest.stages)
    return max(LEAST_ELEMENTS, PROGRAM_WORK // max(1, work))


def _work(nest: Nest, stage: Stage) -> int:
    """Instructions of a stage for an element of the output: those of its region, or one for each value it adds up."""
    if not isinstance(stage.op, tensor.MapOp):
        return math.prod(nest.static(letter) or 1 for letter in stage.reduced if letter in nest.reduced)
    functions = [scalar.FUNCTIONS[op.literal("fn")] for op in stage.op.block.ops if isinstance(op, tensor.ScalarOp)]
    long = [each.kind == "float" and each.name not in SHORT_FUNCTIONS for each in functions]
    return sum(LONG_FUNCTION if each else 1 for each in long)


def _chunk(last: Size, enough: int) -> int:
    """Elements of each chunk of a loop that is alone; 0 where it is no longer than one."""
    if isinstance(last, Dim):
        return enough // CHUNK_UNIT * CHUNK_UNIT
    count = last // enough
    return -(-last // ((count - count % 2) * CHUNK_UNIT)) * CHUNK_UNIT if count > 1 else 0


def nested_loops(
    b: KernelBuilder,
    sizes: Mapping[str, Size],
    letters: str,
    places: Mapping[str, Place],
    body: Callable[[Mapping[str, Place]], None],
) -> None:
    """`body` inside one loop per letter, the first outermost."""
    if not letters:
        body(places)
        return

    def one(position: SSAValue) -> Sequence[SSAValue]:
        nested_loops(b, sizes, letters[1:], {**places, letters[0]: Place(position)}, body)
        return ()

    b.loop(0, b.size(sizes[letters[0]]), 1, [], one, hint=letters[0])


def cover(
    b: KernelBuilder,
    start: IndexLike,
    stop: IndexLike,
    lanes: int,
    unroll: int,
    tile: Callable[[Place, TileShape], None],
) -> None:
    """Tiles over [start, stop): full ones in a loop, then what is left, masked only where a vector is not full."""
    width = lanes * unroll
    if isinstance(start, int) and isinstance(stop, int):
        full = (stop - start) // width
        if full == 1:
            tile(Place(start, 0), TileShape((width,), lanes))
        elif full:

            def body(at: SSAValue) -> Sequence[SSAValue]:
                tile(Place(at, 0), TileShape((width,), lanes))
                return ()

            b.loop(start, start + full * width, width, [], body, hint="at")
        for at, extent, masked in leftovers(start + full * width, stop, lanes):
            tile(Place(at, 0, masked), TileShape((extent,), lanes))
        return
    whole = b.mul(b.div(b.minus(stop, start), width), width)
    middle = b.plus(start, whole, "middle")

    def full_tile(at: SSAValue) -> Sequence[SSAValue]:
        tile(Place(at, 0), TileShape((width,), lanes))
        return ()

    def last_tile(at: SSAValue) -> Sequence[SSAValue]:
        tile(Place(at, 0, masked=True), TileShape((lanes,), lanes))
        return ()

    b.loop(start, middle, width, [], full_tile, hint="at")
    b.loop(middle, stop, lanes, [], last_tile, hint="at")


def leftovers(start: int, stop: int, lanes: int) -> list[tuple[int, int, bool]]:
    """(start, extent, masked) of the tiles behind the full ones: whole vectors, then a masked one."""
    rest = stop - start
    vectors = rest // lanes * lanes
    out = [(start, vectors, False)] if vectors else []
    return out + ([(start + vectors, lanes, True)] if rest > vectors else [])
