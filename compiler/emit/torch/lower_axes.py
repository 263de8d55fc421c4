"""Functions along axes, normalizations without layers, choices and conversions: one expression of torch each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    ArgReduceOp,
    BitcastOp,
    CastOp,
    ConstantOp,
    CumulateOp,
    GroupNormOp,
    LayerNormOp,
    LrnOp,
    RmsNormOp,
    TopKOp,
    WhereOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, is_float, numpy_dtype, shape_of
from neuralc.emit.python.expressions import Expression, Value, binary, call, literal, method, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values
from neuralc.emit.torch.lower_layers import apply_layer
from neuralc.emit.torch.lower_recurrent import made_by_layer


def inline(number: float | int) -> Node:
    """A number where it is used."""
    return Node(Kind.INLINE, (), lambda _: name(literal(number)), ())


def _operands(values: Values, op: Operation) -> list[Node]:
    return [values.operand(op, index) for index in range(len(op.operands))]


def _axis(op: ArgReduceOp | CumulateOp | TopKOp) -> int:
    """The axis as it is shown: the last one as -1."""
    rank = len(shape_of(op.x.type))
    axis = normalize_axis(op.literal("axis"), rank)
    return -1 if axis == rank - 1 else axis


# -- choices and conversions -------------------------------------------------------------------------------------------


_WIDE = ("int32", "int64")
_HOLDING = (*_WIDE, "float32", "float64")


def _where(values: Values, op: WhereOp) -> None:
    if made_by_layer(values, op):
        return
    operands = _operands(values, op)
    shape, element = values.shape(op.result, values.layouts.orders[op.result]), element_of(op.result.type)
    numbers = {
        place: operand.owner.literal("value")
        for place, operand in enumerate(op.operands[1:], start=1)
        if isinstance(operand.owner, ConstantOp)
    }
    # torch takes a number for a tensor of the type that the other side has, where it can hold it.
    if len(numbers) == 1 and numpy_dtype(element).name in _HOLDING:
        ((place, number),) = numbers.items()
        if operands[3 - place].shape == shape:
            operands[place] = inline(number)
    values.define(op, Kind.CHOICE, operands, lambda x: call("torch.where", *x))


def _cast(values: Values, op: CastOp | BitcastOp) -> None:
    """torch leaves open what becomes of floats that a type does not hold: for small types they get its nearest."""
    before, after = element_of(op.operands[0].type), element_of(op.result.type)
    dtype = name(f"torch.{numpy_dtype(after).name}")
    if isinstance(op, CastOp) and is_float(before) and is_integer(after) and numpy_dtype(after).name not in _WIDE:
        values.helpers.add("saturated")
        values.define(op, Kind.OTHER, _operands(values, op), lambda x: call("saturated", x[0], dtype))
        return
    function = "to" if isinstance(op, CastOp) else "view"
    values.define(op, Kind.OTHER, _operands(values, op), lambda x: method(x[0], function, dtype))


# -- along an axis -----------------------------------------------------------------------------------------------------


def integer_dtype(op: Operation) -> dict[str, Value]:
    """The option that keeps sums of integers in their type; torch widens them to 64 bits."""
    element = element_of(op.results[0].type)
    return {"dtype": name(f"torch.{numpy_dtype(element).name}")} if is_integer(element) else {}


def _arg_reduce(values: Values, op: ArgReduceOp) -> None:
    """torch finds the first one; the last is the first from behind."""
    axis, function = _axis(op), {"max": "argmax", "min": "argmin"}[op.literal("kind")]
    options: dict[str, Value] = {"dim": axis, **({"keepdim": True} if op.literal("keepdims") else {})}

    def render(x: Sequence[Expression]) -> Expression:
        if not op.literal("last"):
            return method(x[0], function, **options)
        behind = name(f"{x[0]}.shape[{axis}] - 1")
        return binary("-", behind, method(method(x[0], "flip", axis), function, **options))

    values.define(op, Kind.OTHER, _operands(values, op), render)


def _cumulate(values: Values, op: CumulateOp) -> None:
    axis, exclusive = _axis(op), op.literal("exclusive")
    if exclusive and op.literal("kind") == "prod":
        values.helpers.add("moved")
    function = {"sum": "cumsum", "prod": "cumprod"}[op.literal("kind")]
    options: dict[str, Value] = {"dim": axis, **integer_dtype(op)}

    def render(x: Sequence[Expression]) -> Expression:
        ordered = x[0]
        if exclusive and function == "cumprod":
            turned: dict[str, Value] = {"reverse": True} if op.literal("reverse") else {}
            ordered = call("moved", ordered, axis, 1, **turned)
        if op.literal("reverse"):
            ordered = method(ordered, "flip", axis)
        running = method(ordered, function, **options)
        if op.literal("reverse"):
            running = method(running, "flip", axis)
        return binary("-", running, x[0]) if exclusive and function == "cumsum" else running

    values.define(op, Kind.OTHER, _operands(values, op), render)


def _top_k(values: Values, op: TopKOp) -> None:
    """A stable sort: torch.topk leaves open which of several equal values it finds."""
    axis, k = _axis(op), op.k.data[0]
    options: dict[str, Value] = {"dim": axis, **({"descending": True} if op.literal("largest") else {}), "stable": True}
    if not k.is_static:
        values.refuse(op, f"the count {k} is symbolic")
        return
    made = values.add(Kind.CALL, _operands(values, op), lambda x: call("torch.sort", x[0], **options), ())
    for index, result in enumerate(op.results):
        sorted_ = Node(Kind.ITEM, (made,), lambda x: x[0], shape_of(op.x.type))
        made.items.append(sorted_)
        values.nodes.append(sorted_)
        first = values.add(
            Kind.VIEW, [sorted_], lambda x: method(x[0], "narrow", axis, 0, k.value), shape_of(result.type)
        )
        values.alias(op, first, index)


# -- normalizations ----------------------------------------------------------------------------------------------------


def _layer_norm(values: Values, op: LayerNormOp | RmsNormOp) -> None:
    if op in values.plan.layer_at:
        apply_layer(values, op)
        return
    shape = shape_of(op.x.type)
    normalized = tuple(
        size for size in shape[normalize_axis(op.literal("axis"), len(shape)) :] if isinstance(size, int)
    )
    if len(normalized) != len(shape) - normalize_axis(op.literal("axis"), len(shape)):
        values.refuse(op, "the normalized sizes are symbolic")
        return
    function = "F.layer_norm" if isinstance(op, LayerNormOp) else "F.rms_norm"
    fits = all(shape_of(operand.type) == normalized for operand in op.operands[1:])

    def render(x: Sequence[Expression]) -> Expression:
        if fits:
            return call(function, x[0], normalized, *x[1:], eps=op.literal("epsilon"))
        scaled = binary("*", call(function, x[0], normalized, eps=op.literal("epsilon")), x[1])
        return binary("+", scaled, x[2]) if len(x) > 2 else scaled

    values.define(op, Kind.NORM, _operands(values, op), render)


def _group_norm(values: Values, op: GroupNormOp) -> None:
    if op in values.plan.layer_at:
        apply_layer(values, op)
        return
    groups, epsilon = op.literal("groups"), op.literal("epsilon")
    values.define(
        op, Kind.NORM, _operands(values, op), lambda x: call("F.group_norm", x[0], groups, *x[1:], eps=epsilon)
    )


def _lrn(values: Values, op: LrnOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    if axis != 1 or op.literal("size") % 2 == 0 or len(shape_of(op.x.type)) < 3:
        values.helpers.add("local_response_norm")
        numbers = [op.literal(key) for key in ("size", "alpha", "beta", "bias")]
        values.define(op, Kind.NORM, _operands(values, op), lambda x: call("local_response_norm", x[0], *numbers, axis))
        return
    options = {"alpha": op.literal("alpha"), "beta": op.literal("beta"), "k": op.literal("bias")}
    size = op.literal("size")
    values.define(op, Kind.NORM, _operands(values, op), lambda x: call("F.local_response_norm", x[0], size, **options))


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ArgReduceOp: _arg_reduce,
    BitcastOp: _cast,
    CastOp: _cast,
    CumulateOp: _cumulate,
    GroupNormOp: _group_norm,
    LayerNormOp: _layer_norm,
    LrnOp: _lrn,
    RmsNormOp: _layer_norm,
    TopKOp: _top_k,
    WhereOp: _where,
}
