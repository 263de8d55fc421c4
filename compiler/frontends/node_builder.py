"""What handlers of importers build with: graph ops of one node of the source, computed at once where they are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import DimsAttr, ShapeError, is_float, numpy_dtype, tensor_type
from neuralc.frontends.builder import FOLDED, Builder
from neuralc.frontends.refusals import NeedsValues, Refused
from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Value, objects


class NodeBuilder:
    """A node of the source, as what is built in its place. Methods raise Refused and ShapeError."""

    def __init__(self, name: str, builder: Builder) -> None:
        self.name = name
        """What the values that it makes are called."""
        self.builder = builder

    # --- building ------------------------------------------------------------------------------------------------
    def emit(self, op: type[PlainOp], *operands: Value, result: Attribute | None = None, **properties: Any) -> Value:
        """The value of a graph op, computed at once where its operands are known."""
        return self.builder.emit(op, *operands, result=result, name=self.name, **properties)

    def emit_several(
        self, op: type[PlainOp], *operands: Value, result: Attribute | None = None, **properties: Any
    ) -> tuple[Value, ...]:
        return self.builder.emit_several(op, *operands, result=result, name=self.name, **properties)

    def needs_values(self, reason: str) -> NoReturn:
        """The node would be compiled if the values that decide about its sizes were known."""
        raise NeedsValues(reason)

    def refuse(self, reason: str) -> NoReturn:
        """The node is valid and neuralc does not compile it."""
        raise Refused(reason)

    def constant(self, values: Any, element: Attribute) -> Value:
        """Known values: numbers, sizes (int and Dim), or an array."""
        return self.builder.known(values, element, self.name)

    def scalar(self, number: complex | np.generic, like: Value) -> Value:
        """One number of rank 0, of the element type of another value."""
        return self.constant(np.asarray(number, numpy_dtype(like.element)), like.element)

    def fill(self, number: float, shape: Sequence[Size], element: Attribute) -> Value:
        """One number at every place of a shape."""
        return self.expand(self.constant(np.asarray(number, numpy_dtype(element)), element), shape)

    def iota(self, size: Size) -> Value:
        """0, 1, 2, .. as int64."""
        if isinstance(size, int) and size <= FOLDED:
            return self.constant(np.arange(size), i64)
        return self.emit(graph.IotaOp, result=tensor_type((size,), i64))

    def along(self, vector: Value, axis: int, rank: int) -> Value:
        """A vector as a tensor that has its values along one axis, and 1 place along all others."""
        return self.reshape(vector, [vector.shape[0] if i == axis else 1 for i in range(rank)])

    def indices(self, values: Sequence[Size]) -> Value:
        """A vector of int64."""
        return self.constant(objects(values, (len(values),)), i64)

    def cast(self, x: Value, element: Attribute) -> Value:
        if x.element == element:
            return x
        return self.emit(graph.CastOp, x, result=tensor_type(x.shape, element))

    def reshape(self, x: Value, shape: Sequence[Size]) -> Value:
        if tuple(x.shape) == tuple(shape):
            return x
        return self.emit(graph.ReshapeOp, x, result=tensor_type(shape, x.element))

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        if list(perm) == list(range(x.rank)):
            return x
        return self.emit(graph.TransposeOp, x, perm=tuple(perm))

    def expand(self, x: Value, shape: Sequence[Size]) -> Value:
        if tuple(x.shape) == tuple(shape):
            return x
        return self.emit(graph.ExpandOp, x, result=tensor_type(shape, x.element))

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        return values[0] if len(values) == 1 else self.emit(graph.ConcatOp, *values, axis=axis)

    def slice(
        self, x: Value, starts: Sequence[Size], sizes: Sequence[Size], steps: Sequence[int] | None = None
    ) -> Value:
        """The part of `sizes` that begins at `starts`, every `steps`-th element (backwards where negative)."""
        steps = tuple(steps or (1,) * x.rank)
        if tuple(sizes) == tuple(x.shape) and set(steps) <= {1}:
            return x
        places = DimsAttr(tuple(as_dim(start) for start in starts))
        return self.emit(graph.SliceOp, x, result=tensor_type(sizes, x.element), starts=places, steps=steps)

    def pick(self, x: Value, axis: int, start: Size, size: Size) -> Value:
        """`size` elements along one axis."""
        starts: list[Size] = [0] * x.rank
        sizes: list[Size] = list(x.shape)
        starts[axis], sizes[axis] = start, size
        return self.slice(x, starts, sizes)

    def add(self, a: Value, b: Value) -> Value:
        return self.emit(graph.AddOp, a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self.emit(graph.SubOp, a, b)

    def mul(self, a: Value, b: Value) -> Value:
        return self.emit(graph.MulOp, a, b)

    def div(self, a: Value, b: Value) -> Value:
        return self.emit(graph.DivOp, a, b)

    def reduce(self, x: Value, kind: str, axes: Sequence[int], *, keepdims: bool = False) -> Value:
        return self.emit(graph.ReduceOp, x, kind=kind, axes=tuple(axes), keepdims=keepdims)

    # --- checks --------------------------------------------------------------------------------------------------
    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front. Raises ShapeError for one that is none."""
        if not -rank <= axis < max(rank, 1):
            raise ShapeError(f"axis {axis} of {rank} dims")
        return axis % rank if rank else 0

    def needs_float(self, x: Value) -> None:
        if not is_float(x.element):
            raise Refused(f"on element type {x.element}")
