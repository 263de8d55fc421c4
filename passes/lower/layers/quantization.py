"""Between floats and small integers: one map, which reads scale and zero point where its place says.

    %q = tensor.map "abc,b,b->abc" %x, %scale, %zero_point { convert(round_even(x / s) + z) }

The conversion to the narrow type saturates. Blocks are a dim of their own where they divide the size, and are read at
place / block_size where they do not.
"""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import f32, f64, i32, i64
from xdsl.ir import Operation, SSAValue

from neuralc.dialects import graph
from neuralc.dialects.dims import Dim
from neuralc.dialects.graph.shapes import normalize_axis
from neuralc.dialects.tensor.subscripts import WHOLE, identity
from neuralc.dialects.types import element_bytes, element_of, shape_of
from neuralc.passes.lower.lowering import Conversion, Lowering
from neuralc.passes.lower.scalar_functions import ScalarBuilder

Body = Callable[[ScalarBuilder, SSAValue, SSAValue, SSAValue], SSAValue]


def _scaled(at: Lowering, op: graph.QuantizeOp | graph.DequantizeOp, body: Body) -> SSAValue:
    """A map over x, its scale and its zero point."""
    shape, scale, block = shape_of(op.x.type), shape_of(op.scale.type), op.literal("block_size")
    letters = identity(len(shape))
    if not block:
        axis = None if scale in ((), (1,)) else normalize_axis(op.literal("axis"), len(shape))
        word = "" if axis is None else letters[axis]
        values = [at.reshape(value, ()) if axis is None else value for value in (op.scale, op.zero_point)]
        return at.map(f"{letters},{word},{word}->{letters}", [op.x, *values], shape, body)
    axis = normalize_axis(op.literal("axis"), len(shape))
    size = shape[axis]
    if not isinstance(size, Dim) and size % block == 0:
        split = (*shape[:axis], size // block, block, *shape[axis + 1 :])
        letters = identity(len(split))
        word = letters[: axis + 1] + letters[axis + 2 :]
        spec = f"{letters},{word},{word}->{letters}"
        y = at.map(spec, [at.reshape(op.x, split), op.scale, op.zero_point], split, body)
        return at.reshape(y, shape)

    def in_blocks(b: ScalarBuilder, x: SSAValue, scales: SSAValue, zero_points: SSAValue) -> SSAValue:
        places = [b.position(letter, i64) for letter in letters]
        places[axis] = b.call("div", places[axis], block)
        return body(b, x, b.at(scales, places), b.at(zero_points, places))

    return at.map(f"{letters},{WHOLE},{WHOLE}->{letters}", [op.x, op.scale, op.zero_point], shape, in_blocks)


def _quantize(at: Lowering, op: graph.QuantizeOp) -> SSAValue:
    element, narrow = element_of(op.x.type), element_of(op.zero_point.type)
    # Sums of a rounded quotient and a zero point of up to 16 bits are exact in f32 as far as the narrow type reaches.
    exact = f64 if element_bytes(narrow) > 2 else f32 if element_bytes(element) < 4 else element

    def body(b: ScalarBuilder, x: SSAValue, scale: SSAValue, zero_point: SSAValue) -> SSAValue:
        quotient = b.call("round_even", b.convert(b.call("div", x, scale), exact))
        return b.convert(b.call("add", quotient, b.convert(zero_point, exact)), narrow)

    return _scaled(at, op, body)


def _dequantize(at: Lowering, op: graph.DequantizeOp) -> SSAValue:
    element, wide = element_of(op.scale.type), i32 if element_bytes(element_of(op.x.type)) <= 2 else i64
    exact = f32 if element_bytes(element) < 4 else element

    def body(b: ScalarBuilder, x: SSAValue, scale: SSAValue, zero_point: SSAValue) -> SSAValue:
        difference = b.call("sub", b.convert(x, wide), b.convert(zero_point, wide))
        return b.convert(b.call("mul", b.convert(difference, exact), b.convert(scale, exact)), element)

    return _scaled(at, op, body)


CONVERSIONS: dict[type[Operation], Conversion] = {
    graph.DequantizeOp: _dequantize,
    graph.QuantizeOp: _quantize,
}
