"""Operators that work value by value: arithmetic, comparisons, logic, conversions. ONNX broadcasts as numpy does."""

from __future__ import annotations

from functools import reduce

from xdsl.dialects.builtin import f64, i1
from xdsl.ir import Attribute

from neuralc.dialects import graph
from neuralc.dialects.syntax import PlainOp
from neuralc.dialects.types import is_float, numpy_dtype, tensor_type
from neuralc.frontends.onnx.node import Node
from neuralc.frontends.onnx.registry import onnx_op
from neuralc.frontends.values import Value

UNARY: dict[str, type[PlainOp]] = {
    "Abs": graph.AbsOp, "Acos": graph.AcosOp, "Acosh": graph.AcoshOp, "Asin": graph.AsinOp, "Asinh": graph.AsinhOp,
    "Atan": graph.AtanOp, "Atanh": graph.AtanhOp, "Ceil": graph.CeilOp, "Cos": graph.CosOp, "Cosh": graph.CoshOp,
    "Erf": graph.ErfOp, "Exp": graph.ExpOp, "Floor": graph.FloorOp, "Log": graph.LogOp, "Neg": graph.NegOp,
    "Round": graph.RoundOp, "Sign": graph.SignOp, "Sin": graph.SinOp, "Sinh": graph.SinhOp, "Sqrt": graph.SqrtOp,
    "Tan": graph.TanOp, "IsNaN": graph.IsNanOp, "Not": graph.LogicalNotOp, "BitwiseNot": graph.BitwiseNotOp,
}  # fmt: skip
"""Operators that are one graph op of one operand."""

BINARY: dict[str, type[PlainOp]] = {
    "Add": graph.AddOp, "Sub": graph.SubOp, "Mul": graph.MulOp, "Div": graph.DivOp, "And": graph.LogicalAndOp,
    "Or": graph.LogicalOrOp, "Xor": graph.LogicalXorOp, "BitwiseAnd": graph.BitwiseAndOp,
    "BitwiseOr": graph.BitwiseOrOp, "BitwiseXor": graph.BitwiseXorOp, "Equal": graph.EqualOp, "Less": graph.LessOp,
    "LessOrEqual": graph.LessEqualOp, "Greater": graph.GreaterOp, "GreaterOrEqual": graph.GreaterEqualOp,
}  # fmt: skip
"""Operators that are one graph op of two operands."""

VARIADIC: dict[str, type[PlainOp]] = {
    "Max": graph.MaximumOp, "Min": graph.MinimumOp, "Sum": graph.AddOp, "Mean": graph.AddOp,
}  # fmt: skip


@onnx_op(*UNARY, makes=UNARY)
def unary(node: Node) -> Value:
    return node.emit(UNARY[node.op], node.input(0))


@onnx_op(*BINARY, makes=BINARY, since=6)
def binary(node: Node) -> Value:
    return node.emit(BINARY[node.op], *broadcast_operands(node))


def broadcast_operands(node: Node) -> tuple[Value, Value]:
    """Both operands; before version 7 the second one stands at `axis` of the first."""
    a, b = node.inputs
    if node.version < 7 and node.integer("broadcast", 0) and node.has("axis"):
        behind = a.rank - node.axis(node.integer("axis"), a.rank) - b.rank
        b = node.reshape(b, (*b.shape, *([1] * max(behind, 0))))
    return a, b


@onnx_op(*VARIADIC, makes=("graph.maximum", "graph.minimum", "graph.add", "graph.div"))
def variadic(node: Node) -> Value:
    total = reduce(lambda a, b: node.emit(VARIADIC[node.op], a, b), node.inputs)
    return node.div(total, node.scalar(node.count, total)) if node.op == "Mean" else total


@onnx_op("Reciprocal", makes=("graph.div",))
def reciprocal(node: Node) -> Value:
    x = node.input(0)
    return node.div(node.scalar(1, x), x)


@onnx_op("Pow", makes=("graph.pow", "graph.cast"), since=6)
def power(node: Node) -> Value:
    """The result has the type of the base; a fractional exponent of a whole base is computed in floats."""
    x, exponent = broadcast_operands(node)
    if x.element == exponent.element:
        return node.emit(graph.PowOp, x, exponent)
    if is_float(x.element) or not is_float(exponent.element):
        return node.emit(graph.PowOp, x, node.cast(exponent, x.element))
    wide = node.emit(graph.PowOp, node.cast(x, f64), node.cast(exponent, f64))
    return node.cast(wide, x.element)


@onnx_op("Mod", makes=("graph.remainder", "graph.fmod"))
def modulo(node: Node) -> Value:
    """fmod=0: the sign of the divisor, integers only; fmod=1: the sign of the dividend, as in C."""
    a, b = node.inputs
    return node.emit(graph.FmodOp if node.integer("fmod", 0) else graph.RemainderOp, a, b)


@onnx_op("BitShift", makes=("graph.shift_left", "graph.shift_right"))
def bit_shift(node: Node) -> Value:
    """A logical shift; signed values (version 28) keep their sign to the right, as in numpy."""
    a, b = node.inputs
    left = node.string("direction") == "LEFT"
    return node.emit(graph.ShiftLeftOp if left else graph.ShiftRightOp, a, b)


@onnx_op("IsInf", makes=("graph.is_inf",))
def is_inf(node: Node) -> Value:
    positive, negative = (bool(node.integer(f"detect_{side}", 1)) for side in ("positive", "negative"))
    return node.emit(graph.IsInfOp, node.input(0), positive=positive, negative=negative)


@onnx_op("Where", makes=("graph.where",))
def where(node: Node) -> Value:
    return node.emit(graph.WhereOp, *node.inputs)


@onnx_op("Identity", makes=())
def identity(node: Node) -> Value:
    return node.input(0)


@onnx_op("Dropout", makes=("graph.constant",), unread=("seed", "ratio", "is_test", "consumed_inputs"), since=6)
def dropout(node: Node) -> list[Value]:
    """The identity at inference; the mask keeps everything. Training mode is an input since version 12."""
    x = node.input(0)
    if node.optional(2) is not None and node.numbers(2, "training mode").any():
        node.refuse("in training mode")
    if not node.wants(1):
        return [x]
    element = i1 if node.version >= 10 else x.element
    return [x, node.fill(1, x.shape, element)]


@onnx_op("Clip", makes=("graph.maximum", "graph.minimum"))
def clip(node: Node) -> Value:
    """min(max(x, low), high); the bounds are attributes before version 11."""
    x = node.input(0)
    if node.version < 11:
        limits = [node.scalar(node.real(name, 0.0), x) if node.has(name) else None for name in ("min", "max")]
    else:
        limits = [node.optional(1), node.optional(2)]
    for limit, op in zip(limits, (graph.MaximumOp, graph.MinimumOp), strict=True):
        if limit is not None:
            x = node.emit(op, x, node.reshape(limit, ()))
    return x


# --- conversions -----------------------------------------------------------------------------------------------------
@onnx_op("Cast", makes=("graph.cast",), unread=("saturate", "round_mode"))
def cast(node: Node) -> Value:
    """`saturate` and `round_mode` concern 8-bit floats, which are refused."""
    return convert(node, node.input(0), node.element("to"))


@onnx_op("CastLike", makes=("graph.cast",), unread=("saturate", "round_mode"))
def cast_like(node: Node) -> Value:
    return convert(node, node.input(0), node.input(1).element)


def convert(node: Node, x: Value, element: Attribute) -> Value:
    return node.cast(x, element)


@onnx_op("BitCast", makes=("graph.bitcast",))
def bit_cast(node: Node) -> Value:
    x, element = node.input(0), node.element("to")
    if i1 in (x.element, element) and numpy_dtype(x.element).itemsize == numpy_dtype(element).itemsize:
        return node.cast(x, element)  # the byte of a truth value is 0 or 1
    if numpy_dtype(x.element).itemsize != numpy_dtype(element).itemsize:
        node.refuse(f"from {x.element} to {element}, of another width")
    return node.emit(graph.BitcastOp, x, result=tensor_type(x.shape, element))
