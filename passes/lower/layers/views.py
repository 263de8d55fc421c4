"""Values in another shape, order or place, and constants."""

from __future__ import annotations

from xdsl.dialects.builtin import i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph, tensor
from neuralc.dialects.dims import simplest
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.syntax import to_literal
from neuralc.dialects.tensor.subscripts import WHOLE, identity
from neuralc.dialects.types import element_of, is_float, shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering, broadcast_word
from neuralc.passes.lower.places import Size, clamped, place_type, reflected, reflected_once, wrapped, wrapped_once
from neuralc.passes.lower.scalar_functions import ScalarBuilder


def _constant(at: Lowering, op: graph.ConstantOp) -> SSAValue:
    return at.emit(tensor.FillOp.of(result=op.result.type, value=op.properties["value"]))


def _slice(at: Lowering, op: graph.SliceOp) -> SSAValue:
    starts, steps = [simplest(start) for start in op.starts.data], op.literal("steps")
    shape = shape_of(op.result.type)
    if all(step > 0 for step in steps):
        return at.emit(tensor.SliceOp.of(op.x, starts=op.starts, strides=steps, result=op.result.type))
    letters, narrow = identity(len(shape)), place_type(shape_of(op.x.type), shape, tuple(starts))

    def body(b: ScalarBuilder, x: SSAValue) -> SSAValue:
        def place(letter: str, start: Size, step: int) -> SSAValue:
            position = b.position(letter, narrow)
            return b.call("add", position if step == 1 else b.call("mul", position, step), b.size(start, narrow))

        return b.at(x, [place(*each) for each in zip(letters, starts, steps, strict=True)])

    return at.map(f"{WHOLE}->{letters}", [op.x], shape, body)


def _concat(at: Lowering, op: graph.ConcatOp) -> SSAValue:
    axis = normalize_axis(op.literal("axis"), len(shape_of(op.result.type)))
    return at.emit(tensor.ConcatOp.of(*op.xs, dim=axis))


def _expand(at: Lowering, op: graph.ExpandOp) -> SSAValue:
    shape = shape_of(op.result.type)
    spec = f"{broadcast_word(shape_of(op.x.type), shape)}->{identity(len(shape))}"
    return at.map(spec, [op.x], shape, lambda b, x: x)


def _pad(at: Lowering, op: graph.PadOp) -> SSAValue:
    low, high, mode = op.literal("low"), op.literal("high"), op.literal("mode")
    if mode == "constant":
        number = to_literal(op.value)
        value = float(number) if is_float(element_of(op.result.type)) else int(number)
        return at.emit(tensor.PadOp.of(op.x, low=low, high=high, value=value))
    shape, letters = shape_of(op.x.type), identity(len(low))
    narrow = place_type(shape_of(op.result.type))

    def body(b: ScalarBuilder, x: SSAValue) -> SSAValue:
        def place(axis: int) -> SSAValue:
            position = b.position(letters[axis], narrow)
            if not low[axis] and not high[axis]:
                return position
            place = b.call("sub", position, low[axis])
            return _inside(b, place, mode, shape[axis], max(low[axis], high[axis]))

        return b.at(x, [place(axis) for axis in range(len(shape))])

    return at.map(f"{WHOLE}->{letters}", [op.x], shape_of(op.result.type), body)


def _inside(b: ScalarBuilder, place: SSAValue, mode: str, size: Size, farthest: int) -> SSAValue:
    """The place of a dim that stands for one which is at most `farthest` outside of it."""
    if mode == "edge":
        return clamped(b, place, size)
    if mode == "reflect":
        near = isinstance(size, int) and farthest < size
        return reflected_once(b, place, int(str(size))) if near else reflected(b, place, size)
    near = isinstance(size, int) and farthest <= size
    return wrapped_once(b, place, int(str(size))) if near else wrapped(b, place, size)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.ConcatOp: _concat,
    graph.ConstantOp: _constant,
    graph.ExpandOp: _expand,
    graph.IotaOp: lambda at, op: at.positions(shape_of(op.result.type)[0]),
    graph.PadOp: _pad,
    graph.ReshapeOp: lambda at, op: at.reshape(op.x, shape_of(op.result.type)),
    graph.SizeOp: lambda at, op: at.map("->", [], (), lambda b: b.size(op.dim.data, i64)),
    graph.SliceOp: _slice,
    graph.TransposeOp: lambda at, op: at.emit(tensor.TransposeOp.of(op.x, perm=op.literal("perm"))),
}
