"""Writes the graph ops of an expression: tensors of numbers, casts, operands whose sizes are made equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim, as_dim
from neuralc.dialects.types import (
    DimAttr,
    DimsAttr,
    Shape,
    ShapeError,
    element_of,
    element_type_of,
    format_shape,
    is_float,
    shape_of,
    tensor_type,
)
from neuralc.frontends.nr.expressions.promotion import Dtype, dtype_of
from neuralc.frontends.nr.expressions.values import Value, described
from neuralc.frontends.nr.site import Site
from neuralc.frontends.sizes import Bounds, Size


@dataclass(frozen=True)
class Builder:
    """Adds ops at the place of a layer; `usual` is the float type of functions of sizes, such as sqrt(x.shape[1])."""

    site: Site
    usual: Attribute

    @property
    def bounds(self) -> Bounds:
        return self.site.run.bounds

    def add(self, op: Operation) -> SSAValue:
        return self.site.add(op)

    # --- types -------------------------------------------------------------------------------------------------------
    def tensor(self, value: Value, dtype: Dtype | None = None) -> SSAValue:
        """A value as a tensor of a type; without one a tensor keeps its own, and a number has that of numpy."""
        if isinstance(value, SSAValue):
            return value if dtype is None else self.cast(value, dtype)
        if isinstance(value, Dim):
            size = self.add(graph.SizeOp.of(dim=DimAttr(value)))
            return self.cast_to(size, self.usual) if dtype is None else self.cast(size, dtype)
        if not isinstance(value, bool | int | float):
            raise ShapeError(f"a number or a value of the model is needed, not {described(value)}")
        return self.constant(value, self._own_type(value) if dtype is None else element_type_of(dtype))

    def _own_type(self, value: bool | int | float) -> Attribute:
        if isinstance(value, bool):
            return i1
        return i64 if isinstance(value, int) else f64

    def constant(self, value: bool | int | float, element: Attribute, shape: Sequence[Size] = ()) -> SSAValue:
        number: bool | int | float = float(value) if is_float(element) else bool(value) if element == i1 else int(value)
        return self.add(graph.ConstantOp.of(result=tensor_type(shape, element), value=number))

    def like(self, x: SSAValue, value: bool | int | float) -> SSAValue:
        """A number of the type of a tensor."""
        return self.constant(value, element_of(x.type))

    def cast(self, x: SSAValue, dtype: Dtype) -> SSAValue:
        return self.cast_to(x, element_type_of(dtype))

    def cast_to(self, x: SSAValue, element: Attribute) -> SSAValue:
        if element_of(x.type) == element:
            return x
        return self.add(graph.CastOp.of(x, result=tensor_type(shape_of(x.type), element)))

    def truth(self, x: SSAValue) -> SSAValue:
        """Whether each value is not 0."""
        return x if element_of(x.type) == i1 else self.add(graph.NotEqualOp.of(x, self.like(x, 0)))

    # --- shapes ------------------------------------------------------------------------------------------------------
    def aligned(self, *values: SSAValue) -> tuple[SSAValue, ...]:
        """Values whose shapes broadcast; sizes that have to be equal are made so. Raises ShapeError."""
        for index, other in enumerate(values[1:], 1):
            for before in values[:index]:
                self._align(before, other)
        return values

    def _align(self, x: SSAValue, y: SSAValue) -> None:
        shown = f"{format_shape(shape_of(x.type))} and {format_shape(shape_of(y.type))}"
        for n, m in zip(shape_of(x.type)[::-1], shape_of(y.type)[::-1], strict=False):
            if n != m and 1 not in (n, m):
                self.equal(n, m, f"the shapes {shown} do not broadcast")

    def equal(self, lhs: Size, rhs: Size, otherwise: str) -> None:
        """Makes two sizes one. Raises ShapeError with a message where they cannot be."""
        try:
            self.site.equal(lhs, rhs)
        except ShapeError:
            raise ShapeError(otherwise) from None

    def reshape(self, x: SSAValue, shape: Sequence[Size]) -> SSAValue:
        if shape_of(x.type) == tuple(shape):
            return x
        return self.add(graph.ReshapeOp.of(x, result=tensor_type(shape, element_of(x.type))))

    def expand(self, x: SSAValue, shape: Shape) -> SSAValue:
        if shape_of(x.type) == shape:
            return x
        return self.add(graph.ExpandOp.of(x, result=tensor_type(shape, element_of(x.type))))

    def transpose(self, x: SSAValue, order: Sequence[int]) -> SSAValue:
        return x if list(order) == sorted(order) else self.add(graph.TransposeOp.of(x, perm=tuple(order)))

    def slice(self, x: SSAValue, starts: Sequence[Size], sizes: Sequence[Size], steps: Sequence[int]) -> SSAValue:
        if tuple(sizes) == shape_of(x.type) and set(steps) == {1}:
            return x
        places = DimsAttr(tuple(as_dim(start) for start in starts))
        result = tensor_type(sizes, element_of(x.type))
        return self.add(graph.SliceOp.of(x, result=result, starts=places, steps=tuple(steps)))


def is_kind(x: SSAValue, kinds: str) -> bool:
    """Whether the elements are of one of numpy's kinds: b truth values, i and u integers, f floats."""
    return "f" in kinds if is_float(element_of(x.type)) else dtype_of(x).kind in kinds
