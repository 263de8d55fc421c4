"""Functions along axes, products, normalizations without layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.dialects.builtin import i64
from xdsl.ir import Operation

from neuralc.dialects.graph import (
    ArgReduceOp,
    CumulateOp,
    DetOp,
    EinsumOp,
    LogSoftmaxOp,
    LrnOp,
    MatmulOp,
    ReduceOp,
    SoftmaxOp,
    TopKOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.scalar import is_integer
from neuralc.dialects.types import element_of, shape_of
from neuralc.emit.keras.activations import source_layer
from neuralc.emit.keras.common import applied, cast, is_float_value, is_functional, operands, shown_axis
from neuralc.emit.python.expressions import Expression, Value, binary, call, name
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values

REDUCTIONS = {
    "sum": "sum",
    "mean": "mean",
    "prod": "prod",
    "maximum": "max",
    "minimum": "min",
    "all": "all",
    "any": "any",
}

_SPATIAL = {1: "GlobalAveragePooling1D", 2: "GlobalAveragePooling2D", 3: "GlobalAveragePooling3D"}


def _softmax(values: Values, op: SoftmaxOp | LogSoftmaxOp) -> None:
    layer, x = source_layer(op.x, op), values.operand(op, 0)
    if layer is not None and layer in values.plan.layer_at:
        values.alias(op, x)  # the layer has applied it
        return
    order = values.layouts.needs[op][0]
    axis = shown_axis(order.index(normalize_axis(op.literal("axis"), len(order))), len(order))
    function = "softmax" if isinstance(op, SoftmaxOp) else "log_softmax"
    options: dict[str, Value] = {} if axis == -1 else {"axis": axis}

    def render(x: Sequence[Expression]) -> Expression:
        if is_functional(values) and axis == -1 and len(order) > 1:
            return applied("Activation", x[0], function)
        return call(f"ops.{function}", x[0], **options)

    values.define(op, Kind.ACTIVATION, [x], render)


def _reduce(values: Values, op: ReduceOp) -> None:
    order, function, x = values.layouts.needs[op][0], REDUCTIONS[op.literal("kind")], values.operand(op, 0)
    rank = len(order)
    axes = tuple(sorted(order.index(normalize_axis(axis, rank)) for axis in op.literal("axes")))
    if not axes:
        values.alias(op, x)  # Keras would reduce over every axis
        return
    spatial = axes == tuple(range(1, rank - 1)) and len(axes) in _SPATIAL and not op.literal("keepdims")
    if is_functional(values) and spatial and function in ("mean", "max"):
        layer = _SPATIAL[len(axes)] if function == "mean" else _SPATIAL[len(axes)].replace("Average", "Max")
        if is_float_value(op.x):
            values.define(op, Kind.POOL, [x], lambda x: applied(layer, x[0]))
            return
    options: dict[str, Value] = {"axis": shown_axis(axes[0], rank) if len(axes) == 1 else axes}
    if op.literal("keepdims"):
        options["keepdims"] = True

    def render(x: Sequence[Expression]) -> Expression:
        made = call(f"ops.{function}", x[0], **options)
        widened = is_integer(element_of(op.x.type)) and function in ("sum", "prod")
        return cast(made, element_of(op.x.type)) if widened else made

    values.define(op, Kind.POOL, [x], render)


# -- positions and order -----------------------------------------------------------------------------------------------


def _along(op: ArgReduceOp | CumulateOp | TopKOp) -> int:
    rank = len(shape_of(op.x.type))
    return shown_axis(normalize_axis(op.literal("axis"), rank), rank)


def _arg_reduce(values: Values, op: ArgReduceOp) -> None:
    """Keras finds the first one and passes by NaN; the last is the first from behind."""
    axis, function = _along(op), {"max": "argmax", "min": "argmin"}[op.literal("kind")]
    options: dict[str, Value] = {"axis": axis, **({"keepdims": True} if op.literal("keepdims") else {})}
    if is_float_value(op.x):
        values.helpers.add(function)

    def found(x: Expression) -> Expression:
        if is_float_value(op.x):
            return call(function, x, **options)
        return cast(call(f"ops.{function}", x, **options), i64)

    def render(x: Sequence[Expression]) -> Expression:
        if not op.literal("last"):
            return found(x[0])
        behind = name(f"{x[0]}.shape[{axis}] - 1")
        return binary("-", behind, found(call("ops.flip", x[0], axis=axis)))

    if op.literal("last") and not isinstance(shape_of(op.x.type)[axis], int):
        values.refuse(op, "the last of equal values is counted from the end, and that size is symbolic")
        return
    values.define(op, Kind.OTHER, operands(values, op), render)


def _cumulate(values: Values, op: CumulateOp) -> None:
    axis, rank = _along(op), len(shape_of(op.x.type))
    function = {"sum": "cumsum", "prod": "cumprod"}[op.literal("kind")]
    start = {"sum": 0, "prod": 1}[op.literal("kind")]
    around = tuple((1, 0) if index == axis % rank else (0, 0) for index in range(rank))
    # A symbolic value of Keras takes no slice by itself, but a tuple of them.
    before = ", ".join([*[":"] * (axis % rank), ":-1"]) if axis % rank else ":-1, ..."

    def render(x: Sequence[Expression]) -> Expression:
        ordered = call("ops.flip", x[0], axis=axis) if op.literal("reverse") else x[0]
        if op.literal("exclusive"):
            options: dict[str, Value] = {"constant_values": start} if start else {}
            ordered = call("ops.pad", name(f"{_atom(ordered)}[{before}]"), around, **options)
        running = call(f"ops.{function}", ordered, axis=axis)
        return call("ops.flip", running, axis=axis) if op.literal("reverse") else running

    values.define(op, Kind.OTHER, operands(values, op), render)


def _atom(x: Expression) -> str:
    return x.text


def _top_k(values: Values, op: TopKOp) -> None:
    axis, k = _along(op), op.k.data[0]
    if not k.is_static:
        values.refuse(op, f"the count {k} is symbolic")
        return
    values.helpers.add("top_k")
    options: dict[str, Value] = {"axis": axis, **({} if op.literal("largest") else {"largest": False})}
    made = values.add(Kind.CALL, operands(values, op), lambda x: call("top_k", x[0], k.value, **options), ())
    for index, result in enumerate(op.results):
        item = Node(Kind.ITEM, (made,), lambda x: x[0], shape_of(result.type))
        made.items.append(item)
        values.nodes.append(item)
        values.alias(op, item, index)


# -- products ----------------------------------------------------------------------------------------------------------


def _matmul(values: Values, op: MatmulOp) -> None:
    if not is_integer(element_of(op.result.type)):
        values.define(op, Kind.PRODUCT, operands(values, op), lambda x: call("ops.matmul", x[0], x[1]))
        return
    ranks = [len(shape_of(each.type)) for each in op.operands]
    batch = "abcdefgh"[: max(*ranks, 2) - 2]
    lhs, rhs = (batch[len(batch) - max(rank - 2, 0) :] for rank in ranks)
    rows, columns = ("m" if ranks[0] > 1 else ""), ("n" if ranks[1] > 1 else "")
    define_integer_product(values, op, f"{lhs}{rows}k,{rhs}k{columns}->{batch}{rows}{columns}")


def _einsum(values: Values, op: EinsumOp) -> None:
    spec = op.literal("spec").replace(" ", "")
    if is_integer(element_of(op.result.type)):
        define_integer_product(values, op, spec)
        return
    inputs, result = spec.split("->")
    terms, shapes = inputs.split(","), [shape_of(each.type) for each in op.operands]
    wide = {
        a for term, shape in zip(terms, shapes, strict=True) for a, size in zip(term, shape, strict=True) if size != 1
    }
    # TensorFlow takes no dim of 1 for one that is larger elsewhere.
    single = [
        tuple(axis for axis, (a, size) in enumerate(zip(term, shape, strict=True)) if size == 1 and a in wide)
        for term, shape in zip(terms, shapes, strict=True)
    ]
    kept = [
        "".join(a for axis, a in enumerate(term) if axis not in axes) for term, axes in zip(terms, single, strict=True)
    ]

    def render(x: Sequence[Expression]) -> Expression:
        factors = [call("ops.squeeze", each, axes) if axes else each for each, axes in zip(x, single, strict=True)]
        return call("ops.einsum", f"{','.join(kept)}->{result}", *factors)

    values.define(op, Kind.PRODUCT, operands(values, op), render)


def define_integer_product(values: Values, op: Operation, spec: str) -> None:
    """The einsum of the first two operands, and a bias where there is one, in the element type of the result."""
    values.helpers.add("integer_einsum")
    factors = len(spec.partition("->")[0].split(","))

    def render(x: Sequence[Expression]) -> Expression:
        made = cast(call("integer_einsum", spec, *x[:factors]), element_of(op.results[0].type))
        return binary("+", made, x[factors]) if len(x) > factors else made

    values.define(op, Kind.PRODUCT, operands(values, op), render)


def _det(values: Values, op: DetOp) -> None:
    values.define(op, Kind.OTHER, operands(values, op), lambda x: call("ops.det", x[0]))


def _lrn(values: Values, op: LrnOp) -> None:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.x.type)))
    options: dict[str, Value] = {key: op.literal(key) for key in ("size", "alpha", "beta", "bias")}
    if not isinstance(shape_of(op.x.type)[axis], int):
        values.refuse(op, "the number of channels is symbolic")
        return
    values.helpers.add("local_response_norm")
    shown = shown_axis(axis, len(shape_of(op.x.type)))
    values.define(
        op, Kind.NORM, operands(values, op), lambda x: call("local_response_norm", x[0], axis=shown, **options)
    )


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ArgReduceOp: _arg_reduce,
    CumulateOp: _cumulate,
    DetOp: _det,
    EinsumOp: _einsum,
    LogSoftmaxOp: _softmax,
    LrnOp: _lrn,
    MatmulOp: _matmul,
    ReduceOp: _reduce,
    SoftmaxOp: _softmax,
    TopKOp: _top_k,
}
