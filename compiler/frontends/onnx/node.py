"""One node of the model, as a handler sees it: its inputs, its attributes, and the builder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xdsl.ir import Attribute

from neuralc.dialects.types import ShapeError
from neuralc.frontends.builder import Builder
from neuralc.frontends.node_builder import NodeBuilder
from neuralc.frontends.onnx.element_types import ELEMENTS, name_of
from neuralc.frontends.onnx.tensors import TensorReader
from neuralc.frontends.refusals import NeedsValues, Refused
from neuralc.frontends.sizes import Size
from neuralc.frontends.values import Array, Value, as_size

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, NodeProto

    from neuralc.frontends.onnx.subgraphs import Subgraphs


class Node(NodeBuilder):
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
        super().__init__(name, builder)
        self.op = proto.op_type
        self.version = version
        """The version of the operator set the model asks for."""
        self.outputs = tuple(proto.output)
        """Names of the outputs; those nobody wants are empty or missing."""
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
