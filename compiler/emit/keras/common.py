"""What the lowerings of Keras share: operands, numbers in place of constants, casts, the style they write for."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Attribute, Operation, SSAValue

from neuralc.dialects.graph import ConstantOp
from neuralc.dialects.types import Shape, element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.keras.style import KerasForm
from neuralc.emit.python.expressions import Expression, Value, call, literal, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values


def operands(values: Values, op: Operation) -> list[Node]:
    return [values.operand(op, index) for index in range(len(op.operands))]


def is_functional(values: Values) -> bool:
    return isinstance(values.form, KerasForm) and values.form.functional


def applied(layer: str, x: Expression, *arguments: Value, **options: Value) -> Expression:
    """`layers.Flatten()(x)`."""
    made = call(f"layers.{layer}", *arguments, **options)
    return Expression(made.head, made.arguments, tail=f"({x})")


def dtype_name(element: Attribute) -> str:
    return numpy_dtype(element).name


def cast(x: Expression, element: Attribute) -> Expression:
    return call("ops.cast", x, dtype_name(element))


def number_of(value: SSAValue) -> float | int | bool | None:
    """The number of a splat constant."""
    return value.owner.literal("value") if isinstance(value.owner, ConstantOp) else None


def number_node(value: SSAValue, number: float | int | bool) -> Node:
    """A number as it is written: a whole one of an integer type without a point."""
    shown = number if not is_float(element_of(value.type)) else float(number)
    return Node(Kind.INLINE, (), lambda _: name(literal(shown)), ())


def shown_operands(values: Values, op: Operation, shape: Shape) -> list[Node]:
    """The operands of an op that broadcasts, with numbers for constants that do not decide the shape of the result."""
    nodes, found = operands(values, op), []
    full = [node.shape == shape and number_of(value) is None for node, value in zip(nodes, op.operands, strict=True)]
    for node, value in zip(nodes, op.operands, strict=True):
        number = number_of(value)
        found.append(number_node(value, number) if number is not None and any(full) else node)
    return found


def shown_axis(axis: int, rank: int) -> int:
    """The axis as one writes it: the last one is -1."""
    return -1 if axis % rank == rank - 1 else axis % rank


def static(shape: Shape) -> tuple[int, ...] | None:
    sizes = tuple(size for size in shape if isinstance(size, int))
    return sizes if len(sizes) == len(shape) else None


def result_shape(values: Values, op: Operation) -> Shape:
    return values.shape(op.results[0], values.layouts.orders[op.results[0]])


def is_float_value(value: SSAValue) -> bool:
    return is_float(element_of(value.type))


def joined(arguments: Sequence[Expression]) -> str:
    return ", ".join(argument.text for argument in arguments)


__all__ = [
    "applied", "cast", "dtype_name", "is_float_value", "is_functional", "joined", "number_node", "number_of",
    "operands", "result_shape", "shape_of", "shown_axis", "shown_operands", "static",
]  # fmt: skip
