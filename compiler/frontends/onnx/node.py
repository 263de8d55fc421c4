"""One node of the model, as a handler sees it: its inputs, its attributes, and the builder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.dims import as_dim
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import DimsAttr, ShapeError, is_float, numpy_dtype, tensor_type
from neuralc.frontends.onnx.builder import FOLDED, Builder
from neuralc.frontends.onnx.element_types import ELEMENTS, name_of
from neuralc.frontends.onnx.refusals import NeedsValues, Refused
from neuralc.frontends.onnx.tensors import TensorReader
from neuralc.frontends.onnx.values import Array, Value, as_size, objects
from neuralc.frontends.sizes import Size

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, NodeProto

    from neuralc.frontends.onnx.subgraphs import Subgraphs


class Node:
    """What a handler is called with. Its methods raise Refused and ShapeError; nobody has to look at the protobuf."""

    def __init__(
        self,
        proto: NodeProto,
        name: str,
        version: int,
        inputs: Sequence[Value | None],
        attributes: dict[str, AttributeProto],
        builder: Builder,
        tensors: TensorReader,
        subgraphs: Subgraphs,
    ) -> None:
        self.op = proto.op_type
        self.name = name
        """What the values that it makes are called."""
        self.version = version
        """The version of the operator set the model asks for."""
        self.outputs = tuple(proto.output)
        """Names of the outputs; those nobody wants are empty or missing."""
        self.builder = builder
        self.subgraphs = subgraphs
        self.read: set[str] = set()
        """Attributes that the handler has looked at."""
        self._inputs = tuple(inputs)
        self._attributes = attributes
        self._tensors = tensors

    # --- inputs --------------------------------------------------------------------------------------------------
    @property
    def count(self) -> int:
        """Inputs written in the node, absent ones in the middle included."""
        return len(self._inputs)

    @property
    def inputs(self) -> tuple[Value, ...]:
        """All inputs of an operator that has no optional ones."""
        return tuple(self.input(i) for i in range(self.count))

    def input(self, index: int) -> Value:
        value = self.optional(index)
        if value is None:
            raise ShapeError(f"{self.op} needs an input {index}")
        return value

    def optional(self, index: int) -> Value | None:
        return self._inputs[index] if index < len(self._inputs) else None

    def wants(self, index: int) -> bool:
        """True where somebody asks for this output."""
        return index < len(self.outputs) and bool(self.outputs[index])

    def sizes(self, index: int, what: str) -> list[Size]:
        """An input that the import has to know: whole numbers, which may be symbolic sizes."""
        value = self.input(index)
        if (
            value.known is None
            or value.rank > 1
            or (value.known.dtype != object and value.known.dtype.kind not in "iu")
        ):
            raise NeedsValues(f"its {what} are computed when the model runs")
        return [as_size(size) for size in value.known.reshape(-1)]

    def numbers(self, index: int, what: str) -> Array:
        """An input that the import has to know, the same in every run."""
        value = self.input(index)
        if value.numbers is None:
            if value.is_symbolic:
                raise Refused(f"its {what} differs between runs")
            raise NeedsValues(f"its {what} is computed when the model runs")
        return value.numbers

    def whole(self, index: int, what: str) -> list[int]:
        """An input of whole numbers that are the same in every run."""
        numbers = self.numbers(index, what)
        if numbers.dtype.kind not in "iu":
            raise ShapeError(f"its {what} are of type {numbers.dtype}")
        return [int(number) for number in numbers.reshape(-1)]

    # --- attributes ----------------------------------------------------------------------------------------------
    def has(self, name: str) -> bool:
        self.read.add(name)
        return name in self._attributes

    def integer(self, name: str, default: int | None = None) -> int:
        """An attribute; one without a default has to be there. Raises ShapeError."""
        return int(self._attribute(name, 2, "i", default))

    def real(self, name: str, default: float | None = None) -> float:
        return float(self._attribute(name, 1, "f", default))

    def string(self, name: str, default: str | None = None) -> str:
        value = self._attribute(name, 3, "s", default)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        return tuple(self._attribute(name, 7, "ints", default))

    def reals(self, name: str, default: Sequence[float] | None = None) -> tuple[float, ...]:
        return tuple(self._attribute(name, 6, "floats", default))

    def strings(self, name: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        values = self._attribute(name, 8, "strings", default)
        return tuple(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in values)

    def tensor(self, name: str) -> Value:
        """An attribute that is a tensor, as a known value."""
        element, array = self._tensors.read(self._attribute(name, 4, "t", None))
        return self.builder.known(array, element, self.name, weight=True)

    def graph(self, name: str) -> GraphProto:
        found: GraphProto = self._attribute(name, 5, "g", None)
        return found

    def element(self, name: str, default: int | None = None) -> Attribute:
        """An attribute that is an element type. Raises Refused for one the compiler does not have."""
        number = self.integer(name, default)
        if number not in ELEMENTS:
            raise Refused(f"{name} is {name_of(number)}")
        return ELEMENTS[number]

    def _attribute(self, name: str, kind: int, field: str, default: Any) -> Any:
        self.read.add(name)
        found = self._attributes.get(name)
        if found is None:
            if default is None:
                raise ShapeError(f"{self.op} needs the attribute `{name}`")
            return default
        if found.type not in (kind, 0):
            raise ShapeError(f"the attribute `{name}` is of another kind than {self.op} takes")
        return getattr(found, field)

    def unread(self) -> list[str]:
        """Attributes of the node that the handler did not look at."""
        return [name for name in self._attributes if name not in self.read]

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
