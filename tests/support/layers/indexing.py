"""Reads and writes at places that other values say: weights, and integers of the program kept inside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from support.layers.program import Layer, Program, rank, static, static_first
from xdsl.dialects.builtin import i1, i32, i64
from xdsl.ir import Attribute, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of, tensor_type


def _static_axes(x: SSAValue) -> list[int]:
    return [axis for axis, size in enumerate(shape_of(x.type)) if isinstance(size, int) and size > 0]


def _index_type(program: Program) -> Attribute:
    return i64 if program.flag() else i32


def _indices(program: Program, size: int, *shape: int) -> SSAValue:
    """Places of a dim, half of them counted from its end."""
    return program.numbers("indices", -size, size - 1, *shape, element=_index_type(program))


def _spread(x: SSAValue, shape: Sequence[int | Dim]) -> SSAValue:
    """Repeated along the symbolic dims."""
    return graph.ExpandOp.of(x, result=tensor_type(shape, element_of(x.type))).result


def _ones(shape: Sequence[int | Dim]) -> list[int]:
    """The shape of a weight that is then spread: 1 along symbolic dims."""
    return [size if isinstance(size, int) else 1 for size in shape]


def _updates(program: Program, x: SSAValue, shape: Sequence[int]) -> SSAValue:
    """Weights of the element type of x."""
    element = element_of(x.type)
    numbers = program.data.standard_normal(shape) if is_float(element) else program.data.integers(0, 2, shape)
    return program.build.weight("updates", numbers.astype(numpy_dtype(element)))


def gather(program: Program, x: SSAValue) -> SSAValue | None:
    axes = _static_axes(x)
    if not axes:
        return None
    axis = program.choice(axes)
    shape = [program.integer(1, 4) for _ in range(program.integer(0, min(2, 5 - rank(x))))]
    return graph.GatherOp.of(x, _indices(program, static(shape_of(x.type)[axis]), *shape), axis=axis).result


def gather_by_values(program: Program, x: SSAValue) -> SSAValue | None:
    """Rows of a table, by integers of the program."""
    integers = [v for v in program.values if is_integer(element_of(v.type)) and rank(v) < 3]
    if not integers:
        return None
    chosen = program.choice(integers)
    chosen = graph.CastOp.of(chosen, result=tensor_type(shape_of(chosen.type), _index_type(program))).result
    inside = graph.BitwiseAndOp.of(chosen, program.like(chosen, 7)).result
    return graph.GatherOp.of(program.weight("table", 8, program.integer(1, 6)), inside).result


def gather_elements(program: Program, x: SSAValue) -> SSAValue | None:
    shape, axes = shape_of(x.type), _static_axes(x)
    if not axes or 0 in shape:
        return None
    axis = program.choice(axes)
    sizes = [program.integer(1, size) if isinstance(size, int) else size for size in shape]
    indices = _spread(_indices(program, static(shape[axis]), *_ones(sizes)), sizes)
    return graph.GatherElementsOp.of(x, indices, axis=axis).result


def _vectors(program: Program, sizes: Sequence[int], *shape: int) -> SSAValue:
    lines = [program.data.integers(-size, size, shape) for size in sizes]
    return program.build.weight("vectors", np.stack(lines, axis=-1).astype(numpy_dtype(_index_type(program))))


def _leading(x: SSAValue) -> list[int]:
    """The static sizes that x starts with."""
    found: list[int] = []
    for size in shape_of(x.type):
        if not isinstance(size, int) or size == 0:
            break
        found.append(size)
    return found


def gather_nd(program: Program, x: SSAValue) -> SSAValue | None:
    x = static_first(x)
    sizes = _leading(x)
    if not sizes:
        return None
    batch = program.integer(0, len(sizes) - 1)
    length = program.integer(1, len(sizes) - batch)
    vectors = _vectors(program, sizes[batch : batch + length], *sizes[:batch], program.integer(1, 4))
    return graph.GatherNdOp.of(x, vectors, batch_dims=batch).result


def _scattered(program: Program, x: SSAValue) -> tuple[SSAValue, str]:
    """Values that stay moderate, and what happens to those that are written to."""
    if element_of(x.type) == i1:
        return x, "set"
    kind = program.choice(("set", "add", "mul", "maximum", "minimum"))
    return (graph.TanhOp.of(x).result if is_float(element_of(x.type)) else x), kind


def scatter_elements(program: Program, x: SSAValue) -> SSAValue | None:
    shape, axes = shape_of(x.type), _static_axes(x)
    if not axes or 0 in shape:
        return None
    axis = program.choice(axes)
    sizes = [program.integer(1, size) if isinstance(size, int) else size for size in shape]
    x, kind = _scattered(program, x)
    indices = _spread(_indices(program, static(shape[axis]), *_ones(sizes)), sizes)
    updates = _spread(_updates(program, x, _ones(sizes)), sizes)
    return graph.ScatterElementsOp.of(x, indices, updates, axis=axis, kind=kind).result


def scatter_nd(program: Program, x: SSAValue) -> SSAValue | None:
    x = static_first(x)
    sizes, shape = _leading(x), shape_of(x.type)
    if not sizes:
        return None
    length, many = program.integer(1, len(sizes)), program.integer(1, 4)
    x, kind = _scattered(program, x)
    vectors = _vectors(program, sizes[:length], many)
    updates = _spread(_updates(program, x, [many, *_ones(shape[length:])]), [many, *shape[length:]])
    return graph.ScatterNdOp.of(x, vectors, updates, kind=kind).result


def reverse_sequence(program: Program, x: SSAValue) -> SSAValue | None:
    """Lengths of a static batch are a weight, one for all of a symbolic one a constant."""
    shape = shape_of(x.type)
    times = _static_axes(x)
    if len(shape) < 2 or not times:
        return None
    time = program.choice(times)
    batch = program.choice([axis for axis in range(len(shape)) if axis != time])
    longest, count, element = static(shape[time]), shape[batch], _index_type(program)
    if isinstance(count, int):
        lengths = program.numbers("lengths", 0, longest, count, element=element)
    else:
        lengths = graph.ExpandOp.of(
            program.constant((), program.integer(0, longest), element), result=tensor_type((count,), element)
        ).result
    return graph.ReverseSequenceOp.of(x, lengths, batch_axis=batch, time_axis=time).result


LAYERS: Sequence[Layer] = (
    gather, gather, gather_by_values, gather_elements, gather_nd, scatter_elements, scatter_nd, reverse_sequence,
)  # fmt: skip
