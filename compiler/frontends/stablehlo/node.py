"""One StableHLO op, as a handler sees it: its operands, attributes and regions, and what builds in its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from xdsl.ir import Attribute

from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import Shape, ShapeError
from neuralc.frontends.builder import Builder
from neuralc.frontends.node_builder import NodeBuilder
from neuralc.frontends.refusals import Refused
from neuralc.frontends.sizes import Size
from neuralc.frontends.stablehlo.element_types import ELEMENTS
from neuralc.frontends.stablehlo.narrow import Narrow
from neuralc.frontends.stablehlo.ranges import Ranges
from neuralc.frontends.stablehlo.rounds import Rounds
from neuralc.frontends.stablehlo.scope import Place
from neuralc.frontends.stablehlo.vectors import Vectors
from neuralc.frontends.values import Value, as_size

if TYPE_CHECKING:
    from jax.interpreters.mlir import ir
    from xdsl.ir import Block


class Session(Protocol):
    """What the importer offers to the handlers of one model."""

    builder: Builder
    narrow: Narrow
    ranges: Ranges
    vectors: Vectors
    iotas: dict[Value, int]
    """Values that count along one of their dims, and which one."""

    def inline(self, block: ir.Block, arguments: Sequence[Value]) -> list[Value]:
        """The results of a region whose ops go where the op itself would."""
        ...

    def block(self, block: ir.Block, arguments: Sequence[Value], into: Block) -> list[Value]:
        """The results of a region whose ops go into the block `into`; the arguments are values of that block."""
        ...

    def call(self, name: str, arguments: Sequence[Value], place: Place) -> list[Value]:
        """The results of a function of the module."""
        ...

    def found(self, value: ir.Value) -> Value | None:
        """What a value of the module was converted to."""
        ...

    def rounds(self, rounds: Rounds) -> AbstractContextManager[None]:
        """While the body of a loop is converted: what is believed of the values that it gets."""
        ...

    def walked(self, x: Value, start: Value) -> Value | None:
        """The slice of x at a place, where that is the slice of this round of a loop."""
        ...

    def stacked(self, x: Value, update: Value, start: Value) -> Value | None:
        """x with a slice written, where that is the slice of this round of a loop."""
        ...


class Node(NodeBuilder):
    """What a handler is called with. Its methods raise Refused and ShapeError."""

    def __init__(self, op: ir.Operation, place: Place, name: str, inputs: Sequence[Value], session: Session) -> None:
        super().__init__(name, session.builder)
        self.op = op.name
        """The name with its dialect: `stablehlo.add`."""
        self.place = place
        self.session = session
        self.inputs = tuple(inputs)
        self.read: set[str] = set()
        """Attributes that the handler has looked at."""
        self._op = op

    # --- operands ------------------------------------------------------------------------------------------------
    def input(self, index: int) -> Value:
        if index >= len(self.inputs):
            raise ShapeError(f"{self.op} needs an operand {index}")
        return self.inputs[index]

    def sizes(self, index: int, what: str) -> list[Size]:
        """An operand that the import has to know: whole numbers, which may be symbolic sizes."""
        known = self.input(index).known
        if known is None or known.ndim > 1 or (known.dtype != object and known.dtype.kind not in "iu"):
            self.needs_values(f"its {what} are computed when the model runs")
        return [as_size(size) for size in known.reshape(-1)]

    def compared(self, index: int) -> tuple[str, list[Size], list[Size]] | None:
        """The comparison of known sizes that an operand is the result of: its direction and both sides."""
        maker = self._op.operands[index].owner
        if getattr(maker, "name", "") != "stablehlo.compare":
            return None
        sides = [self.session.found(value) for value in maker.operands]
        direction = re.findall(r"\w+", str(maker.attributes["comparison_direction"]))[-1]
        known = [side.known for side in sides if side is not None and side.known is not None]
        if len(known) < 2:
            return None
        return direction, *([as_size(size) for size in array.reshape(-1)] for array in known)

    def entries(self, index: int, what: str) -> list[Value]:
        """The entries of an operand that is a vector, each of which may be known or computed."""
        found = self.session.vectors.entries(self, self.input(index))
        if found is None:
            self.needs_values(f"its {what} are computed when the model runs")
        return found

    # --- results -------------------------------------------------------------------------------------------------
    def element(self, index: int = 0) -> Attribute:
        """The declared element type of a result. Raises Refused for one the compiler does not have."""
        return element_of(self._op.results[index].type)

    def declared(self, index: int = 0) -> tuple[int | None, ...]:
        """The declared sizes of a result; None where they are dynamic."""
        return sizes_of(self._op.results[index].type)

    def static(self, what: str, index: int = 0) -> tuple[int, ...]:
        """The declared sizes of a result that has no dynamic ones."""
        sizes = self.declared(index)
        if any(size is None for size in sizes):
            self.needs_values(f"its {what} has sizes that nothing tells")
        return tuple(size for size in sizes if size is not None)

    # --- attributes ----------------------------------------------------------------------------------------------
    def attribute(self, name: str) -> Any:
        """An attribute as MLIR has it, or None."""
        self.read.add(name)
        return attribute_of(self._op, name)

    def integer(self, name: str, default: int | None = None) -> int:
        found = self.attribute(name)
        return int(self._default(name, default) if found is None else found.value)

    def real(self, name: str) -> float:
        found = self.attribute(name)
        return float(self._default(name, None) if found is None else found.value)

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """A list of whole numbers: an array, or a dense vector as older texts have it."""
        found = self.attribute(name)
        if found is None:
            return tuple(self._default(name, default))
        return tuple(int(value) for value in found)

    def flags(self, name: str, default: Sequence[bool]) -> tuple[bool, ...]:
        found = self.attribute(name)
        return tuple(default) if found is None else tuple(bool(value) for value in found)

    def pairs(self, name: str, count: int) -> list[tuple[int, int]]:
        """A list of pairs; zeros where it is left out."""
        found = self.attribute(name)
        if found is None:
            return [(0, 0)] * count
        return [(int(low), int(high)) for low, high in np.asarray(found).reshape(-1, 2)]

    def word(self, name: str, default: str = "") -> str:
        """The value of an enumeration: `LT` of `#stablehlo<comparison_direction LT>`."""
        found = self.attribute(name)
        words = re.findall(r"[\w.]+", "" if found is None else str(found))
        return words[-1] if words else default

    def text(self, name: str) -> str:
        found = self.attribute(name)
        return "" if found is None else str(found.value)

    def unread(self) -> list[str]:
        """Attributes of the op that the handler did not look at."""
        return [name for name in self._op.attributes if name not in self.read]

    def _default(self, name: str, default: Any) -> Any:
        if default is None:
            raise ShapeError(f"{self.op} needs the attribute `{name}`")
        return default

    # --- regions -------------------------------------------------------------------------------------------------
    def region(self, index: int) -> ir.Block:
        """The block of a region."""
        block: ir.Block = self._op.regions[index].blocks[0]
        return block

    @property
    def regions(self) -> int:
        return len(self._op.regions)

    # --- building ------------------------------------------------------------------------------------------------
    def spread(self, x: Value, shape: Sequence[Size], dims: Sequence[int]) -> Value:
        """x along some dims of a shape, in order, and repeated along the others."""
        narrow = self.session.narrow.of(x)
        placed = dict(zip(dims[len(dims) - narrow.rank :], narrow.shape, strict=True))
        first = min(placed, default=len(shape))
        core = self.reshape(narrow, [placed.get(axis, 1) for axis in range(first, len(shape))])
        return self.session.narrow.expanded(self, core, shape)

    def elementwise(self, op: type[PlainOp], *operands: Value, **properties: Any) -> Value:
        """An op of each element, on operands without the repetitions that the op itself gives them."""
        shape = joint_shape(operands)
        small = [self.session.narrow.of(operand) for operand in operands]
        result = self.emit(op, *small, **properties)
        return self.session.narrow.expanded(self, result, shape)


def joint_shape(operands: Sequence[Value]) -> Shape:
    shape: Shape = ()
    for operand in operands:
        shape = broadcast(shape, operand.shape) if shape != operand.shape else shape
    return shape


def attribute_of(op: ir.Operation, name: str) -> Any:
    """An attribute as MLIR has it, or None."""
    attributes = op.attributes
    if name not in attributes:
        return None
    return attributes[name]


def element_of(type_: Any) -> Attribute:
    """The element type of an MLIR tensor. Raises Refused."""
    text = str(getattr(type_, "element_type", type_))
    if text not in ELEMENTS:
        raise Refused(f"element type {text}")
    return ELEMENTS[text]


def sizes_of(type_: Any) -> tuple[int | None, ...]:
    """The sizes of an MLIR tensor. Raises Refused for one without a rank, and for what is no tensor."""
    if not hasattr(type_, "has_rank") or not type_.has_rank:
        raise Refused(f"a value of type {type_}")
    return tuple(None if type_.is_dynamic_dim(axis) else int(type_.shape[axis]) for axis in range(type_.rank))
