"""Tensors of one number, counts, values as another type, triangles of matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim, simplest
from neuralc.dialects.types import ShapeError, element_of, element_type_of, numpy_dtype, shape_of, tensor_type
from neuralc.frontends.nr.expressions.builder import Builder
from neuralc.frontends.nr.expressions.promotion import Dtype, dtype_of
from neuralc.frontends.nr.expressions.shapes import broadcast_to
from neuralc.frontends.nr.expressions.values import Element, Value, described, sizes_of, tensor_of, whole


def _type(dtype: Value, default: Dtype | None = None) -> Dtype | None:
    if dtype is None:
        return default
    if isinstance(dtype, Element):
        return dtype.dtype
    if isinstance(dtype, str):
        return numpy_dtype(element_type_of(dtype))
    raise ShapeError(f"`dtype` is a type such as float32, not {described(dtype)}")


def full(b: Builder, shape: Value, fill_value: Value, dtype: Value = None) -> SSAValue:
    sizes = sizes_of(shape, "shape")
    value = b.tensor(fill_value, _type(dtype))
    if isinstance(value.owner, graph.ConstantOp):
        return b.constant(value.owner.literal("value"), element_of(value.type), sizes)
    return broadcast_to(b, value, sizes)


def zeros(b: Builder, shape: Value, dtype: Value = None) -> SSAValue:
    return full(b, shape, 0.0, dtype)


def ones(b: Builder, shape: Value, dtype: Value = None) -> SSAValue:
    return full(b, shape, 1.0, dtype)


def full_like(b: Builder, x: Value, fill_value: Value, dtype: Value = None) -> SSAValue:
    values = tensor_of(x, "a tensor like it")
    return full(b, shape_of(values.type), b.tensor(fill_value, _type(dtype, dtype_of(values))))


def zeros_like(b: Builder, x: Value, dtype: Value = None) -> SSAValue:
    return full_like(b, x, 0, dtype)


def ones_like(b: Builder, x: Value, dtype: Value = None) -> SSAValue:
    return full_like(b, x, 1, dtype)


def arange(b: Builder, start: Value, stop: Value = None, step: Value = 1, dtype: Value = None) -> SSAValue:
    """Whole numbers from `start` on, below `stop`."""
    (first, end), by = sizes_of((0, start) if stop is None else (start, stop), "stop", -(1 << 31)), whole(step, "step")
    if by < 1:
        raise ShapeError("`step` is at least 1")
    count = simplest((as_dim(end) - first + (by - 1)) // by)
    numbers = b.add(graph.IotaOp.of(result=tensor_type((b.bounds.larger(count, 0),), i64)))
    if by != 1:
        numbers = b.add(graph.MulOp.of(numbers, b.like(numbers, by)))
    if first != 0:
        numbers = b.add(graph.AddOp.of(numbers, b.tensor(first, np.dtype("int64"))))
    wanted = _type(dtype)
    return numbers if wanted is None else b.cast(numbers, wanted)


def astype(b: Builder, x: Value, dtype: Value) -> SSAValue:
    wanted = _type(dtype)
    if wanted is None:
        raise ShapeError("`astype` needs a type")
    return b.tensor(x, wanted)


def _triangle(lower: bool) -> Callable[..., SSAValue]:
    def keep(b: Builder, x: Value, k: Value = 0) -> SSAValue:
        values = tensor_of(x, "a triangle")
        if len(shape_of(values.type)) < 2:
            raise ShapeError(f"a triangle is of a matrix, not of {described(values)}")
        rows, columns = shape_of(values.type)[-2:]
        row = b.reshape(arange(b, rows), (rows, 1))
        column = b.reshape(arange(b, columns), (1, columns))
        diagonal = b.add(graph.AddOp.of(row, b.like(row, whole(k, "k"))))
        order: Sequence[SSAValue] = (column, diagonal) if lower else (diagonal, column)
        inside = b.add(graph.LessEqualOp.of(*order))
        return b.add(graph.WhereOp.of(inside, values, b.like(values, 0)))

    return keep


CREATION: Mapping[str, Callable[..., Value]] = {
    "full": full,
    "zeros": zeros,
    "ones": ones,
    "full_like": full_like,
    "zeros_like": zeros_like,
    "ones_like": ones_like,
    "arange": arange,
    "astype": astype,
    "tril": _triangle(lower=True),
    "triu": _triangle(lower=False),
}
"""By their numpy names; parameters are numpy's too."""
