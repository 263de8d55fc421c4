"""Layers with weights: layers applied; and the same as functions of values, where a layer cannot hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xdsl.ir import Operation

from neuralc.dialects.graph import (
    ActivityRegularizerOp,
    BatchNormOp,
    ConvOp,
    ConvTransposeOp,
    DenseOp,
    DropoutOp,
    GaussianNoiseOp,
    GroupNormOp,
    LayerNormOp,
    PreluOp,
    RmsNormOp,
)
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.emit.keras.common import cast, is_float_value, operands, static
from neuralc.emit.keras.layers import (
    conv_padding,
    cropped,
    has_transposed_layer,
    is_padded_before,
    is_same_transposed,
    square,
)
from neuralc.emit.keras.lower_axes import define_integer_product
from neuralc.emit.keras.lower_pads import padded
from neuralc.emit.keras.orders import slope_axis
from neuralc.emit.keras.same_padding import around
from neuralc.emit.keras.style import KerasForm
from neuralc.emit.layouts import channels_last, natural
from neuralc.emit.python.expressions import Expression, Precedence, Value, binary, call, name
from neuralc.emit.python.heads import Heads, heads_of
from neuralc.emit.python.nodes import Kind, Node
from neuralc.emit.python.plan import Layer
from neuralc.emit.python.values import Values

_KINDS: Mapping[type[Operation], Kind] = {
    **dict.fromkeys((BatchNormOp, GroupNormOp, LayerNormOp, RmsNormOp), Kind.NORM),
    PreluOp: Kind.ACTIVATION,
    **dict.fromkeys((ActivityRegularizerOp, DropoutOp, GaussianNoiseOp), Kind.DROPOUT),
}


def layer_at(values: Values, op: Operation) -> Layer | None:
    return values.plan.layer_at.get(op)


def layer_call(values: Values, layer: Layer, arguments: Sequence[Expression]) -> Expression:
    assert isinstance(values.form, KerasForm)
    return values.form.layer(layer, arguments)


def _apply(values: Values, op: Operation, layer: Layer, x: Node) -> None:
    values.define(op, _KINDS.get(type(op), Kind.LAYER), [x], lambda x: layer_call(values, layer, x[:1]))


def _layer_or(written: Callable[[Values, Any], None]) -> Callable[[Values, Any], None]:
    """A layer applied, or the op written out."""

    def lower(values: Values, op: Operation) -> None:
        layer = layer_at(values, op)
        if layer is None:
            written(values, op)
        else:
            _apply(values, op, layer, values.operand(op, layer.spec.data))

    return lower


# -- convolutions ------------------------------------------------------------------------------------------------------


def _conv(values: Values, op: ConvOp) -> None:
    layer, x = layer_at(values, op), values.operand(op, 0)
    if is_padded_before(op):
        x = padded(values, x, around(op.literal("pads")))
    if layer is not None:
        _apply(values, op, layer, x)
        return
    strides, dilations = op.literal("strides"), op.literal("dilations")
    both = max(strides) > 1 and max(dilations) > 1
    options: dict[str, Value] = {"strides": square((1,) * len(strides) if both else strides)}
    if both and conv_padding(op) != "valid":
        x = padded(values, x, around(op.literal("pads")))
    elif conv_padding(op) == "same":
        options["padding"] = "same"
    elif conv_padding(op) == "causal":
        x = padded(values, x, around(op.literal("pads")))
    if max(dilations) > 1:
        options["dilation_rate"] = square(dilations)
    steps = ", ".join([":", *(f"::{stride}" for stride in strides)])
    nodes = [x, *(values.operand(op, index) for index in range(1, len(op.operands)))]
    element = element_of(op.x.type)

    def render(x: Sequence[Expression]) -> Expression:
        image, kernel = (x[0], x[1]) if is_float(element) else (_wide(x[0]), _wide(x[1]))
        made = call("ops.conv", image, kernel, **options)
        if both:
            made = name(f"{made}[{steps}]")
        made = made if is_float(element) else cast(call("ops.cast", made, "int64"), element)
        return binary("+", made, x[2]) if len(x) > 2 else made

    values.define(op, Kind.LAYER, nodes, render)


def _wide(x: Expression) -> Expression:
    """Integers as doubles, which hold every sum of products of small ones."""
    return call("ops.cast", x, "float64")


def _conv_transpose(values: Values, op: ConvTransposeOp) -> None:
    layer, rank = layer_at(values, op), len(op.literal("strides"))
    if layer is None:
        _written_transpose(values, op)
        return
    if is_same_transposed(op) or not any(low or high for low, high in cropped(op)):
        _apply(values, op, layer, values.operand(op, 0))
        return
    more = cropped(op)
    subscripts = [":", *(f"{low or ''}:{-high or ''}" for low, high in more)]
    shape = values.shape(op.result, values.layouts.orders[op.result])
    sizes = [size + low + high for size, (low, high) in zip(shape[1:], more, strict=False)]
    whole = values.add(
        Kind.LAYER,
        [values.operand(op, 0)],
        lambda x: layer_call(values, layer, x[:1]),
        (shape[0], *sizes, shape[rank + 1]),
    )
    values.define(op, Kind.VIEW, [whole], lambda x: name(f"{x[0].within(Precedence.ATOM)}[{', '.join(subscripts)}]"))


def _written_transpose(values: Values, op: ConvTransposeOp) -> None:
    """A convolution of the image with zeros between its places, with the kernel turned around."""
    values.helpers.add("conv_transpose")
    window = static(shape_of(op.kernel.type)[:-2]) or ()
    strides, dilations, pads, more = (op.literal(key) for key in ("strides", "dilations", "pads", "output_padding"))
    reaches = [dilation * (k - 1) for k, dilation in zip(window, dilations, strict=True)]
    rank = len(window)
    edges = tuple((reaches[i] - pads[i], reaches[i] - pads[i + rank] + more[i]) for i in range(rank))
    groups, element = op.literal("groups"), element_of(op.x.type)

    def render(x: Sequence[Expression]) -> Expression:
        image, kernel = (x[0], x[1]) if is_float(element) else (_wide(x[0]), _wide(x[1]))
        made = call("conv_transpose", image, kernel, strides, dilations, groups, edges)
        made = made if is_float(element) else cast(call("ops.cast", made, "int64"), element)
        return binary("+", made, x[2]) if len(x) > 2 else made

    values.define(op, Kind.LAYER, operands(values, op), render)


# -- others ------------------------------------------------------------------------------------------------------------


def _dense(values: Values, op: DenseOp) -> None:
    layer, heads = layer_at(values, op), heads_of(op)
    if layer is None:
        _written_dense(values, op)
    elif heads is None:
        _apply(values, op, layer, values.operand(op, 0))
    elif heads.result is op:
        lower_heads(values, heads, layer)


def lower_heads(values: Values, heads: Heads, layer: Layer) -> None:
    """A layer that keeps heads, with the result of the op that gives them."""
    x = values.at(heads.x, natural(heads.x))
    values.define(heads.result, Kind.LAYER, [x], lambda x: layer_call(values, layer, x[:1]))


def _written_dense(values: Values, op: DenseOp) -> None:
    if not is_float_value(op.x):
        rest = "abcdefgh"[: len(shape_of(op.x.type)) - 1]
        define_integer_product(values, op, f"{rest}k,kn->{rest}n")
        return

    def render(x: Sequence[Expression]) -> Expression:
        made = call("ops.matmul", *x[:2])
        return binary("+", made, x[2]) if len(x) > 2 else made

    values.define(op, Kind.LAYER, operands(values, op), render)


def _batch_norm(values: Values, op: BatchNormOp) -> None:
    """Of a vector, or with weights that are computed."""
    rank = len(shape_of(op.x.type))
    if rank == 1:
        epsilon = op.literal("epsilon")

        def vector(x: Sequence[Expression]) -> Expression:
            scaled = binary("*", call("ops.rsqrt", binary("+", x[4], name(repr(epsilon)))), x[1])
            return binary("+", binary("*", binary("-", x[0], x[3]), scaled), x[2])

        values.define(op, Kind.NORM, operands(values, op), vector)
        return
    options: dict[str, Value] = {"axis": -1, "epsilon": op.literal("epsilon")}

    def render(x: Sequence[Expression]) -> Expression:
        return call("ops.batch_normalization", x[0], x[3], x[4], offset=x[2], scale=x[1], **options)

    values.define(op, Kind.NORM, operands(values, op), render)


def _group_norm(values: Values, op: GroupNormOp) -> None:
    values.helpers.add("group_norm")
    values.define(
        op,
        Kind.NORM,
        operands(values, op),
        lambda x: call("group_norm", *x, groups=op.literal("groups"), epsilon=op.literal("epsilon")),
    )


def _layer_norm(values: Values, op: LayerNormOp | RmsNormOp) -> None:
    rank = len(shape_of(op.x.type))
    first = normalize_axis(op.literal("axis"), rank)
    axes: Value = -1 if first == rank - 1 else tuple(range(first, rank))
    function = "layer_norm" if isinstance(op, LayerNormOp) else "rms_norm"
    values.helpers.add(function)
    options: dict[str, Value] = {"axis": axes, "epsilon": op.literal("epsilon")}

    def render(x: Sequence[Expression]) -> Expression:
        scaled = binary("*", call(function, x[0], **options), x[1])
        return binary("+", scaled, x[2]) if len(x) > 2 else scaled

    values.define(op, Kind.NORM, operands(values, op), render)


def _prelu(values: Values, op: PreluOp) -> None:
    x, slopes = values.operand(op, 0), values.operand(op, 1)
    channel, rank = slope_axis(op.x, op.alpha), len(shape_of(op.x.type))
    if channel is not None:
        own = len(shape_of(op.alpha.type))
        slopes = values.at(op.alpha, channels_last(own, channel - rank + own))

    def render(x: Sequence[Expression]) -> Expression:
        slopes = x[1].within(Precedence.PRODUCT)
        return call("ops.where", name(f"{x[0]} >= 0"), x[0], name(f"{slopes} * {x[0]}"))

    values.define(op, Kind.OTHER, [x, slopes], render)


def _held_only(values: Values, op: Operation) -> None:
    values.refuse(op, "Keras has no such layer")


LOWERINGS: Mapping[type[Operation], Callable[[Values, Any], None]] = {
    ConvOp: _conv,
    ConvTransposeOp: _conv_transpose,
    BatchNormOp: _layer_or(_batch_norm),
    DenseOp: _dense,
    GroupNormOp: _layer_or(_group_norm),
    LayerNormOp: _layer_or(_layer_norm),
    PreluOp: _layer_or(_prelu),
    RmsNormOp: _layer_or(_layer_norm),
    **dict.fromkeys((ActivityRegularizerOp, DropoutOp, GaussianNoiseOp), _layer_or(_held_only)),
}
__all__ = ["LOWERINGS", "has_transposed_layer", "layer_at", "layer_call"]
