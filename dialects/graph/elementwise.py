"""The forms of elementwise ops: a function of one value, of two that broadcast, a comparison of two.

The ops themselves stand by purpose: arithmetic.py, functions.py (exp, sin, ..), activations.py (relu, ..), logic.py
(comparisons, truth values, bits), conversion.py (cast). Each class states its definition; shapes are those of the
operand, or of the operands broadcast as in numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import TensorType, i1
from xdsl.ir import Attribute
from xdsl.irdl import operand_def, result_def, traits_def
from xdsl.traits import Pure

from neuralc.dialects.graph.shapes import broadcast
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import ShapeError, element_of, is_float, shape_of, tensor_type

ELEMENTS: dict[str, Callable[[Attribute], bool]] = {
    "floats": is_float,
    "numbers": lambda element: is_float(element) or is_integer(element),
    "integers": is_integer,
    "truth values": lambda element: element == i1,
    "values": lambda element: True,
}
"""What an op may take, by the name that messages use."""


def accept(op: str, elements: str, types: Sequence[Attribute]) -> Attribute:
    """The one element type of all operands, which is among `elements`. Raises ShapeError."""
    element = element_of(types[0])
    if not ELEMENTS[elements](element):
        raise ShapeError(f"{op} needs {elements}, got {element}")
    if any(element_of(other) != element for other in types):
        raise ShapeError(f"{op}: operands are of types {' and '.join(str(element_of(type_)) for type_ in types)}")
    return element


class UnaryOp(PlainOp):
    """A function of one operand, value by value."""

    x = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    ACCEPTS: ClassVar[str] = "floats"

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        accept(cls.name, cls.ACCEPTS, types)
        return types[0]


class TestOp(UnaryOp):
    """A question about one operand, value by value: the result holds truth values."""

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        accept(cls.name, cls.ACCEPTS, types)
        return tensor_type(shape_of(types[0]), i1)


class BinaryOp(PlainOp):
    """A function of two operands of one element type, broadcast to a common shape."""

    lhs = operand_def(TensorType)
    rhs = operand_def(TensorType)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    ACCEPTS: ClassVar[str] = "numbers"

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        element = accept(cls.name, cls.ACCEPTS, types)
        return tensor_type(broadcast(shape_of(types[0]), shape_of(types[1])), element)


class CompareOp(BinaryOp):
    """A relation of two operands of one element type, broadcast; the result holds truth values."""

    @classmethod
    def infer(cls, types: Sequence[Attribute], **properties: Any) -> Attribute:
        accept(cls.name, cls.ACCEPTS, types)
        return tensor_type(broadcast(shape_of(types[0]), shape_of(types[1])), i1)


def derived(base: type[PlainOp]) -> list[type[PlainOp]]:
    """The ops that have the form of `base`, by name."""
    found: list[type[PlainOp]] = []
    for each in base.__subclasses__():
        found += [each] if hasattr(each, "name") else derived(each)
    return sorted(found, key=lambda op: op.name)
