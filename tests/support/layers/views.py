"""Values in another shape, order or place; sizes and counts as values."""

from __future__ import annotations

from collections.abc import Sequence

from support.layers.program import Layer, Program, floats, rank
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim, product
from neuralc.dialects.types import DimAttr, DimsAttr, Shape, element_of, is_float, shape_of, tensor_type


def reshape(program: Program, x: SSAValue) -> SSAValue | None:
    shape = shape_of(x.type)
    if len(shape) > 2 and program.flag():
        at = program.integer(1, len(shape) - 2)
        new: Shape = (*shape[:at], product(shape[at : at + 2]), *shape[at + 2 :])
    elif len(shape) < 4:
        at = program.integer(0, len(shape))
        new = (*shape[:at], 1, *shape[at:])
    else:
        new = (shape[0], product(shape[1:]))
    return graph.ReshapeOp.of(x, result=tensor_type(new, element_of(x.type))).result


def transpose(program: Program, x: SSAValue) -> SSAValue:
    return graph.TransposeOp.of(x, perm=program.order(range(rank(x)))).result


def slice_(program: Program, x: SSAValue) -> SSAValue | None:
    """Static dims in either direction, symbolic ones whole or turned around."""
    shape = shape_of(x.type)
    starts: list[Dim] = []
    steps: list[int] = []
    counts: list[int | Dim] = []
    for size in shape:
        if not isinstance(size, int):
            back = program.chance(0.3)
            starts.append(size - 1 if back else as_dim(0))
            steps.append(-1 if back else 1)
            counts.append(size)
            continue
        if size == 0:
            return None
        count = program.integer(1, size)
        step = program.integer(1, (size - 1) // (count - 1)) if count > 1 else 1
        start = program.integer(0, size - 1 - (count - 1) * step)
        if program.chance(0.3):
            start, step = start + (count - 1) * step, -step
        starts.append(as_dim(start))
        steps.append(step)
        counts.append(count)
    result = tensor_type(counts, element_of(x.type))
    return graph.SliceOp.of(x, starts=DimsAttr(tuple(starts)), steps=tuple(steps), result=result).result


def concat(program: Program, x: SSAValue) -> SSAValue | None:
    if not rank(x):
        return None
    axis = program.integer(-rank(x), rank(x) - 1)
    shape = shape_of(x.type)

    def joins(other: SSAValue) -> bool:
        beside = shape_of(other.type)
        return len(beside) == len(shape) and all(
            a == b for i, (a, b) in enumerate(zip(shape, beside, strict=True)) if i != axis % len(shape)
        )

    others = [value for value in program.values if element_of(value.type) == element_of(x.type) and joins(value)]
    parts = [x, *(program.choice(others or [x]) for _ in range(program.integer(1, 2)))]
    return graph.ConcatOp.of(*(parts if program.flag() else parts[::-1]), axis=axis).result


def expand(program: Program, x: SSAValue) -> SSAValue | None:
    shape = [program.integer(1, 3) if size == 1 else size for size in shape_of(x.type)]
    if program.chance(0.3) and len(shape) < 4:
        shape.insert(0, 2)
    return graph.ExpandOp.of(x, result=tensor_type(shape, element_of(x.type))).result


def pad(program: Program, x: SSAValue) -> SSAValue | None:
    if not rank(x) or 0 in shape_of(x.type):
        return None
    low, high = (tuple(program.integer(0, 2) * program.integer(0, 1) for _ in range(rank(x))) for _ in range(2))
    mode = program.choice(("constant", "reflect", "edge", "wrap"))
    value: float = 0.5 if is_float(element_of(x.type)) else 1
    return graph.PadOp.of(x, low=low, high=high, mode=mode, value=value if program.flag() else value * 0).result


@floats
def count(program: Program, x: SSAValue) -> SSAValue | None:
    """The position along a dim, and its size, as floats that are added."""
    axes = [axis for axis, size in enumerate(shape_of(x.type)) if size != 0]
    if not axes:
        return None
    axis = program.choice(axes)
    size = shape_of(x.type)[axis]
    counted = graph.IotaOp.of(result=tensor_type((size,), i64)).result
    whole = graph.SizeOp.of(dim=DimAttr(as_dim(size))).result
    backwards = graph.SubOp.of(whole, counted).result
    line = graph.CastOp.of(backwards, result=tensor_type((size,), program.element)).result
    line = graph.MulOp.of(line, program.constant((), 0.0625)).result
    shape = (size, *[1] * (rank(x) - axis - 1))
    return graph.AddOp.of(x, graph.ReshapeOp.of(line, result=tensor_type(shape, program.element)).result).result


PLAIN: Sequence[Layer] = (floats(reshape), floats(transpose))
LAYERS: Sequence[Layer] = (reshape, transpose, slice_, slice_, concat, concat, expand, pad, count)
