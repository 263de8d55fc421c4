"""Elementwise functions, arithmetic with broadcasting, products, functions along axes, constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from neuralc.dialects.graph import (
    ArgReduceOp,
    BinaryOp,
    BitcastOp,
    CastOp,
    ConstantOp,
    CumulateOp,
    DetOp,
    DivOp,
    EinsumOp,
    IdentityOp,
    LogSoftmaxOp,
    MatmulOp,
    PowOp,
    PreluOp,
    ReduceOp,
    SoftmaxOp,
    TopKOp,
    UnaryOp,
    WhereOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.jax.functions import BINARY, REDUCTIONS, SOFTMAX, UNARY
from neuralc.emit.jax.types import dtype_options, dtype_word
from neuralc.emit.python.control import define_items
from neuralc.emit.python.expressions import Expression, Value, binary, call, literal, method, name, negated
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.sized_lists import shape_argument, sized_shape
from neuralc.emit.python.values import Values


def operands(values: Values, op: Operation) -> list[Node]:
    """All operands, each in the order that is wanted of it."""
    return [values.operand(op, index) for index in range(len(op.operands))]


def shown_axis(axis: int, rank: int) -> int:
    """An axis as one writes it: the last one as -1."""
    axis = normalize_axis(axis, rank)
    return -1 if axis == rank - 1 else axis


def ordered_axis(values: Values, op: Any, axis: int) -> int:
    """Where an axis of the model stands in the operand as it is."""
    order = values.layouts.needs[op][0]
    return shown_axis(order.index(normalize_axis(axis, len(order))), len(order))


def _unary(values: Values, op: UnaryOp) -> None:
    write, properties = UNARY[type(op)], op.literals()
    values.define(op, Kind.ACTIVATION, operands(values, op), lambda x: write(x[0], properties))


def _identity(values: Values, op: IdentityOp) -> None:
    values.alias(op, values.operand(op, 0))


# -- two operands ------------------------------------------------------------------------------------------------------


def number_of(value: SSAValue) -> float | int | None:
    """The number of a constant that is the same everywhere."""
    return value.owner.literal("value") if isinstance(value.owner, ConstantOp) else None


def inline(text: str) -> Node:
    return Node(Kind.INLINE, (), lambda _: _text(text), ())


def _text(text: str) -> Expression:
    return negated(name(text[1:])) if text.startswith("-") else name(text)


def _binary(values: Values, op: BinaryOp) -> None:
    integers = not is_float(element_of(op.operands[0].type))
    if isinstance(op, DivOp | PowOp) and integers:
        _integer_function(values, op)
        return
    write = BINARY[type(op)]
    values.define(op, Kind.ARITHMETIC, _with_numbers(values, op), lambda x: write(x[0], x[1]))


def _with_numbers(values: Values, op: BinaryOp) -> list[Node]:
    """The operands, a constant as a number where the other one alone gives the shape and the type of the result."""
    given = operands(values, op)
    shape = values.shape(op.results[0], values.layouts.orders[op.results[0]])
    numbers = [number_of(value) for value in op.operands]
    shown = list(given)
    for index, number in enumerate(numbers):
        other = 1 - index
        if number is not None and numbers[other] is None and given[other].shape == shape:
            shown[index] = inline(literal(number))
    return shown


def _integer_function(values: Values, op: DivOp | PowOp) -> None:
    """Quotients are truncated, where `//` rounds down; powers may be negative."""
    if isinstance(op, PowOp):
        values.helpers.add("integer_power")
        values.define(op, Kind.OTHER, operands(values, op), lambda x: call("integer_power", *x))
        return
    alike = shape_of(op.lhs.type) == shape_of(op.rhs.type)
    values.define(
        op,
        Kind.OTHER,
        operands(values, op),
        lambda x: call("lax.div", *(x if alike else [name(f"*{call('jnp.broadcast_arrays', *x)}")])),
    )


def _where(values: Values, op: WhereOp) -> None:
    """A number on one side takes the type of the other side."""
    condition, on, off = operands(values, op)
    numbers = [number_of(value) for value in (op.on, op.off)]
    shape = shape_of(op.result.type)
    if numbers[0] is None and numbers[1] is not None and on.shape == shape:
        off = inline(literal(numbers[1]))
    elif numbers[1] is None and numbers[0] is not None and off.shape == shape:
        on = inline(literal(numbers[0]))
    values.define(op, Kind.CHOICE, [condition, on, off], lambda x: call("jnp.where", *x))


def _prelu(values: Values, op: PreluOp) -> None:
    values.define(
        op,
        Kind.OTHER,
        operands(values, op),
        lambda x: call("jnp.where", binary(">=", x[0], name("0")), x[0], binary("*", x[1], x[0])),
    )


def _cast(values: Values, op: CastOp) -> None:
    dtype = dtype_word(values, element_of(op.result.type))
    values.define(op, Kind.OTHER, operands(values, op), lambda x: method(x[0], "astype", dtype))


def _bitcast(values: Values, op: BitcastOp) -> None:
    dtype = dtype_word(values, element_of(op.result.type))
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("lax.bitcast_convert_type", x[0], dtype))


# -- products ----------------------------------------------------------------------------------------------------------


def _matmul(values: Values, op: MatmulOp) -> None:
    values.define(op, Kind.PRODUCT, operands(values, op), lambda x: binary("@", x[0], x[1]))


def _einsum(values: Values, op: EinsumOp) -> None:
    spec = op.literal("spec").replace(" ", "")
    values.define(op, Kind.PRODUCT, operands(values, op), lambda x: call("jnp.einsum", spec, *x))


def _det(values: Values, op: DetOp) -> None:
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("jnp.linalg.det", x[0]))


# -- along axes --------------------------------------------------------------------------------------------------------


def _softmax(values: Values, op: SoftmaxOp | LogSoftmaxOp) -> None:
    axis = ordered_axis(values, op, op.literal("axis"))
    options: dict[str, Value] = {} if axis == -1 else {"axis": axis}
    values.define(op, Kind.ACTIVATION, operands(values, op), lambda x: call(SOFTMAX[type(op)], x[0], **options))


def _reduce(values: Values, op: ReduceOp) -> None:
    order, x = values.layouts.needs[op][0], values.operand(op, 0)
    axes = tuple(sorted(order.index(normalize_axis(axis, len(order))) for axis in op.literal("axes")))
    if not axes:
        values.alias(op, x)
        return
    options: dict[str, Value] = {"axis": shown_axis(axes[0], len(order)) if len(axes) == 1 else axes}
    if len(axes) == len(order):
        options = {}
    if op.literal("keepdims"):
        options["keepdims"] = True
    element, kind = element_of(op.x.type), op.literal("kind")
    if kind in ("sum", "prod") and not is_float(element):
        options["dtype"] = name(f"{numpy_word(element)}")  # jax.numpy widens small integers
    if kind in ("maximum", "minimum") and any(shape_of(op.x.type)[order[axis]] == 0 for axis in axes):
        values.refuse(op, f"jax.numpy has no {kind} of no values")
        return
    values.define(op, Kind.POOL, [x], lambda x: method(x[0], REDUCTIONS[kind], **options))


def numpy_word(element: Any) -> str:
    return f"jnp.{numpy_dtype(element).name}"


def _arg_reduce(values: Values, op: ArgReduceOp) -> None:
    """jax.numpy finds the first one; the last is the first from behind."""
    axis, function = shown_axis(op.literal("axis"), len(shape_of(op.x.type))), f"arg{op.literal('kind')}"
    options: dict[str, Value] = {"axis": axis, **({"keepdims": True} if op.literal("keepdims") else {})}

    def render(x: Sequence[Expression]) -> Expression:
        if not op.literal("last"):
            return method(x[0], function, **options)
        behind = call("jnp.flip", x[0], axis)
        return binary("-", name(f"{x[0]}.shape[{axis}] - 1"), method(behind, function, **options))

    values.define(op, Kind.OTHER, operands(values, op), render)


def _cumulate(values: Values, op: CumulateOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    function, neutral = {"sum": ("lax.cumsum", 0), "prod": ("lax.cumprod", 1)}[op.literal("kind")]
    reverse: dict[str, Value] = {"reverse": True} if op.literal("reverse") else {}
    exclusive = op.literal("exclusive")
    if exclusive:
        values.helpers.add("before")

    def render(x: Sequence[Expression]) -> Expression:
        moved = call("before", x[0], axis, neutral, **reverse) if exclusive else x[0]
        return call(function, moved, axis=axis, **reverse)

    values.define(op, Kind.OTHER, operands(values, op), render)


def _top_k(values: Values, op: TopKOp) -> None:
    count = sized_shape(values, op, [op.k.data[0]])
    if count is None:
        return
    axis = shown_axis(op.literal("axis"), len(shape_of(op.x.type)))
    options: dict[str, Value] = {} if axis == -1 else {"axis": axis}
    if not op.literal("largest"):
        options["largest"] = False
    values.helpers.add("top_k")
    made = values.add(
        Kind.CALL,
        [values.operand(op, 0), *count.nodes],
        lambda x: call("top_k", x[0], *count.written(x[1:]), **options),
        (),
    )
    define_items(values, op, made)


# -- constants ---------------------------------------------------------------------------------------------------------


def _constant(values: Values, op: ConstantOp) -> None:
    """Most users write the number themselves; others get an array."""
    element, number = element_of(op.result.type), op.literal("value")
    sizes = sized_shape(values, op, shape_of(op.result.type), refused=False)
    if sizes is None:
        if not all(isinstance(use.operation, BinaryOp | WhereOp) for use in op.result.uses):
            values.refuse(op, "no argument has the sizes of a constant")
            return
        values.define_inline(op, name(literal(number)))
        return
    options = dtype_options(values, element)
    shape_known = not sizes.nodes

    def render(x: Sequence[Expression]) -> Expression:
        if not shape_of(op.result.type):
            return call(numpy_word(element), number) if isinstance(number, bool | int) or options else _array(number)
        shape = shape_argument(sizes.written(x))
        if number in (0, 1) and not isinstance(number, bool):
            return call("jnp.zeros" if number == 0 else "jnp.ones", shape, **options)
        return call("jnp.full", shape, number, **options)

    if shape_known:
        values.define_inline(op, render([]))
    else:
        values.define(op, Kind.OTHER, sizes.nodes, render)


def _array(number: Value) -> Expression:
    return call("jnp.array", number)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(BINARY, _binary),
    ArgReduceOp: _arg_reduce,
    BitcastOp: _bitcast,
    CastOp: _cast,
    ConstantOp: _constant,
    CumulateOp: _cumulate,
    DetOp: _det,
    EinsumOp: _einsum,
    IdentityOp: _identity,
    LogSoftmaxOp: _softmax,
    MatmulOp: _matmul,
    PreluOp: _prelu,
    ReduceOp: _reduce,
    SoftmaxOp: _softmax,
    TopKOp: _top_k,
    WhereOp: _where,
}
