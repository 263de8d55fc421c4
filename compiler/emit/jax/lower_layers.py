"""Layers with parameters: helper functions applied to a branch of the tree, or to a dictionary of computed arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import BatchNormOp, ConvOp, ConvTransposeOp, DenseOp, GroupNormOp, LayerNormOp, RmsNormOp
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import shape_of
from neuralc.emit.jax.conventions import conventions_of
from neuralc.emit.jax.kernels import depthwise_source, kernel_layout
from neuralc.emit.jax.layers import arrays_of, is_linear, square_stride
from neuralc.emit.jax.padding import padding_of
from neuralc.emit.layouts import natural
from neuralc.emit.python.expressions import Expression, Value, binary, call, literal, name
from neuralc.emit.python.heads import Heads, heads_of
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.values import Values


def parameters_of(values: Values, op: Operation) -> tuple[list[Node], Callable[[Sequence[Expression]], Expression]]:
    """What the parameters of a layer are read from, and how they are written over that."""
    layer = values.plan.layer_at.get(op)
    if layer is not None:
        held = name(values.form.access(layer.attribute))
        return [], lambda _: held
    arrays = arrays_of(op)
    nodes = [values.at(value, natural(value)) for value in arrays.values()]

    def render(x: Sequence[Expression]) -> Expression:
        return name("{" + ", ".join(f"{literal(key)}: {array}" for key, array in zip(arrays, x, strict=True)) + "}")

    return nodes, render


def lower_heads(values: Values, heads: Heads) -> None:
    """A dense layer that keeps heads, with the result of the op that gives them."""
    x = values.at(heads.x, natural(heads.x))
    _apply(values, heads.op, x, heads.result, Kind.LAYER, "einsum_dense", heads.equation)


def apply(values: Values, op: Operation, kind: Kind, function: str, *more: Value, **options: Value) -> None:
    """`function(params["layer"], x, *more, **options)`."""
    _apply(values, op, values.operand(op, 0), op, kind, function, *more, **options)


def _apply(
    values: Values,
    op: Operation,
    x: Node,
    result: Operation,
    kind: Kind,
    function: str,
    *more: Value,
    **options: Value,
) -> None:
    nodes, render = parameters_of(values, op)
    values.helpers |= {function, *(f"{function}:{key}" for key in arrays_of(op))}
    values.helpers |= {f"{function} without {key}" for key in ("bias", "gamma", "beta") if key not in arrays_of(op)}
    layer = values.plan.layer_at.get(op)

    def write(x: Sequence[Expression]) -> Expression:
        written = call(function, render(x[1:]), x[0], *more, **options)
        return Expression(function, (*(written.arguments or ()), *(layer.options if layer is not None else ())))

    values.define(result, kind, [x, *nodes], write)


# -- convolutions ------------------------------------------------------------------------------------------------------


def _conv(values: Values, op: ConvOp) -> None:
    depthwise = depthwise_source(op) is not None
    rank = len(op.literal("strides"))
    options = _window_options(values, op)
    padding = padding_of(op, shape_of(op.x.type))
    if padding != conventions_of(values).padding:
        options["padding"] = padding
    if op.literal("dilations") != (1,) * rank:
        options["dilation"] = op.literal("dilations")
    if op.literal("groups") != 1 and not depthwise:
        options["groups"] = op.literal("groups")
    options |= _layout(values, op, kernel_layout(op))
    apply(values, op, Kind.LAYER, f"{'depthwise_' if depthwise else ''}conv{rank}d", **options)


def _window_options(values: Values, op: ConvOp | ConvTransposeOp) -> dict[str, Value]:
    """The strides, where the layer does not have them as an option of its own."""
    strides, square = op.literal("strides"), square_stride(op)
    if len(set(strides)) > 1:
        return {"strides": strides}
    return {} if op in values.plan.layer_at else square


def _layout(values: Values, op: ConvOp | ConvTransposeOp, kernel: str) -> dict[str, Value]:
    """The order of axes, where it is not that of most convolutions of the file."""
    usual = conventions_of(values).layouts[type(op), len(op.literal("strides"))]
    own = op.literal("data_format"), kernel
    return {} if own == usual else {"layout": " ".join(own)}


def _conv_transpose(values: Values, op: ConvTransposeOp) -> None:
    rank, options = len(op.literal("strides")), _window_options(values, op)
    pads, more = op.literal("pads"), op.literal("output_padding")
    if any((*pads, *more)):
        # What is cut off one end and added to the other is one number: places that the high end has more.
        options["crop"] = tuple((pads[i], pads[i + rank] - more[i]) for i in range(rank))
    if op.literal("dilations") != (1,) * rank:
        options["dilation"] = op.literal("dilations")
    if op.literal("groups") != 1:
        options["groups"] = op.literal("groups")
    options |= _layout(values, op, kernel_layout(op))
    apply(values, op, Kind.LAYER, f"conv{rank}d_transpose", **options)


# -- dense layers and normalizations -----------------------------------------------------------------------------------


def _dense(values: Values, op: DenseOp) -> None:
    """A layer, or a product with what is computed: a kernel with heads of their own, as one matrix."""
    heads = heads_of(op)
    if heads is not None and heads.result is op:
        lower_heads(values, heads)
        return
    if heads is not None:
        return  # the reshape behind it has the result
    if op in values.plan.layer_at or is_linear(op):
        apply(values, op, Kind.LAYER, "linear" if is_linear(op) else "dense")
        return
    operands = [values.operand(op, index) for index in range(len(op.operands))]
    if op.bias is None:
        values.define(op, Kind.PRODUCT, operands, lambda x: binary("@", x[0], x[1]))
        return
    shape = values.shape(op.result, natural(op.result))
    product = values.add(Kind.PRODUCT, operands[:2], lambda x: binary("@", x[0], x[1]), shape)
    values.define(op, Kind.ARITHMETIC, [product, operands[2]], lambda x: binary("+", x[0], x[1]))


def _batch_norm(values: Values, op: BatchNormOp) -> None:
    order = values.layouts.needs[op][0]
    axis = order.index(normalize_axis(op.literal("axis"), len(order)))
    options: dict[str, Value] = {} if axis == len(order) - 1 else {"axis": axis}
    values.helpers |= {"batch_norm:axis"} if options else set()
    options |= conventions_of(values).options(op, "epsilon", "momentum")
    apply(values, op, Kind.NORM, "batch_norm", name("train"), **options)


def _layer_norm(values: Values, op: LayerNormOp | RmsNormOp) -> None:
    rank = len(shape_of(op.x.type))
    first = normalize_axis(op.literal("axis"), rank)
    options: dict[str, Value] = {} if first == rank - 1 else {"axis": tuple(range(first, rank))}
    options |= conventions_of(values).options(op, "epsilon")
    apply(values, op, Kind.NORM, op.name.removeprefix("graph."), **options)


def _group_norm(values: Values, op: GroupNormOp) -> None:
    rank = len(shape_of(op.x.type))
    axis = normalize_axis(op.literal("axis"), rank)
    options: dict[str, Value] = {} if axis == rank - 1 else {"axis": axis}
    options |= conventions_of(values).options(op, "epsilon")
    apply(values, op, Kind.NORM, "group_norm", op.literal("groups"), **options)


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    BatchNormOp: _batch_norm,
    ConvOp: _conv,
    ConvTransposeOp: _conv_transpose,
    DenseOp: _dense,
    GroupNormOp: _group_norm,
    LayerNormOp: _layer_norm,
    RmsNormOp: _layer_norm,
}
