"""Reads and writes at places that other values say: maps with computed reads, and scatters."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import as_dim, product
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.tensor.subscripts import LETTERS, WHOLE, identity
from neuralc.dialects.types import DimsAttr, Shape, element_of, shape_of, tensor_type
from neuralc.passes.lower.lowering import Conversion, Lowering, unsupported
from neuralc.passes.lower.places import Size, from_the_end
from neuralc.passes.lower.scalar_functions import ScalarBuilder


def _gather(at: Lowering, op: graph.GatherOp) -> SSAValue:
    shape, result = shape_of(op.x.type), shape_of(op.result.type)
    axis, count = normalize_axis(op.literal("axis"), len(shape)), len(shape_of(op.indices.type))
    letters = identity(len(result))
    chosen, others = letters[axis : axis + count], letters[:axis] + letters[axis + count :]

    def body(b: ScalarBuilder, x: SSAValue, index: SSAValue) -> SSAValue:
        places = [b.position(letter, i64) for letter in others]
        places.insert(axis, from_the_end(b, index, shape[axis]))
        return b.at(x, places, checked=True)

    return at.map(f"{WHOLE},{chosen}->{letters}", [op.x, op.indices], result, body)


def _gather_elements(at: Lowering, op: graph.GatherElementsOp) -> SSAValue:
    shape = shape_of(op.x.type)
    axis, letters = normalize_axis(op.literal("axis"), len(shape)), identity(len(shape))

    def body(b: ScalarBuilder, x: SSAValue, index: SSAValue) -> SSAValue:
        places = [b.position(letter, i64) for letter in letters]
        places[axis] = from_the_end(b, index, shape[axis])
        return b.at(x, places, checked=True)

    return at.map(f"{WHOLE},{letters}->{letters}", [op.x, op.indices], shape_of(op.result.type), body)


def _components(at: Lowering, vectors: SSAValue) -> list[SSAValue]:
    """Index vectors, the last dim, as one tensor of indices for each component."""
    shape = shape_of(vectors.type)
    one = tensor_type((*shape[:-1], 1), element_of(vectors.type))

    def component(number: int) -> SSAValue:
        starts = DimsAttr((*[as_dim(0)] * (len(shape) - 1), as_dim(number)))
        taken = tensor.SliceOp.of(vectors, starts=starts, strides=(1,) * len(shape), result=one)
        return at.reshape(at.emit(taken), shape[:-1])

    return [component(number) for number in range(int(str(shape[-1])))]


def _gather_nd(at: Lowering, op: graph.GatherNdOp) -> SSAValue:
    shape, result, batch = shape_of(op.x.type), shape_of(op.result.type), op.literal("batch_dims")
    components = _components(at, op.indices)
    letters, outer = identity(len(result)), len(shape_of(op.indices.type)) - 1
    sizes = shape[batch : batch + len(components)]

    def body(b: ScalarBuilder, x: SSAValue, *indices: SSAValue) -> SSAValue:
        chosen = [from_the_end(b, index, size) for index, size in zip(indices, sizes, strict=True)]
        first, last = ([b.position(c, i64) for c in word] for word in (letters[:batch], letters[outer:]))
        return b.at(x, [*first, *chosen, *last], checked=bool(chosen))

    words = [letters[:outer]] * len(components)
    return at.map(f"{','.join([WHOLE, *words])}->{letters}", [op.x, *components], result, body)


def _choose(b: ScalarBuilder, number: SSAValue, values: Sequence[SSAValue]) -> SSAValue:
    """values[number], for a number inside."""
    found = values[0]
    for i, value in enumerate(values[1:], 1):
        found = b.call("select", b.call("eq", number, i), value, found)
    return found


def _scatter_elements(at: Lowering, op: graph.ScatterElementsOp) -> SSAValue:
    """Each index becomes a vector: the positions of the update, and the index in the place of the axis."""
    shape, indices = shape_of(op.x.type), shape_of(op.indices.type)
    axis, letters = normalize_axis(op.literal("axis"), len(shape)), identity(len(shape))
    component = LETTERS[len(shape)]

    def body(b: ScalarBuilder, index: SSAValue) -> SSAValue:
        places = [b.position(letter, i64) for letter in letters]
        places[axis] = b.convert(from_the_end(b, index, shape[axis]), i64)
        return _choose(b, b.position(component, i64), places)

    vectors = at.map(f"{letters}->{letters}{component}", [op.indices], (*indices, len(shape)), body)
    return at.emit(tensor.ScatterOp.of(op.x, vectors, op.updates, kind=op.literal("kind"), checked=True))


def _scatter_nd(at: Lowering, op: graph.ScatterNdOp) -> SSAValue:
    shape, indices = shape_of(op.x.type), shape_of(op.indices.type)
    sizes = shape[: int(str(indices[-1]))]
    if not sizes:
        return _scatter_whole(at, op)
    letters = identity(len(indices))

    def body(b: ScalarBuilder, index: SSAValue) -> SSAValue:
        component = b.position(letters[-1], i64)
        places = [b.convert(from_the_end(b, index, size), i64) for size in _distinct(sizes)]
        return _choose(b, component, places)

    vectors = at.map(f"{letters}->{letters}", [op.indices], indices, body)
    return at.emit(tensor.ScatterOp.of(op.x, vectors, op.updates, kind=op.literal("kind"), checked=True))


def _distinct(sizes: Shape) -> Sequence[Size]:
    """The sizes, or the one size where all are equal."""
    return sizes[:1] if len(set(sizes)) == 1 else sizes


def _scatter_whole(at: Lowering, op: graph.ScatterNdOp) -> SSAValue:
    """Empty index vectors: every update is one of the whole tensor."""
    shape, kind = shape_of(op.x.type), op.literal("kind")
    count = product(shape_of(op.indices.type)[:-1])
    if not count.is_static:
        raise unsupported(op, f"a symbolic number, {count}, of updates of the whole tensor is not compiled yet")
    if count.value == 0:
        return op.x
    updates, letters = at.reshape(op.updates, (count.value, *shape)), identity(len(shape))
    if kind == "set":
        starts = DimsAttr((as_dim(count.value - 1), *[as_dim(0)] * len(shape)))
        type_ = tensor_type((1, *shape), element_of(op.x.type))
        last = tensor.SliceOp.of(updates, starts=starts, strides=(1,) * (len(shape) + 1), result=type_)
        return at.reshape(at.emit(last), shape)
    all_updates = at.emit(tensor.ReduceOp.of(updates, kind=kind, dims=(0,)))
    return at.binary(kind, op.x, all_updates, f"{letters},{letters}->{letters}", shape)


def _reverse_sequence(at: Lowering, op: graph.ReverseSequenceOp) -> SSAValue:
    shape = shape_of(op.x.type)
    letters = identity(len(shape))
    batch, time = (normalize_axis(op.literal(name), len(shape)) for name in ("batch_axis", "time_axis"))

    def body(b: ScalarBuilder, x: SSAValue, length: SSAValue) -> SSAValue:
        places, length = [b.position(letter, i64) for letter in letters], b.convert(length, i64)
        mirrored = b.call("sub", b.call("sub", length, places[time]), 1)
        place = b.call("select", b.call("lt", places[time], length), mirrored, places[time])
        # A length below 0 would reverse nothing and read inside; it reads outside instead, as one too long does.
        places[time] = b.call("select", b.call("lt", length, 0), length, place)
        return b.at(x, places, checked=True)

    return at.map(f"{WHOLE},{letters[batch]}->{letters}", [op.x, op.lengths], shape, body)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.GatherElementsOp: _gather_elements,
    graph.GatherNdOp: _gather_nd,
    graph.GatherOp: _gather,
    graph.ReverseSequenceOp: _reverse_sequence,
    graph.ScatterElementsOp: _scatter_elements,
    graph.ScatterNdOp: _scatter_nd,
}
