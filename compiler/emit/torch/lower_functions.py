"""Ops without layers: elementwise functions, arithmetic with broadcasting, functions along axes, views, constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Operation, SSAValue

from neuralc.dialects.dims import Dim
from neuralc.dialects.graph import (
    BatchNormOp,
    BinaryOp,
    ConstantOp,
    DetOp,
    DivOp,
    EinsumOp,
    ExpandOp,
    IdentityOp,
    LogSoftmaxOp,
    MatmulOp,
    MaximumOp,
    MinimumOp,
    ReduceOp,
    ReshapeOp,
    SliceOp,
    SoftmaxOp,
    TransposeOp,
    UnaryOp,
)
from neuralc.dialects.graph.recurrent import RecurrentOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import Shape, element_of, numpy_dtype, shape_of
from neuralc.emit.layouts import conversion, natural
from neuralc.emit.python.expressions import Expression, Value, binary, call, literal, method, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.sized_lists import sized_shape
from neuralc.emit.python.sizes import Sizes
from neuralc.emit.python.values import Values
from neuralc.emit.python.views import added_axes, listed_sizes, split_last, taken_by, taking
from neuralc.emit.torch.attention import Attention, attention_of
from neuralc.emit.torch.functions import BINARY, REDUCTIONS, SOFTMAX, UNARY
from neuralc.emit.torch.lower_axes import inline, integer_dtype
from neuralc.emit.torch.lower_moves import subscripted


def _unary(values: Values, op: UnaryOp) -> None:
    write, properties = UNARY[type(op)], op.literals()
    values.define(op, Kind.ACTIVATION, [values.operand(op, 0)], lambda x: write(x[0], properties))


def _identity(values: Values, op: IdentityOp) -> None:
    values.alias(op, values.operand(op, 0))


# -- two operands ------------------------------------------------------------------------------------------------------


def _binary(values: Values, op: BinaryOp) -> None:
    operands = [values.operand(op, 0), values.operand(op, 1)]
    write = BINARY[type(op)]
    shape = values.shape(op.results[0], values.layouts.orders[op.results[0]])
    numbers = [
        _number(value) if other.shape == shape else None
        for value, other in zip(op.operands, reversed(operands), strict=True)
    ]
    if isinstance(op, MaximumOp | MinimumOp) and numbers != [None, None]:
        _clamp(values, op, operands, numbers)
    elif isinstance(op, DivOp) and isinstance(element_of(op.operands[0].type), IntegerType):
        values.define(op, Kind.OTHER, operands, lambda x: call("torch.div", x[0], x[1], rounding_mode="trunc"))
    else:
        shown = [
            operand if number is None else inline(number) for operand, number in zip(operands, numbers, strict=True)
        ]
        values.define(op, Kind.ARITHMETIC, shown, lambda x: write(x[0], x[1]))


def _clamp(values: Values, op: BinaryOp, operands: Sequence[Node], numbers: Sequence[float | None]) -> None:
    """torch.maximum takes tensors only; with a number it is a clamp, which passes NaN on as well."""
    kept = 1 if numbers[0] is not None else 0
    side = "min" if isinstance(op, MaximumOp) else "max"
    bound = {side: numbers[1 - kept]}
    values.define(op, Kind.ACTIVATION, [operands[kept]], lambda x: method(x[0], "clamp", **bound))


def _number(value: SSAValue) -> float | int | None:
    """The number of a splat constant; it is written in place of one that does not decide the shape of the result."""
    return value.owner.literal("value") if isinstance(value.owner, ConstantOp) else None


# -- products ----------------------------------------------------------------------------------------------------------


def _attention(values: Values, op: MatmulOp | EinsumOp, found: Attention) -> None:
    """Of heads in front of places, whichever way they stand in the model."""
    given = zip((found.query, found.key, found.value), found.orders, strict=True)
    nodes = [values.at(value, order) for value, order in given]
    if found.mask is not None:
        nodes.append(values.at(found.mask, natural(found.mask)))
    options: dict[str, Value] = {}
    if found.dropout is not None:
        options["dropout_p"] = name(f"{found.dropout.literal('rate')!r} if self.training else 0.0")
    if found.is_causal:
        options["is_causal"] = True
    if found.scale:
        options["scale"] = found.scale

    def render(x: Sequence[Expression]) -> Expression:
        masks: dict[str, Value] = {"attn_mask": x[3]} if found.mask is not None else {}
        return call("F.scaled_dot_product_attention", *x[:3], **masks, **options)

    order = found.orders[2]
    if order == natural(op.results[0]):
        values.define(op, Kind.PRODUCT, nodes, render)
        return
    made = values.add(Kind.PRODUCT, nodes, render, values.shape(op.results[0], order))
    back = conversion(order, natural(op.results[0]))
    values.define(op, Kind.PERMUTE, [made], lambda x: values.form.permuted(x[0], back))


def _matmul(values: Values, op: MatmulOp) -> None:
    if (found := attention_of(op)) is not None:
        _attention(values, op, found)
        return
    values.define(op, Kind.PRODUCT, _operands(values, op), lambda x: binary("@", x[0], x[1]))


def _einsum(values: Values, op: EinsumOp) -> None:
    if (found := attention_of(op)) is not None:
        _attention(values, op, found)
        return
    spec = op.literal("spec").replace(" ", "")
    values.define(op, Kind.PRODUCT, _operands(values, op), lambda x: call("torch.einsum", spec, *x))


def _det(values: Values, op: DetOp) -> None:
    values.define(op, Kind.OTHER, _operands(values, op), lambda x: call("torch.linalg.det", x[0]))


def _operands(values: Values, op: Operation) -> list[Node]:
    return [values.operand(op, index) for index in range(len(op.operands))]


# -- along axes --------------------------------------------------------------------------------------------------------


def _softmax(values: Values, op: SoftmaxOp | LogSoftmaxOp) -> None:
    order, function = values.layouts.needs[op][0], SOFTMAX[type(op)]
    axis = order.index(normalize_axis(op.literal("axis"), len(order)))
    shown = -1 if axis == len(order) - 1 else axis
    values.define(op, Kind.ACTIVATION, [values.operand(op, 0)], lambda x: call(function, x[0], dim=shown))


def _reduce(values: Values, op: ReduceOp) -> None:
    order, function, x = values.layouts.needs[op][0], REDUCTIONS[op.literal("kind")], values.operand(op, 0)
    axes = tuple(sorted(order.index(normalize_axis(axis, len(order))) for axis in op.literal("axes")))
    if not axes:
        # torch would reduce over every axis.
        values.alias(op, x)
        return
    if function == "prod" and len(axes) > 1:
        _products(values, op, x, axes)
        return
    options: dict[str, Value] = {"dim": axes[0] if len(axes) == 1 else axes}
    if op.literal("keepdims"):
        options["keepdim"] = True
    if op.literal("kind") in ("sum", "prod"):
        options |= integer_dtype(op)
    values.define(op, Kind.POOL, [x], lambda x: method(x[0], function, **options))


def _products(values: Values, op: ReduceOp, x: Node, axes: Sequence[int]) -> None:
    """torch multiplies along one axis at a time: the last ones first, so that the others stay where they are."""
    options: dict[str, Value] = {"keepdim": True} if op.literal("keepdims") else {}
    options |= integer_dtype(op)

    def render(x: Sequence[Expression]) -> Expression:
        product = x[0]
        for axis in reversed(axes):
            product = method(product, "prod", dim=axis, **options)
        return product

    values.define(op, Kind.POOL, [x], render)


# -- views -------------------------------------------------------------------------------------------------------------


def _transpose(values: Values, op: TransposeOp) -> None:
    # Only the names of the axes change: the layouts hold the permutation.
    values.alias(op, values.operand(op, 0))


def _reshape(values: Values, op: ReshapeOp) -> None:
    x, shape = values.operand(op, 0), shape_of(op.result.type)
    start = len(shape) - 1
    if (taken := taken_by(op)) is not None:
        source = values.at(taken.source.x, natural(taken.source.x))
        places = taking(len(source.shape), taken.places)
        values.define(op, Kind.SUBSCRIPT, [source], lambda x: subscripted(x[0], places))
    elif x.shape == shape:
        values.alias(op, x)
    elif (added := added_axes(x.shape, shape)) is not None:
        values.define(op, Kind.SUBSCRIPT, [x], lambda x: subscripted(x[0], added))
    elif len(x.shape) > 1 and (split := split_last(x.shape, shape)) is not None:
        values.define(op, Kind.VIEW, [x], lambda x: method(x[0], "unflatten", -1, split))
    elif len(x.shape) > len(shape) > 0 and x.shape[:start] == shape[:-1]:
        values.define(op, Kind.VIEW, [x], lambda x: method(x[0], "flatten", *((start,) if start else ())))
    elif (sizes := _sizes(x.shape, shape)) is not None:
        values.define(op, Kind.VIEW, [x], lambda x: _reshape_call(x[0], sizes))
    else:
        found = sized_shape(values, op, shape)
        if found is not None:
            values.define(op, Kind.VIEW, [x, *found.nodes], lambda x: method(x[0], "reshape", *found.written(x[1:])))


def _sizes(before: Shape, after: Shape) -> list[int | str] | None:
    """The arguments of reshape: numbers, one -1 for a symbolic size, `shape[i]` of the operand for the others."""
    sizes: list[int | str] = []
    for size in after:
        if not isinstance(size, Dim):
            sizes.append(size)
        elif size in before:
            sizes.append(f"shape[{before.index(size)}]")
        elif -1 not in sizes:
            sizes.append(-1)
        else:
            return None
    # A single size taken from the operand reads better as -1.
    symbolic = [index for index, size in enumerate(sizes) if isinstance(size, str)]
    if len(symbolic) == 1 and -1 not in sizes:
        sizes[symbolic[0]] = -1
    return sizes


def _reshape_call(x: Expression, sizes: Sequence[int | str]) -> Expression:
    return method(x, "reshape", *(listed_sizes(x, sizes) or [()]))  # a number has no size


# -- constants ---------------------------------------------------------------------------------------------------------


def _constant(values: Values, op: ConstantOp) -> None:
    """Most users write the number themselves; others get a tensor of a shape that is known."""
    shape, number = shape_of(op.result.type), op.literal("value")
    if all(isinstance(use.operation, BatchNormOp) for use in op.result.uses):
        return
    sizes = tuple(size for size in shape if isinstance(size, int))
    if len(sizes) == len(shape):
        dtype = name(f"torch.{numpy_dtype(element_of(op.result.type)).name}")
        values.define_inline(op, call("torch.full", sizes, number, dtype=dtype))
    elif all(isinstance(use.operation, BinaryOp) for use in op.result.uses) or (
        number == 0 and _starts_states(op.result)
    ):
        values.define_inline(op, name(literal(number)))
    else:
        _constant_like_arguments(values, op)


def _starts_states(value: SSAValue) -> bool:
    """True for what is read by recurrent layers alone, in any shape: they begin with zeros by themselves."""
    return all(
        isinstance(use.operation, RecurrentOp)
        or (isinstance(use.operation, ReshapeOp | SliceOp | ExpandOp) and _starts_states(use.operation.results[0]))
        for use in value.uses
    )


def _constant_like_arguments(values: Values, op: ConstantOp) -> None:
    """A constant of the sizes that arguments have."""
    shape, number = shape_of(op.result.type), op.literal("value")
    sizes = Sizes(shape, values.inputs)
    if sizes.absent is not None:
        values.refuse(op, f"no argument has the size {sizes.absent}")
        return
    options: dict[str, Value] = {"dtype": name(f"torch.{numpy_dtype(element_of(op.result.type)).name}")}

    def render(x: Sequence[Expression]) -> Expression:
        listed = ", ".join(map(str, sizes.written(x)))
        return call("torch.full", name(f"({listed}{',' * (len(shape) == 1)})"), number, **options)

    values.define(op, Kind.OTHER, sizes.nodes, render)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(BINARY, _binary),
    ConstantOp: _constant,
    DetOp: _det,
    EinsumOp: _einsum,
    IdentityOp: _identity,
    LogSoftmaxOp: _softmax,
    MatmulOp: _matmul,
    ReduceOp: _reduce,
    ReshapeOp: _reshape,
    SoftmaxOp: _softmax,
    TransposeOp: _transpose,
}
